#include "runtime/loop/timer_queue.h"

namespace podreeve::loop {

TimerQueue::Key TimerQueue::add(SteadyTime deadline, std::function<void()> fn) {
    const Key key{deadline, next_++};
    timers_.emplace(key, std::move(fn));
    return key;
}

std::optional<SteadyTime> TimerQueue::next_deadline() const {
    if (timers_.empty()) {
        return std::nullopt;
    }
    return timers_.begin()->first.first;
}

std::function<void()> TimerQueue::take_due(SteadyTime now, std::uint64_t mark) {
    for (auto it = timers_.begin(); it != timers_.end() && it->first.first <= now; ++it) {
        if (it->first.second < mark) {
            auto fn = std::move(it->second);
            timers_.erase(it);
            return fn;
        }
    }
    return {};
}

}  // namespace podreeve::loop
