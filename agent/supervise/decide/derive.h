#pragma once

#include <optional>
#include <string>

#include "agent/state/task.h"
#include "agent/supervise/decide/service_state.h"
#include "agent/supervise/status.h"

namespace podreeve::supervise {

// All that decides the state of an app, and nothing else.
struct Facts {
    bool podman_known = true;
    bool has_spec = true;        // some version of its manifest is in force
    bool desired = true;         // a manifest names it
    bool stopped = false;        // on request
    bool autostart_off = false;  // stopped, and never started by a person
    bool any_running = false;
    std::size_t up = 0, total = 0;
    std::size_t ready = 0;            // of those up
    bool unhealthy = false;           // probes say so of one
    std::string not_ready;            // which parts are up but not ready, and why
    std::size_t finished_well = 0;    // of those up: ended with 0 and not to be started again
    std::size_t failed_for_good = 0;  // ended badly and not to be started again
    std::optional<state::ChangeView> change;  // under way
    std::string manifest_error;
    std::string removal_held;         // why it is not removed though no manifest names it
    std::string down_because;         // wanted down, not for its own sake
    std::string stop_waits;           // who has to be down before it
    std::string hold;                 // what its start waits for
    std::string backing_off;          // which part waits for its next start
    bool crash_loop = false;          // after several short runs in a row
    std::string conflict;             // what stands in the way
    std::string companions;           // what is wrong with its companions, that no pass can mend
    bool companions_unknown = false;  // and it is that nothing is known of them
    bool has_companions = false;
    std::string failure;  // why its last change failed, and when it is tried again
    std::string podman_error;
};

struct DerivedState {
    ServiceState state = ServiceState::Initialized;
    std::string message;
    friend bool operator==(const DerivedState&, const DerivedState&) = default;
};

// The phase a step belongs to.
ServiceState phase_of(const std::string& change_kind, const std::string& task_kind);

// The first rule that fits decides; the table is in derive.cpp, and the test walks it.
DerivedState derive_state(const Facts& facts);

// Brings a status up to date with the change it is under, for a reader between two passes.
void show_change(AppStatus& app, const std::optional<state::ChangeView>& change);

}  // namespace podreeve::supervise
