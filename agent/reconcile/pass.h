#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "agent/handlers/spec_book.h"
#include "agent/health/monitor.h"
#include "agent/observe/mount_look.h"
#include "agent/observe/processes.h"
#include "agent/plan/plan.h"
#include "agent/reconcile/kept_versions.h"
#include "agent/reconcile/lookout.h"
#include "agent/state/state.h"
#include "agent/supervise/status.h"
#include "agent/supervise/supervisor.h"
#include "manifests/source.h"
#include "runtime/base/clock.h"
#include "runtime/podman/client.h"

namespace podreeve::reconcile {

class Brake;
class CompanionStage;
class HostEnd;
class PodmanUnit;

// What a pass works with. All of it is borrowed and outlives the pass.
struct PassWorld {
    manifests::ManifestSource& source;
    podman::Client& podman;
    state::State& state;
    supervise::Supervisor& supervisor;
    handlers::SpecBook& specs;
    const Clock& clock;
    health::Monitor& health;
    KeptVersions& versions;
    Lookout& lookout;
    CompanionStage* companions = nullptr;        // of an agent with companions
    observe::ProcessWatch* processes = nullptr;  // of one that can look at processes
    PodmanUnit* podman_unit = nullptr;           // of one whose podman systemd starts
    HostEnd* host_end = nullptr;                 // of one whose apps the host's systemd stops
    Brake* brake = nullptr;                      // of one that outlives its deaths
    observe::MountLook* mounts = nullptr;        // of one that can look at what is mounted
    // For all start conditions that are looked at outside, together.
    Duration condition_patience = std::chrono::milliseconds(500);
};

struct PassReport {
    // Why podman could not be read, or what the pass threw; empty when it came to its end.
    std::string error;
    bool cut = false;  // the agent ends: nothing came of it, the overview neither
    std::vector<state::ChangeId> changes;
    std::vector<std::string> apps_changed;
    std::vector<std::pair<std::string, std::string>> failures;  // app, why
    // What it was made from changed meanwhile, something of ours or the versions in force: look
    // again soon.
    bool in_motion = false;
    // When another look at the manifests could find one gone: look again then.
    std::optional<SteadyTime> look_again;
    bool companions_wait = false;  // for what an earlier run had begun: look again in a while
    bool converged = false;        // nothing was to be done, and nothing is under way
    supervise::Overview overview;
    Duration took{};
};

// One pass (after the boot reconciler's tick): scan the manifests, observe, plan, commit a change
// for each app that differs; then, as its second stage, the same for their companions. It never
// throws: one app's trouble is a condition of that app or stands in the report, and delays no
// other; what is about no app, as podman being out of reach, is the report's error. Blocks on
// podman; one pass at a time.
PassReport make_pass(const PassWorld& world, std::stop_token stop) noexcept;

// The same up to the plan, committing nothing: for diff. app: that one alone. Never throws.
Result<plan::Plan> make_plan(const PassWorld& world,
                             const std::optional<std::string>& app,
                             std::stop_token stop);

}  // namespace podreeve::reconcile
