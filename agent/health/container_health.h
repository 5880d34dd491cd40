#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "agent/health/health_status.h"
#include "agent/health/track.h"
#include "manifests/model.h"
#include "runtime/base/clock.h"

namespace podreeve::health {

enum class ProbeRole { Startup, Liveness, Readiness };

inline constexpr std::array kUses = {ProbeRole::Startup, ProbeRole::Liveness, ProbeRole::Readiness};
std::string_view to_string(ProbeRole use);

// How a run was found when it was last followed.
struct Before {
    Readiness readiness = Readiness::NotReady;
    std::string failing;  // why; empty: it was only starting
};

// The health of one run of a container, from its start to its end, as the kubelet has it: pure, it
// asks nobody itself. A new run is a new ContainerHealth.
//
//   phase      asked               event            then
//   Starting   startup             startup Good     Up
//                                  startup Bad      Lost
//   Up         liveness, readiness liveness Bad     Lost
//   Lost       nothing             -                for ever: this run is to be ended
//
// Without a startup probe it begins as Up. What it is told as:
//
//   phase      readiness probe     told as
//   Starting   any                 NotReady (adopted: Unknown)
//   Up         Unproved            NotReady (adopted: Unknown)
//              Good                Ready
//              Bad                 NotReady
//              none                NotReady, and Ready once the process has lived for a second
//   Lost       any                 NotReady, restart
//
// A probe is asked initial_delay after the container's start, then every period from asking to
// asking, and never twice at a time. A readiness probe over the network is asked every second while
// it is not Good: Kubernetes allows that, and what waits for the container goes on the sooner.
// Nothing is asked early to make up for what was missed.
class ContainerHealth {
  public:
    enum class Phase { Starting, Up, Lost };

    // adopted: it was running before we came. health must not be null.
    ContainerHealth(std::shared_ptr<const manifests::Health> health,
                    SteadyTime started,
                    bool adopted);

    // It goes on as it was, until its probes have found out otherwise.
    void go_on_from(const Before& before);

    // When it is to be asked next; nothing: not in this phase, or the answer is not there yet.
    std::optional<SteadyTime> due(ProbeRole use) const;
    void asked(ProbeRole use, SteadyTime now);
    // By when the answer should have come; nothing: none is waited for, or somebody else knows
    // when.
    std::optional<SteadyTime> overdue(ProbeRole use) const;
    void take_result(ProbeRole use, const probe::ProbeResult& result, SteadyTime now);

    // Whether there is nothing to be learnt of more successes: then the asking can be left to
    // somebody who tells the first answer that is none. kept() notes that it was.
    bool is_steady(ProbeRole use) const;
    void kept(ProbeRole use);

    Phase phase() const { return phase_; }

    // since is left to the caller.
    HealthStatus status(SteadyTime now) const;
    // When health status() changes by itself; nothing: it does not.
    std::optional<SteadyTime> next_change(SteadyTime now) const;

    const manifests::Probe* probe(ProbeRole use) const;

  private:
    struct Asking {
        std::optional<Track> track;  // empty: there is no such probe
        SteadyTime next{};
        bool under_way = false;
        bool kept = false;  // by somebody else, who knows when
    };

    Asking& of(ProbeRole use) { return askings_[static_cast<std::size_t>(use)]; }

    const Asking& of(ProbeRole use) const { return askings_[static_cast<std::size_t>(use)]; }

    bool is_asked(ProbeRole use) const;
    Duration pause(ProbeRole use) const;
    HealthStatus not_ready(ProbeRole use) const;

    std::shared_ptr<const manifests::Health> health_;
    SteadyTime started_;
    bool adopted_;
    Phase phase_;
    ProbeRole lost_by_ = ProbeRole::Liveness;
    std::array<Asking, kUses.size()> askings_;
};

}  // namespace podreeve::health
