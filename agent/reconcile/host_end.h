#pragma once

#include <mutex>
#include <optional>
#include <stop_token>

#include "agent/handlers/companion_world.h"
#include "runtime/base/clock.h"

namespace podreeve::reconcile {

// How long the host waits for all apps to stop when it goes down: TimeoutStopSec= of
// podreeve-apps.service, which a drop-in may have changed. Blocks on systemd for a second at most;
// any thread.
class HostEnd {
  public:
    HostEnd(handlers::UnitCalls systemd, const Clock& clock)
        : systemd_(std::move(systemd)), clock_(clock) {}

    // To tell people beforehand; asked anew every ten minutes. Nothing: there is no such unit,
    // nobody can be asked, or it waits for ever.
    std::optional<Duration> gives(std::stop_token stop);

    // Once the apps are told to go: nothing as well when it is not that unit which stops them, but
    // a person, who waits for as long as it takes.
    std::optional<Duration> ends_within(std::stop_token stop);

    static constexpr std::chrono::minutes kAskAgain{10};

  private:
    handlers::UnitCalls systemd_;
    const Clock& clock_;
    std::mutex mutex_;  // of what follows
    std::optional<SteadyTime> asked_;
    std::optional<Duration> given_;
};

}  // namespace podreeve::reconcile
