#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "runtime/base/clock.h"

namespace podreeve::daemon {

// For a process that was told to end: when that takes too long, whoever hangs, it is ended all the
// same, before systemd's SIGKILL. What had not ended is told, and the store is closed, unless that
// hangs, too: what is committed is in it either way, and the next agent takes it up from there.
class LastResort {
  public:
    struct Calls {
        // What has not ended yet, in words. From a thread of its own; must not block.
        std::function<std::string()> left;
        // Closes the store; may never return.
        std::function<void()> close;
        // Ends the process.
        std::function<void()> exit;
    };

    struct Limits {
        // What does not hear by then (a file on a network that is gone) is left behind.
        Duration end = std::chrono::seconds(24);
        Duration close = std::chrono::milliseconds(500);
    };

    // From now on.
    explicit LastResort(Calls calls) : LastResort(std::move(calls), Limits()) {}

    LastResort(Calls calls, Limits limits);
    // All has ended in time. Waits for the calls where it has not.
    ~LastResort() = default;

  private:
    std::jthread thread_;
};

}  // namespace podreeve::daemon
