#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/supervise/decide/inputs.h"
#include "runtime/base/clock.h"

namespace podreeve::supervise {

// How long stopping that app can take: its parts one after the other, each with its grace and what
// a kill takes; a unit with its TimeoutStopSec=.
Duration longest_stop(const manifests::AppSpec& spec);

// The same with another time beyond each grace.
struct StopTimes {
    Duration beyond_grace{};
    bool at_most = false;  // of a unit what systemd waits, not what podman does
};

Duration time_to_stop(const manifests::AppSpec& spec, StopTimes times);

// The app of a level that takes longest to stop.
struct LevelTime {
    std::string app;
    Duration takes{};
};

// Not the longest that each stop may take, which is where podman does not do what it is told to,
// but what can be expected of those that use all of their grace, and a second for the kill. A unit
// has the grace that its text gives: by systemd's 90 s a few companions alone would be told as too
// many.
std::vector<LevelTime> level_times(const std::map<std::string, SpecPointer>& specs,
                                   const std::vector<std::vector<std::string>>& levels);
Duration sum_of(const std::vector<LevelTime>& levels);

}  // namespace podreeve::supervise
