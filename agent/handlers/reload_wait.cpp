#include "agent/handlers/reload_wait.h"

#include <algorithm>

namespace podreeve::handlers {

namespace {

// Doubling to 640 ms: each look reads the changes of all apps, beside those who write.
constexpr std::chrono::milliseconds kLookAgain{20};
constexpr int kDoublings = 5;

}  // namespace

bool ReloadWait::is_moving(const std::set<state::TaskId>& ahead) {
    const std::size_t before = writes_.size();
    if (more_to_come_) {
        writes_.insert(ahead.begin(), ahead.end());
    }
    const bool grew = writes_.size() > before;
    return std::erase_if(writes_, [&](state::TaskId id) { return !ahead.contains(id); }) > 0 ||
           grew;
}

std::optional<Duration> ReloadWait::look(const std::set<state::TaskId>& ahead,
                                         bool all_committed,
                                         SteadyTime now) {
    looked_ = now;
    if (is_moving(ahead) || !moved_) {
        moved_ = now;
    }
    more_to_come_ = more_to_come_ && !all_committed;
    const Duration left = kNothingMoves - (now - *moved_);
    if ((writes_.empty() && !more_to_come_) || left <= Duration{}) {
        return std::nullopt;
    }
    if (more_to_come_) {
        return Duration{};
    }
    return std::min<Duration>(left, kLookAgain * (1 << std::min(looks_++, kDoublings)));
}

}  // namespace podreeve::handlers
