#pragma once

#include "runtime/base/clock.h"
#include "runtime/loop/timer_queue.h"

namespace podreeve::loop {

// Time that stands until it is advanced, for what of this room can do without a real loop.
class StandingTime final : public Clock, public Scheduler {
  public:
    SteadyTime steady_now() const override { return now_; }

    WallTime system_now() const override { return WallTime(now_.time_since_epoch()); }

    [[nodiscard]] TimerHandle after(Duration delay, std::function<void()> fn) override {
        ++timers_made;
        const auto key = timers_.add(now_ + delay, std::move(fn));
        return TimerHandle([this, key] { timers_.remove(key); });
    }

    void post(std::function<void()> fn) override { (void)after(Duration::zero(), std::move(fn)); }

    void advance(Duration by) {
        const SteadyTime end = now_ + by;
        while (timers_.next_deadline() && *timers_.next_deadline() <= end) {
            now_ = std::max(now_, *timers_.next_deadline());
            timers_.take_due(now_, timers_.mark())();
        }
        now_ = end;
    }

    int timers_made = 0;

  private:
    SteadyTime now_{std::chrono::hours(1)};
    TimerQueue timers_;
};

}  // namespace podreeve::loop
