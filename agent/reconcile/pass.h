#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "agent/handlers/spec_book.h"
#include "agent/health/monitor.h"
#include "agent/plan/plan.h"
#include "agent/state/state.h"
#include "agent/supervise/status.h"
#include "agent/supervise/supervisor.h"
#include "manifests/source.h"
#include "runtime/base/clock.h"
#include "runtime/podman/client.h"

namespace podreeve::reconcile {

class CompanionStage;

// What a pass works with. All of it is borrowed and outlives the pass.
struct PassWorld {
    manifests::ManifestSource& source;
    podman::Client& podman;
    state::State& state;
    supervise::Supervisor& supervisor;
    handlers::SpecBook& specs;
    const Clock& clock;
    health::Monitor& health;
    CompanionStage* companions = nullptr;  // of an agent with companions
};

struct PassReport {
    std::string error;  // why podman could not be read; empty when it could
    std::vector<state::ChangeId> changes;
    std::vector<std::string> apps_changed;
    std::vector<std::pair<std::string, std::string>> failures;  // app, why
    // What it was made from changed meanwhile, something of ours or the versions in force: look
    // again soon.
    bool in_motion = false;
    // When another look at the manifests could find one gone: look again then.
    std::optional<SteadyTime> look_again;
    bool companions_wait = false;  // for what an earlier run had begun: look again in a while
    bool settled = false;          // nothing was to be done, and nothing is under way
    supervise::Overview overview;
    Duration took{};
};

// One pass (after the boot reconciler's tick): scan the manifests, observe, plan, commit a change
// for each app that differs; then, as its second stage, the same for their companions. It never
// throws and never fails as a whole: one app's trouble is in the report and delays no other. Blocks
// on podman; one pass at a time.
PassReport make_pass(const PassWorld& world, std::stop_token stop);

// The same up to the plan, committing nothing: for diff. app: that one alone.
Result<plan::Plan> make_plan(const PassWorld& world,
                             const std::optional<std::string>& app,
                             std::stop_token stop);

}  // namespace podreeve::reconcile
