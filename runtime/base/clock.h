#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "runtime/base/result.h"

namespace podreeve {

using Duration = std::chrono::nanoseconds;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

// Where time comes from. Steady time is for backoff, deadlines and measuring; wall time is only
// shown and stored. Implementations may be called from any thread.
class Clock {
  public:
    virtual ~Clock() = default;
    virtual SteadyTime steady_now() const = 0;
    virtual WallTime system_now() const = 0;
};

// The machine's own clock.
class SystemClock final : public Clock {
  public:
    SteadyTime steady_now() const override;
    WallTime system_now() const override;
};

// Cancels its timer when it goes. An empty one cancels nothing.
class TimerHandle {
  public:
    TimerHandle() = default;

    explicit TimerHandle(std::function<void()> cancel) : cancel_(std::move(cancel)) {}

    TimerHandle(TimerHandle&& other) noexcept : cancel_(std::exchange(other.cancel_, nullptr)) {}

    TimerHandle& operator=(TimerHandle&& other) noexcept {
        if (this != &other) {
            reset();
            cancel_ = std::exchange(other.cancel_, nullptr);
        }
        return *this;
    }

    TimerHandle(const TimerHandle&) = delete;
    TimerHandle& operator=(const TimerHandle&) = delete;

    ~TimerHandle() { reset(); }

    void reset() {
        if (auto cancel = std::exchange(cancel_, nullptr)) {
            cancel();
        }
    }

  private:
    std::function<void()> cancel_;
};

// Runs functions on the loop's thread. after() belongs to the loop thread alone, post() to any.
class Scheduler {
  public:
    virtual ~Scheduler() = default;
    // Runs fn once, delay from now, unless the handle is gone by then.
    [[nodiscard]] virtual TimerHandle after(Duration delay, std::function<void()> fn) = 0;
    // Runs fn soon, after what was posted before it.
    virtual void post(std::function<void()> fn) = 0;
};

// Wall time as RFC 3339 in UTC with milliseconds, and back; reading takes any offset and fraction.
// What is not such a time, or not between 1678 and 2262, is InvalidArgument (podman writes year 1
// for "never").
std::string to_rfc3339(WallTime time);
Result<WallTime> parse_rfc3339(const std::string& text);

// "350ms", "12s", "5m", "3h", "2d": one unit, the largest that fits, rounded down, for people.
std::string to_short_text(Duration duration);

}  // namespace podreeve
