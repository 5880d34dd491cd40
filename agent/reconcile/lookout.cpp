#include "agent/reconcile/lookout.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "agent/reconcile/condition_facts.h"
#include "runtime/base/thread.h"

namespace podreeve::reconcile {

using manifests::StartCondition;
using supervise::Assessment;
using supervise::ConditionOutcome;
using supervise::LeafKey;
using supervise::WorldFacts;

namespace {

// All others have a deadline of their own.
bool can_hang(const LeafKey& key) {
    return key.first == manifests::StartConditionKind::Path;
}

}  // namespace

struct Lookout::Shared {
    struct Leaf {
        StartCondition condition;
        bool looking = false;
        bool at_work = false;            // a thread looks at it
        bool lost = false;               // and was waited for in vain
        std::optional<Assessment> seen;  // by the last look that has come back
    };

    LookAtLeaf look;
    std::stop_source stop;

    std::mutex mutex;
    std::condition_variable_any came;
    std::map<LeafKey, Leaf> leaves;
    std::deque<LeafKey> waiting;  // for a thread
    std::size_t threads = 0;      // but those that are lost
    std::size_t lost = 0;
    std::size_t at_podman = 0;

    void begin(const Leaves& wanted, const std::shared_ptr<Shared>& self);
    void start_threads(const std::shared_ptr<Shared>& self);
    void work();
    bool take_next(LeafKey& key);
    void come_back(const LeafKey& key, Assessment seen);
    void give_up_on(const Leaves& wanted);
    Assessment look_at(const LeafKey& key) noexcept;
    bool all_came(const Leaves& wanted) const;
    WorldFacts replies(const Leaves& wanted, Duration within, bool keep_last) const;
    void forget_others(const Leaves& wanted);
};

void Lookout::Shared::begin(const Leaves& wanted, const std::shared_ptr<Shared>& self) {
    for (const auto& [key, condition] : wanted) {
        Leaf& leaf = leaves[key];
        if (!leaf.looking) {
            leaf.looking = true;
            leaf.condition = condition;
            waiting.push_back(key);
        }
    }
    start_threads(self);
}

// Those that cannot be had now are begun by the ones that end, or by the next look.
void Lookout::Shared::start_threads(const std::shared_ptr<Shared>& self) {
    const std::size_t more =
        std::min(waiting.size(), kMostThreads - std::min(threads, kMostThreads));
    for (std::size_t i = 0; i < more; ++i) {
        ++threads;
        const auto begin = [&] {
            begin_thread("a look at start conditions", [self] { self->work(); }).detach();
        };
        if (contained(begin)) {
            --threads;
            return;
        }
    }
}

void Lookout::Shared::work() {
    std::unique_lock lock(mutex);
    LeafKey key;
    while (take_next(key)) {
        const bool asks_podman = key.first == manifests::StartConditionKind::Image;
        at_podman += asks_podman ? 1 : 0;
        lock.unlock();
        Assessment seen = look_at(key);
        lock.lock();
        at_podman -= asks_podman ? 1 : 0;
        come_back(key, std::move(seen));
        came.notify_all();
    }
    --threads;
}

// One that was lost and has come back may be one too many.
bool Lookout::Shared::take_next(LeafKey& key) {
    if (waiting.empty() || stop.stop_requested() || threads > kMostThreads) {
        return false;
    }
    key = std::move(waiting.front());
    waiting.pop_front();
    leaves[key].at_work = true;
    return true;
}

void Lookout::Shared::come_back(const LeafKey& key, Assessment seen) {
    Leaf& leaf = leaves[key];
    leaf.looking = leaf.at_work = false;
    leaf.seen = std::move(seen);
    if (std::exchange(leaf.lost, false)) {
        --lost;
        ++threads;
    }
}

void Lookout::Shared::give_up_on(const Leaves& wanted) {
    for (const auto& [key, condition] : wanted) {
        const auto leaf = leaves.find(key);
        if (can_hang(key) && leaf != leaves.end() && leaf->second.at_work && !leaf->second.lost &&
            lost < kMostLost) {
            leaf->second.lost = true;
            ++lost;
            --threads;
        }
    }
}

Assessment Lookout::Shared::look_at(const LeafKey& key) noexcept {
    Assessment seen{ConditionOutcome::Pending, ""};
    const auto thrown = contained([&] {
        std::unique_lock lock(mutex);
        const StartCondition condition = leaves.at(key).condition;
        lock.unlock();
        seen = look(condition, stop.get_token());
    });
    if (thrown) {
        contained_or_logged("reporting it", [&] { seen.pending = "internal error: " + *thrown; });
    }
    return seen;
}

bool Lookout::Shared::all_came(const Leaves& wanted) const {
    return std::ranges::none_of(wanted, [&](const auto& row) {
        const auto leaf = leaves.find(row.first);
        return leaf != leaves.end() && leaf->second.looking;
    });
}

WorldFacts Lookout::Shared::replies(const Leaves& wanted, Duration within, bool keep_last) const {
    WorldFacts facts;
    for (const auto& [key, condition] : wanted) {
        const auto leaf = leaves.find(key);
        const bool there =
            leaf != leaves.end() && leaf->second.seen && (keep_last || !leaf->second.looking);
        facts[key] = there ? *leaf->second.seen
                           : Assessment{ConditionOutcome::Pending,
                                        fmt::format("no answer within {}", to_short_text(within))};
    }
    return facts;
}

void Lookout::Shared::forget_others(const Leaves& wanted) {
    std::erase_if(leaves, [&](const auto& row) {
        return !row.second.looking && !wanted.contains(row.first);
    });
}

Lookout::Lookout(podman::Client& podman, std::string bus)
    : Lookout([&podman, bus = std::move(bus)](const StartCondition& leaf, std::stop_token stop) {
          return look_at_leaf(leaf, podman, bus, std::move(stop));
      }) {}

Lookout::Lookout(LookAtLeaf look) : shared_(std::make_shared<Shared>()) {
    shared_->look = std::move(look);
}

Lookout::~Lookout() {
    shared_->stop.request_stop();
    std::unique_lock lock(shared_->mutex);
    shared_->came.wait(lock, [this] { return shared_->at_podman == 0; });
}

WorldFacts Lookout::look(const Leaves& leaves, Duration within, std::stop_token stop) {
    return look(leaves, within, std::move(stop), true);
}

WorldFacts Lookout::look_now(const Leaves& leaves, Duration within, std::stop_token stop) {
    return look(leaves, within, std::move(stop), false);
}

WorldFacts Lookout::look(const Leaves& leaves,
                         Duration within,
                         std::stop_token stop,
                         bool keep_last) {
    if (leaves.empty()) {
        return {};
    }
    std::unique_lock lock(shared_->mutex);
    shared_->begin(leaves, shared_);
    shared_->came.wait_for(lock, std::move(stop), within,
                           [&] { return shared_->all_came(leaves); });
    shared_->give_up_on(leaves);
    shared_->start_threads(shared_);
    WorldFacts facts = shared_->replies(leaves, within, keep_last);
    if (keep_last) {
        shared_->forget_others(leaves);
    }
    return facts;
}

}  // namespace podreeve::reconcile
