#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "agent/handlers/companion_world.h"
#include "runtime/base/clock.h"
#include "runtime/systemd/scope.h"

namespace podreeve::reconcile {

// What podman.socket listens at, and whose systemd keeps it.
struct PodmanSocket {
    std::filesystem::path path;
    systemd::Scope scope = systemd::Scope::User;
    std::function<void()> end_events;  // of podman: who reads them keeps podman.service up
    // What that unit last said itself, not longer ago than that; "": nothing, or nobody knows.
    std::function<std::string(const std::string& unit, WallTime not_before)> last_words = {};
};

// podman.socket, of an agent that asks podman over the one that systemd keeps. A podman that cannot
// start takes its socket with it (trigger-limit-hit), and nothing brings that back once the cause
// is gone: our unit's Wants= was fulfilled long ago. So it is started again, as that would, and
// what systemd tells of podman is told meanwhile. `podman system reset` removes the path that it
// listens at, and systemd makes that anew only at a restart. One pass at a time; blocks on systemd
// for seconds at most.
class PodmanUnit {
  public:
    PodmanUnit(handlers::UnitCalls systemd, const Clock& clock, PodmanSocket socket)
        : systemd_(std::move(systemd)), clock_(clock), socket_(std::move(socket)) {}

    // Podman cannot be reached. What systemd says of it, for people; empty when that explains
    // nothing. A socket that is down, whoever stopped it, is started, and one whose path is gone is
    // restarted, the first time at once and then after a pause that doubles from 1 s to 5 min; one
    // that a person masked is not.
    std::string look(std::stop_token stop);

    // It has answered.
    void replied() { pause_ = {}; }

  private:
    std::string how_to_listen() const;
    std::string with_words_of(const char* unit) const;
    void bring_up_socket(bool listens_nowhere, const std::stop_token& stop);
    void forget_failure(const char* unit, const std::stop_token& stop);

    handlers::UnitCalls systemd_;
    const Clock& clock_;
    const PodmanSocket socket_;
    SteadyTime next_start_{};
    Duration pause_{};     // before the next start; zero: it was up
    std::string trouble_;  // with the last start
};

}  // namespace podreeve::reconcile
