#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "runtime/base/clock.h"

namespace podreeve::fakes {

// Time that stands still until a test moves it: Clock and Scheduler of one fake loop thread. The
// test's thread is that loop thread: functions run inside advance(), run_posted() and settle(),
// nowhere else, in an order that depends on nothing but deadlines and the order of the calls.
// post() and the clock may be used from any thread.
class FakeTime final : public Clock, public Scheduler {
  public:
    explicit FakeTime(WallTime start = WallTime(std::chrono::seconds(1'700'000'000)));

    SteadyTime steady_now() const override;
    WallTime system_now() const override;
    TimerHandle after(Duration delay, std::function<void()> fn) override;
    void post(std::function<void()> fn) override;

    // Moves time on, firing what falls due on the way: by deadline, and by order of arming within
    // one. A timer sees its own deadline as the time; what was posted runs before time moves and
    // after each timer.
    void advance(Duration duration);
    // Moves time on by so much at most, to the next timer, and fires what is due then. What was
    // posted is left to run_posted(): for one who first waits until those who work are done.
    void step(Duration most);
    // Runs what was posted, and what that posts, to the end; how many functions ran.
    std::size_t run_posted();
    // Time goes on while something holds the loop thread: what falls due meanwhile fires with the
    // next advance(). From any thread.
    void stall(Duration duration);
    // Wall time alone jumps, as when a clock is set; steady time knows nothing of it.
    void set_wall(WallTime time);

    std::size_t timers() const;
    // How long until the next timer; negative when there is none.
    Duration next_timer() const;

  private:
    // Held by the timers' handles too, so that a handle may outlive the time it was made by.
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace podreeve::fakes
