#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/loop/timer_queue.h"

struct sd_event;  // of libsystemd, whose header stays out of this one
struct sd_event_source;

namespace podreeve::loop {

struct FdSource;

// Ends the watch on its descriptor when it goes. Belongs to the loop thread; may be dropped from
// inside its own callback and may outlive the loop.
class Watch {
  public:
    Watch() = default;
    Watch(Watch&& other) noexcept = default;
    Watch& operator=(Watch&& other) noexcept;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

    void reset();

    explicit operator bool() const { return source_ != nullptr; }

  private:
    friend class Loop;
    explicit Watch(std::shared_ptr<FdSource> source);

    std::shared_ptr<FdSource> source_;
};

// The one thread that turns: timers, descriptors, signals and posted functions, over sd-event.
// post(), stop() and the Clock may be called from any thread; everything else belongs to the thread
// that calls run(), or to the one that sets the loop up before it. Callbacks must not block; an
// exception out of one is logged and goes no further. Timers run on CLOCK_MONOTONIC, never early,
// and at most 1 ms late on a free loop; those due together run in the order of their deadlines.
class Loop final : public Clock, public Scheduler {
  public:
    static Result<std::unique_ptr<Loop>> create();
    ~Loop() override;
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    SteadyTime steady_now() const override;
    WallTime system_now() const override;
    [[nodiscard]] TimerHandle after(Duration delay, std::function<void()> fn) override;
    // What is posted before run() runs first thing in it; what is left when the loop goes is
    // dropped.
    void post(std::function<void()> fn) override;

    // Calls fn with the events that came (EPOLLIN, EPOLLOUT…, level-triggered) until the Watch is
    // dropped. The descriptor stays the caller's and must stay open as long. A regular file is
    // Denied, a descriptor already watched is Conflict.
    Result<Watch> watch_fd(int fd, std::uint32_t events, std::function<void(std::uint32_t)> fn);

    // Calls fn on the loop for each signal, as long as the loop lives. The signal is blocked in the
    // calling thread, and threads inherit that: set signals up before any thread starts, or the
    // kernel hands the signal to a thread that does not block it. A second call for a signal is
    // Conflict.
    Status on_signal(int signal_number, std::function<void()> fn);

    // Feeds systemd's watchdog from inside the loop, so that it starves when the loop stands still.
    // false where $WATCHDOG_USEC asks for none.
    Result<bool> feed_watchdog();
    // Lets it starve though the loop turns, since what the loop is there for does not.
    Status starve_watchdog();

    // Turns until stop(). A second run() after that goes on where the first ended.
    Status run();
    void stop();

  private:
    struct SignalHandler;

    Loop();
    Status set_up();
    void arm_timer();
    void run_due_timers();
    void run_posted();

    static int on_timer(sd_event_source* source, std::uint64_t usec, void* self);
    static int on_posted(sd_event_source* source, int fd, std::uint32_t events, void* self);

    sd_event* event_ = nullptr;
    sd_event_source* timer_ = nullptr;
    sd_event_source* posted_ready_ = nullptr;
    // Shared with the handles, which may outlive the loop.
    std::shared_ptr<TimerQueue> timers_;
    std::vector<std::unique_ptr<SignalHandler>> signals_;
    std::atomic<bool> stopped_ = false;

    UniqueFd wake_;
    std::mutex mutex_;
    std::vector<std::function<void()>> posted_;  // under mutex_
};

}  // namespace podreeve::loop
