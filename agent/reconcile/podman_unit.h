#pragma once

#include <stop_token>
#include <string>

#include "agent/handlers/companion_world.h"
#include "runtime/base/clock.h"

namespace podreeve::reconcile {

// podman.socket, of an agent that asks podman over the one that systemd keeps. A podman that cannot
// start takes its socket with it (trigger-limit-hit), and nothing brings that back once the cause
// is gone: our unit's Wants= was fulfilled long ago. So it is started again, as that would, and
// what systemd tells of podman is told meanwhile. One pass at a time; blocks on systemd for seconds
// at most.
class PodmanUnit {
  public:
    PodmanUnit(handlers::UnitCalls systemd, const Clock& clock)
        : systemd_(std::move(systemd)), clock_(clock) {}

    // Podman cannot be reached. What systemd says of it, for people; empty when that explains
    // nothing. A socket that is down, whoever stopped it, is started, the first time at once and
    // then after a pause that doubles from 1 s to 5 min; one that a person masked is not.
    std::string look(std::stop_token stop);

    // It has answered.
    void replied() { pause_ = {}; }

  private:
    void start_socket(const std::stop_token& stop);
    void forget_failure(const char* unit, const std::stop_token& stop);

    handlers::UnitCalls systemd_;
    const Clock& clock_;
    SteadyTime next_start_{};
    Duration pause_{};     // before the next start; zero: it was up
    std::string trouble_;  // with the last start
};

}  // namespace podreeve::reconcile
