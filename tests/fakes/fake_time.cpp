#include "tests/fakes/fake_time.h"

namespace podreeve::fakes {

struct FakeTime::State {
    mutable std::mutex mutex;
    SteadyTime steady{std::chrono::hours(1)};
    WallTime wall;
    std::uint64_t sequence = 0;
    std::map<std::pair<SteadyTime, std::uint64_t>, std::function<void()>> timers;
    std::deque<std::function<void()>> posted;
};

FakeTime::FakeTime(WallTime start) : state_(std::make_shared<State>()) {
    state_->wall = start;
}

SteadyTime FakeTime::steady_now() const {
    std::lock_guard lock(state_->mutex);
    return state_->steady;
}

WallTime FakeTime::system_now() const {
    std::lock_guard lock(state_->mutex);
    return state_->wall;
}

TimerHandle FakeTime::after(Duration delay, std::function<void()> fn) {
    std::lock_guard lock(state_->mutex);
    const auto key = std::make_pair(state_->steady + delay, ++state_->sequence);
    state_->timers.emplace(key, std::move(fn));
    return TimerHandle([weak = std::weak_ptr(state_), key] {
        const auto state = weak.lock();
        if (!state) {
            return;
        }
        std::function<void()> gone;  // destroyed without the lock: it may own other handles
        std::lock_guard guard(state->mutex);
        if (auto it = state->timers.find(key); it != state->timers.end()) {
            gone = std::move(it->second);
            state->timers.erase(it);
        }
    });
}

void FakeTime::post(std::function<void()> fn) {
    std::lock_guard lock(state_->mutex);
    state_->posted.push_back(std::move(fn));
}

std::size_t FakeTime::run_posted() {
    std::size_t ran = 0;
    while (true) {
        std::function<void()> fn;
        {
            std::lock_guard lock(state_->mutex);
            if (state_->posted.empty()) {
                return ran;
            }
            fn = std::move(state_->posted.front());
            state_->posted.pop_front();
        }
        fn();
        ++ran;
    }
}

void FakeTime::advance(Duration duration) {
    const SteadyTime end = steady_now() + duration;
    while (true) {
        run_posted();
        std::function<void()> fn;
        {
            std::lock_guard lock(state_->mutex);
            const auto due = state_->timers.begin();
            const bool none = due == state_->timers.end() || due->first.first > end;
            const SteadyTime to = none ? end : std::max(due->first.first, state_->steady);
            state_->wall += to - state_->steady;
            state_->steady = to;
            if (none) {
                return;
            }
            fn = std::move(due->second);
            state_->timers.erase(due);
        }
        fn();
    }
}

void FakeTime::step(Duration most) {
    while (true) {
        std::function<void()> fn;
        {
            std::lock_guard lock(state_->mutex);
            const auto first = state_->timers.begin();
            const bool none = first == state_->timers.end();
            const Duration moved = std::clamp<Duration>(
                none ? most : first->first.first - state_->steady, Duration::zero(), most);
            state_->wall += moved;
            state_->steady += moved;
            most = Duration::zero();
            if (none || first->first.first > state_->steady) {
                return;
            }
            fn = std::move(first->second);
            state_->timers.erase(first);
        }
        fn();
    }
}

void FakeTime::stall(Duration duration) {
    std::lock_guard lock(state_->mutex);
    state_->wall += duration;
    state_->steady += duration;
}

void FakeTime::set_wall(WallTime time) {
    std::lock_guard lock(state_->mutex);
    state_->wall = time;
}

std::size_t FakeTime::timers() const {
    std::lock_guard lock(state_->mutex);
    return state_->timers.size();
}

Duration FakeTime::next_timer() const {
    std::lock_guard lock(state_->mutex);
    if (state_->timers.empty()) {
        return Duration(-1);
    }
    return std::max(state_->timers.begin()->first.first - state_->steady, Duration::zero());
}

}  // namespace podreeve::fakes
