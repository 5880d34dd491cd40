#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/podman/types.h"

namespace podreeve::supervise {

// A container that stays so long in a state it should only pass through is wedged.
inline constexpr std::chrono::seconds kWedgedAfter{10};
// The breaker: so many recreations of one container in that time, then no more until it has passed.
inline constexpr std::size_t kMostRecreations = 5;
inline constexpr std::chrono::minutes kBreakerWindow{30};

// Finds containers that are stuck between states, and stops a recreation that does not help from
// being repeated for ever.
class WedgeWatch {
  public:
    // Notes how the container stands; true when it should be recreated now.
    bool is_wedged(const podman::ContainerSummary& container, WallTime now);
    void note_recreated(const std::string& name, WallTime now);
    // In words, while the breaker holds this container back.
    std::optional<std::string> breaker(const std::string& name, WallTime now);
    // Forgets containers that are gone.
    void keep_only(const std::set<std::string>& ids);
    std::optional<WallTime> next_after(WallTime now) const;

  private:
    std::map<std::string, WallTime> stuck_since_;            // by id
    std::map<std::string, std::deque<WallTime>> recreated_;  // by name
};

}  // namespace podreeve::supervise
