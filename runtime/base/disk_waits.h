#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "runtime/base/clock.h"

namespace podreeve {

// Who waits for a disk, and since when: one that does not answer holds every thread that asks it,
// and nothing can call them back. While somebody waits, a thread beside says so and calls back each
// second, so that whoever watches over the process knows what it waits for; it is there only as
// long. Any thread may call.
class DiskWaits {
  public:
    // So long a wait is no news.
    static constexpr std::chrono::seconds kUsual{5};
    // After so long nobody is called back any more: what does not come back now never may.
    static constexpr std::chrono::minutes kLongest{5};

    // what: the directory that is on it, for people. Zero: no thread, and the caller looks.
    DiskWaits(const Clock& clock, std::string what, Duration turn = std::chrono::seconds(1));
    ~DiskWaits();  // nobody waits any more
    DiskWaits(const DiskWaits&) = delete;
    DiskWaits& operator=(const DiskWaits&) = delete;

    // From its begin to its end somebody waits.
    class Wait {
      public:
        Wait(Wait&& other) noexcept
            : of_(std::exchange(other.of_, nullptr)), begun_(other.begun_) {}

        Wait& operator=(Wait&&) = delete;
        ~Wait();

      private:
        friend class DiskWaits;

        Wait(DiskWaits* of, std::list<SteadyTime>::iterator begun) : of_(of), begun_(begun) {}

        DiskWaits* of_;
        std::list<SteadyTime>::iterator begun_;
    };

    [[nodiscard]] Wait begin();

    // For how long it has not answered the one who waits longest, in words; empty: as is usual.
    std::string trouble() const;
    // Called each second while somebody waits, for kLongest at most, on the thread beside.
    void on_turn(std::function<void()> callback);
    // What the thread does each second.
    void look();

  private:
    std::optional<Duration> longest() const;  // under mutex_
    std::string words(Duration waited) const;
    void end(std::list<SteadyTime>::iterator begun);
    void watch();
    void work(std::stop_token stop);

    const Clock& clock_;
    const std::string what_;
    const Duration turn_;
    mutable std::mutex mutex_;
    std::condition_variable_any stopped_;
    std::list<SteadyTime> begun_;  // the waits, oldest first
    std::function<void()> callback_;
    bool reported_ = false, given_up_ = false;
    bool watching_ = false;  // the thread will look again
    std::jthread thread_;
};

}  // namespace podreeve
