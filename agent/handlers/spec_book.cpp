#include "agent/handlers/spec_book.h"

#include <algorithm>
#include <optional>

namespace podreeve::handlers {

namespace {

constexpr std::size_t kKeptOfAnApp = 3;

}  // namespace

SpecBook::SpecBook(Fallback fallback, DiskWaits* disk)
    : fallback_(std::move(fallback)), disk_(disk) {}

void SpecBook::put(const std::string& spec_hash, Spec spec) {
    if (!spec) {
        return;
    }
    auto apps = apps_.lock();
    Kept& kept = (*apps)[spec->name];
    const auto same = [&](const auto& entry) { return entry.first == spec_hash; };
    kept.erase(std::remove_if(kept.begin(), kept.end(), same), kept.end());
    kept.emplace_front(spec_hash, std::move(spec));
    if (kept.size() > kKeptOfAnApp) {
        kept.pop_back();
    }
}

SpecBook::Spec SpecBook::find(const std::string& app, const std::string& spec_hash) {
    if (Spec kept = find_kept(app, spec_hash)) {
        return kept;
    }
    if (!fallback_) {
        return nullptr;
    }
    Spec spec = ask(app, spec_hash);
    put(spec_hash, spec);
    return spec;
}

// Who waits for another's answer waits for the disk, too.
SpecBook::Spec SpecBook::ask(const std::string& app, const std::string& spec_hash) {
    std::optional<DiskWaits::Wait> wait;
    if (disk_ != nullptr) {
        wait.emplace(disk_->begin());
    }
    const std::lock_guard<std::mutex> one_at_a_time(asking_);
    return fallback_(app, spec_hash);
}

void SpecBook::forget(const std::string& app) {
    apps_.lock()->erase(app);
}

SpecBook::Spec SpecBook::find_kept(const std::string& app, const std::string& spec_hash) {
    auto apps = apps_.lock();
    const auto kept = apps->find(app);
    if (kept == apps->end()) {
        return nullptr;
    }
    for (const auto& [hash, spec] : kept->second) {
        if (hash == spec_hash) {
            return spec;
        }
    }
    return nullptr;
}

}  // namespace podreeve::handlers
