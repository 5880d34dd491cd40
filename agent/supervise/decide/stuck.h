#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/podman/types.h"

namespace podreeve::supervise {

// A container that stays so long in a state it should only pass through is stuck; one that is being
// stopped has its grace before.
inline constexpr std::chrono::seconds kStuckAfter{10};
// The breaker: so many recreations of one container or pod in that time, then no more until it has
// passed.
inline constexpr std::size_t kMostRecreations = 5;
inline constexpr std::chrono::minutes kBreakerWindow{30};
// A pod whose infra container did not come up so many times in a row cannot be started any more.
inline constexpr int kFailedPodStarts = 2;

// Finds what is stuck between states, and stops a recreation that does not help from being repeated
// for ever. A paused container is a person's business, and one of which podman cannot tell the
// state may well be at work: neither is ever stuck. One that is made and not started is only made
// anew once: what keeps its start from succeeding will rarely be the container. All waits are on
// the steady clock, so that a clock that is set declares nothing stuck.
class StuckWatch {
  public:
    // Notes how the container stands; true when it should be recreated now. grace: how long its
    // stop may take.
    bool is_stuck(const podman::ContainerSummary& container,
                  SteadyTime now,
                  Duration grace = Duration::zero());
    void note_recreated(const std::string& name, SteadyTime now);
    // A pod's start went well, or podman refused it.
    void note_pod_start(const std::string& pod, bool went_well);
    // Whether it has to be made anew: its infra container, if there is one, did not come up. Where
    // that is up, a container is what was refused, and nothing of it is kept.
    bool cannot_start(const std::string& pod, const podman::ContainerSummary* infra);
    // How long the breaker still holds that name back; nothing: it does not.
    std::optional<Duration> open_for(const std::string& name, SteadyTime now);
    // The same in words.
    std::optional<std::string> breaker(const std::string& name, SteadyTime now, WallTime wall);
    // A person asks: the breaker is closed for these names; nothing: for all.
    void reset(const std::optional<std::set<std::string>>& names);
    // Forgets containers (by id) and pods (by name) that are gone, and recreations that count no
    // more.
    void keep_only(const std::set<std::string>& ids,
                   const std::set<std::string>& pods,
                   SteadyTime now);
    std::optional<Duration> next_after(SteadyTime now) const;

  private:
    struct Passing {
        SteadyTime since{};
        Duration longest{};
        podman::ContainerState state{};
    };

    std::map<std::string, Passing> passing_;                   // by id
    std::map<std::string, std::deque<SteadyTime>> recreated_;  // by name
    std::map<std::string, int> failed_starts_;                 // of pods, by name
};

}  // namespace podreeve::supervise
