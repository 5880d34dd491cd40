#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/supervise/decide/dependencies.h"
#include "agent/supervise/decide/service_state.h"
#include "runtime/base/clock.h"
#include "runtime/base/mutex.h"
#include "runtime/base/result.h"

namespace podreeve::supervise {

// One container, pod or service container of an app, as status shows it.
struct PartStatus {
    std::string name;    // the part's name in the app
    std::string kind;    // container, pod, init, service
    std::string object;  // podman's name
    std::string id;      // podman's id, empty while there is none
    std::string image;
    std::string state;   // podman's word, or "absent"
    bool up = false;     // runs, or has ended as it should
    bool ready = false;  // up, and its readiness holds
    std::string health;  // what its probes say: "", starting, healthy, unhealthy
    std::string health_message;
    int exit_code = 0;
    std::int64_t restarts = 0;
};

// A fact about an app that a person should know. status is true while it holds.
struct StatusCondition {
    std::string type, reason, message, part;
    bool status = true;
    WallTime since{};
};

struct AppStatus {
    std::string name, display_name, version, dialect, file;
    ServiceState state = ServiceState::Initialized;
    std::string message;
    std::int64_t generation = 0;
    std::string spec, deployed_spec;
    bool stopped = false;  // on request
    std::int64_t restarts = 0;
    std::size_t parts_up = 0, parts_ready = 0, parts_total = 0;
    bool healthy = false;           // Running, and every part is ready
    std::string health;             // starting, healthy, unhealthy; "-": nothing runs that could be
    std::vector<Blocker> blockers;  // the dependencies that hold it back
    std::vector<std::string> pending;  // the conditions that do
    std::int64_t request = 0;  // the number of the last request that this takes into account
    std::string down_because;  // why it is wanted down; empty: it is wanted up
    std::optional<WallTime> next_attempt;  // when something is tried again by itself
    std::string last_event;                // for readers: the newest event, in words
    WallTime last_event_at{};
    std::int64_t change = 0;  // the change under way, 0: none
    WallTime since{};         // of the state
    std::vector<PartStatus> parts;
    std::vector<StatusCondition> conditions;
};

// What every reader sees, as one value: apps by name, and the agent itself.
struct Overview {
    std::vector<AppStatus> apps;
    bool podman_reachable = false;
    std::string podman_version;
    std::string podman_error;
    std::string pass_error;  // what the last pass threw; empty: it came to its end
    std::vector<StatusCondition> agent_conditions;
    std::uint64_t passes = 0;
    WallTime last_pass{};
    Duration last_pass_took{};
    // Of the pass that is being made; nothing: none is. All else is as the one before it left it.
    std::optional<WallTime> pass_since;

    const AppStatus* find(const std::string& name) const;
    std::size_t up() const;  // Running, Finished well, Skipped
};

// The JSON of /v1/apps and of `podreeve status --json`. Field names are part of the interface.
nlohmann::json to_json(const AppStatus& app);
nlohmann::json to_json(const Overview& overview);

// Where the newest overview is kept for readers; any thread.
using SharedStatus = Guarded<Overview>;

}  // namespace podreeve::supervise
