#include "agent/reconcile/seen.h"

#include "agent/observe/observer.h"
#include "agent/reconcile/brake.h"
#include "agent/reconcile/companion_stage.h"
#include "agent/reconcile/podman_unit.h"
#include "runtime/base/contained.h"

namespace podreeve::reconcile {
namespace {

constexpr std::chrono::seconds kLookAtOne{5};

// Their times by the wall clock.
supervise::AppsAside shown(const PassWorld& world, const std::map<std::string, SetAside>& apps) {
    supervise::AppsAside aside;
    const SteadyTime now = world.clock.steady_now();
    for (const auto& [app, set] : apps) {
        aside[app] = {set.why, world.clock.system_now() + (set.next_try - now)};
    }
    return aside;
}

}  // namespace

supervise::AppsAside begin_tries(const PassWorld& world, const manifests::Desired& desired) {
    return world.brake == nullptr ? supervise::AppsAside{}
                                  : shown(world, world.brake->evaluate(desired));
}

supervise::AppsAside apps_aside(const PassWorld& world) {
    return world.brake == nullptr ? supervise::AppsAside{} : shown(world, world.brake->set_aside());
}

bool is_aside(const PassWorld& world, const std::string& app) {
    return world.brake != nullptr && world.brake->why_set_aside(app);
}

Result<Seen> look(const PassWorld& world, const manifests::Desired& desired, std::stop_token stop) {
    Seen seen;
    seen.busy = world.supervisor.busy(desired);
    ASSIGN_OR_RETURN(seen.observed, observe::observe(world.podman, world.state.owner(),
                                                     world.clock.system_now(), stop));
    if (world.podman_unit != nullptr) {
        world.podman_unit->replied();
    }
    if (world.processes != nullptr) {
        seen.observed.lost =
            world.processes->lost(seen.observed, world.state.owner(), [&](const std::string& id) {
                return world.podman.inspect_container(id, {kLookAtOne, stop});
            });
    }
    if (world.companions != nullptr) {
        // What is not known of the companions keeps nobody from mending the rest.
        seen.observed.companions_failed = !contained_or_logged("looking at the companions", [&] {
            world.companions->look(desired, seen.observed, world.podman, stop);
        });
        if (seen.observed.companions_failed) {
            seen.observed.companions.reset();
        }
    }
    seen.facts = world.lookout.look(world.supervisor.leaves_to_look_at(desired, seen.observed),
                                    world.condition_patience, stop);
    return seen;
}

}  // namespace podreeve::reconcile
