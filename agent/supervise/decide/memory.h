#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/plan/kept_volumes.h"
#include "agent/supervise/decide/restart.h"

namespace podreeve::supervise {

// What was told last of the health of one run of a container with probes: a new agent goes by it
// until its own probes have found out.
struct RunHealth {
    std::string id;
    std::int64_t pid = 0;
    std::string word;     // starting, healthy, unhealthy
    std::string message;  // why, of one that is unhealthy
    friend bool operator==(const RunHealth&, const RunHealth&) = default;
};

// A version that ran, or still does.
struct RanVersion {
    std::string spec;  // hash
    std::int64_t generation = 0;
    WallTime since{};     // when it became the deployed one last
    bool secret = false;  // its manifest holds secret values
    friend bool operator==(const RanVersion&, const RanVersion&) = default;
};

inline constexpr std::size_t kRanVersions = 20;

// What supervise remembers of an app over restarts of the agent: the JSON in AppRecord::extra.
// Fields are only ever added; a text that cannot be read counts as empty.
struct AppMemory {
    std::map<std::string, RestartRecord> restarts;  // by part
    std::map<std::string, RunHealth> health;        // by part
    bool autostart_off = false;  // stopped because its manifest said so, not because a person did
    // And that without having seen its units: seen to run, they were started by a person.
    bool unseen = false;
    // The number of the last request (start, stop, restart). A step that was planned for an older
    // one is not carried out any more.
    std::int64_t request = 0;
    // The request that asked for a restart, until everything has been seen down once; 0: none.
    std::int64_t restart = 0;
    // Stopped without those that depend on it.
    bool alone = false;
    // The hash of the spec whose companions stood as they should last; empty: none did yet.
    std::string companions;
    std::string companions_before;  // and of the one before it
    std::vector<RanVersion> ran;    // the last kRanVersions, newest first, each once
    plan::KeptVolumes volumes;
    std::set<std::string> former;  // AppPolicy::former
    // By service, the run of it (UnitState::invocation) that was started from another's unit file.
    std::map<std::string, std::string> foreign_runs;
    friend bool operator==(const AppMemory&, const AppMemory&) = default;
};

// That version is the deployed one by now; true when that is news. generation: 0, not known.
bool note_ran(AppMemory& memory, RanVersion version);

AppMemory memory_from(const std::string& extra);
std::string to_extra(const AppMemory& memory);

}  // namespace podreeve::supervise
