#include "agent/state/delays.h"

#include <algorithm>
#include <utility>

namespace podreeve::state {
namespace {

// A Retry without a time means the next ensure; this bounds how long that can be away, and how
// fast a handler that always says so can spin.
constexpr Duration kSoon = std::chrono::milliseconds(100);

bool may_be_delayed(const TaskRecord& task) {
    return task.status == TaskStatus::Doing || task.status == TaskStatus::Undoing;
}

}  // namespace

void Delays::retry(TaskId id, Duration after) {
    const bool timed = after > Duration{};
    due_[id] = clock_.steady_now() + (timed ? after : kSoon);
    if (!timed) {
        soon_.insert(id);
    }
}

void Delays::forget(TaskId id) {
    due_.erase(id);
    soon_.erase(id);
}

void Delays::release_soon() {
    for (const TaskId id : std::exchange(soon_, {})) {
        due_.erase(id);
    }
}

void Delays::begin_pass() {
    former_ = std::exchange(due_, {});
}

void Delays::keep(const TaskRecord& task) {
    if (!may_be_delayed(task)) {
        return;
    }
    if (const auto it = former_.find(task.id); it != former_.end()) {
        due_.insert(*it);
    } else if (task.at != WallTime{}) {
        due_.emplace(task.id, clock_.steady_now() + left(task));
    }
}

Duration Delays::left(const TaskRecord& task) const {
    if (!may_be_delayed(task)) {
        return {};
    }
    if (const auto it = due_.find(task.id); it != due_.end()) {
        return it->second - clock_.steady_now();
    }
    if (task.at == WallTime{}) {
        return {};
    }
    // Left behind by an earlier process, whose clock may have been ahead by years.
    const Duration stored = task.at - clock_.system_now();
    return std::min<Duration>(stored, kLongestDelay);
}

std::optional<Duration> Delays::next() const {
    const SteadyTime now = clock_.steady_now();
    std::optional<Duration> next;
    for (const auto& [id, when] : due_) {
        if (when > now && (!next || when - now < *next)) {
            next = when - now;
        }
    }
    return next;
}

}  // namespace podreeve::state
