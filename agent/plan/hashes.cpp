#include "agent/plan/hashes.h"

#include <unordered_map>

#include "agent/plan/steps.h"
#include "runtime/base/mutex.h"

namespace podreeve::plan {
namespace {

struct Remembered {
    std::weak_ptr<const manifests::AppSpec> spec;  // tells whether the address was used anew
    std::shared_ptr<const SpecHashes> hashes;
};

struct Memo {
    std::unordered_map<const manifests::AppSpec*, Remembered> rows;
    std::size_t sweep_at = 64;
};

Guarded<Memo>& memo() {
    static Guarded<Memo> instance;
    return instance;
}

std::shared_ptr<const SpecHashes> compute(const manifests::AppSpec& app) {
    auto hashes = std::make_shared<SpecHashes>();
    hashes->app = manifests::spec_hash(app);
    for (const manifests::PodSpec& pod : app.pods) {
        hashes->pods.push_back(label_spec(app, pod));
    }
    for (const manifests::ContainerSpec& container : app.containers) {
        hashes->containers.push_back(label_spec(container));
    }
    for (const manifests::SecretSpec& secret : app.secrets) {
        hashes->secrets.push_back(label_spec(secret));
    }
    return hashes;
}

void sweep(Memo& memo) {
    if (memo.rows.size() < memo.sweep_at) {
        return;
    }
    std::erase_if(memo.rows, [](const auto& row) { return row.second.spec.expired(); });
    memo.sweep_at = 64 + 2 * memo.rows.size();
}

}  // namespace

std::shared_ptr<const SpecHashes> hashes_of(const std::shared_ptr<const manifests::AppSpec>& app) {
    {
        auto known = memo().lock();
        const auto it = known->rows.find(app.get());
        if (it != known->rows.end() && it->second.spec.lock() == app) {
            return it->second.hashes;
        }
    }
    auto hashes = compute(*app);
    auto known = memo().lock();
    sweep(*known);
    known->rows[app.get()] = Remembered{app, hashes};
    return hashes;
}

}  // namespace podreeve::plan
