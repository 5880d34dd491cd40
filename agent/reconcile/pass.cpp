#include "agent/reconcile/pass.h"

#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/handlers/change_of_plan.h"
#include "agent/observe/observer.h"
#include "agent/plan/steps.h"
#include "agent/reconcile/companion_stage.h"
#include "agent/reconcile/health_policy.h"
#include "agent/reconcile/world_facts.h"
#include "agent/supervise/memory.h"
#include "runtime/base/digest.h"
#include "runtime/base/log.h"

namespace podreeve::reconcile {
namespace {

struct Planned {
    supervise::Supervisor::Prepared prepared;
    observe::Observed observed;
    plan::Plan plan;
    bool busy = false;  // something was under way when it was observed
};

// A pass goes by the versions in force: of an app whose newest one has just failed that is the one
// before, until it is tried again. People who ask want to know how far the newest one is.
enum class Versions { InForce, Newest };

Result<Planned> plan_against(const PassWorld& world,
                             const manifests::Desired& desired,
                             Versions versions,
                             std::stop_token stop) {
    Planned planned;
    const std::set<std::string> busy = world.supervisor.busy(desired);
    planned.busy = !busy.empty();
    ASSIGN_OR_RETURN(planned.observed, observe::observe(world.podman, world.state.owner(),
                                                        world.clock.system_now(), stop));
    if (world.companions != nullptr) {
        world.companions->look(desired, planned.observed, world.podman, stop);
    }
    const supervise::WorldFacts facts =
        look_at(world.supervisor.leaves_to_look_at(desired), world.podman, stop);
    planned.prepared = world.supervisor.prepare(desired, planned.observed, busy, facts);
    if (versions == Versions::Newest) {
        planned.prepared.in_force.apps = desired.apps;
        for (auto& [name, version] : planned.prepared.companions) {
            const auto newest = desired.apps.find(name);
            version = newest == desired.apps.end() ? version : newest->second;
        }
    }
    apply_health(*world.health.verdicts(), planned.observed, world.state.owner(),
                 planned.prepared.policy);
    const auto diff = [&] {
        return plan::diff(planned.prepared.in_force, planned.observed, planned.prepared.policy);
    };
    planned.plan = diff();
    if (planned.plan.needs_resources) {
        RETURN_IF_ERROR(observe::add_resources(planned.observed, world.podman,
                                               plan::images_asked_for(planned.plan), stop));
        planned.plan = diff();
    }
    return planned;
}

// The next pass would do again what was taken back.
std::string no_undo(const plan::AppPlan& planned) {
    switch (planned.action) {
        case plan::AppAction::Repair:
            return "it put back what the version in force asks for; a change that brought a "
                   "version can be undone";
        case plan::AppAction::Stop:
            return fmt::format("`podreeve start {}` starts it again", planned.app);
        case plan::AppAction::Remove:
            return "no manifest asks for it any more; with its manifest it comes back";
        default:
            return "";
    }
}

Result<state::ChangeId> commit(const PassWorld& world,
                               const plan::AppPlan& planned,
                               const supervise::Supervisor::Prepared& prepared) {
    const auto& in_force = planned.companions ? prepared.companions : prepared.in_force.apps;
    const auto policy = prepared.policy.apps.find(planned.app);
    if (const auto spec = in_force.find(planned.app); spec != in_force.end()) {
        world.specs.put(planned.spec, spec->second);
    }
    state::NewChange change = handlers::to_change(planned);
    nlohmann::json data = nlohmann::json::parse(change.data, nullptr, false);
    data = data.is_object() ? data : nlohmann::json::object();
    data["spec"] = planned.spec;
    data["fingerprint"] = supervise::fingerprint(planned);
    data["kind"] = change.kind;
    data["wish"] = policy == prepared.policy.apps.end() ? 0 : policy->second.wish;
    if (const std::string why = no_undo(planned); !why.empty()) {
        data[state::kNoUndo] = why;
    }
    change.data = data.dump();
    if (planned.action == plan::AppAction::Repair) {
        change.unwritten = state::Unwritten::Kept;
    }
    return world.state.add_change(change);
}

bool is_under_way(const PassWorld& world, const std::string& app) {
    return world.state.active_change_of(app) ||
           world.state.active_change_of(plan::companions_of(app));
}

// An app that no manifest names, of which nothing is left and on which nobody works, is forgotten.
void forget_gone(const PassWorld& world,
                 const manifests::Desired& desired,
                 const plan::Plan& plan,
                 const supervise::Overview& overview) {
    if (!desired.complete) {
        return;
    }
    for (const state::AppRecord& record : world.state.apps()) {
        const auto is_left = [&](const std::map<std::string, plan::AppPlan>& plans) {
            const auto planned = plans.find(record.name);
            return planned != plans.end() && !planned->second.empty();
        };
        if (is_left(plan.apps) || is_left(plan.companions) ||
            overview.find(record.name) != nullptr || is_under_way(world, record.name)) {
            continue;
        }
        if (Status gone = world.state.remove_app(record.name); !gone) {
            log::warn("{}", gone.error().message);
            continue;
        }
        world.source.forget_accepted(record.name, {});
        world.specs.forget(record.name);
    }
}

// The versions an app may still need: the one wanted and the one that runs.
void trim_accepted(const PassWorld& world) {
    for (const state::AppRecord& record : world.state.apps()) {
        std::vector<std::string> keep{record.spec};
        if (!record.deployed_spec.empty()) {
            keep.push_back(record.deployed_spec);
        }
        const supervise::Memory memory = supervise::memory_from(record.extra);
        for (const std::string& stood : {memory.companions, memory.companions_before}) {
            if (!stood.empty()) {
                keep.push_back(stood);
            }
        }
        world.source.forget_accepted(record.name, keep);
    }
}

void commit_these(const PassWorld& world,
                  const std::vector<const plan::AppPlan*>& plans,
                  const supervise::Supervisor::Prepared& prepared,
                  PassReport& report) {
    for (const plan::AppPlan* app : plans) {
        Result<state::ChangeId> change = commit(world, *app, prepared);
        if (change) {
            report.changes.push_back(*change);
            report.apps_changed.push_back(app->app);
        } else {
            report.failures.emplace_back(app->app, change.error().message);
        }
    }
}

// The second stage, once the changes of the first are on their way.
void keep_companions(const PassWorld& world,
                     const manifests::Desired& desired,
                     Planned& planned,
                     std::stop_token stop,
                     PassReport& report) {
    if (world.companions == nullptr) {
        return;
    }
    world.companions->plan(desired, planned.prepared, planned.observed, planned.plan,
                           std::move(stop));
    if (planned.plan.companions.empty()) {
        return;
    }
    report.companions_wait = !world.companions->may_act(world.state);
    if (!report.companions_wait) {
        commit_these(world, world.supervisor.admit_companions(planned.plan), planned.prepared,
                     report);
    }
}

// A newer manifest, or the wish that nothing is left, does not wait for what an older one began:
// that is undone or ends, whichever is sooner, and the pass after its end plans anew. The manifests
// are what is remembered of the wish.
void supersede_older(const PassWorld& world,
                     const manifests::Desired& desired,
                     const state::AppRecord& record,
                     const std::string& subject) {
    const auto active = world.state.active_change_of(subject);
    if (!active || active->kind == state::kUndoKind) {
        return;
    }
    const auto data = nlohmann::json::parse(active->data, nullptr, false);
    const std::int64_t began =
        data.is_object() ? data.value("generation", record.generation) : record.generation;
    std::string why;
    if (!desired.apps.contains(record.name)) {
        const bool wanted = !desired.complete || active->kind.starts_with("remove-");
        why = wanted ? "" : "no manifest declares it any more";
    } else if (began < record.generation) {
        why = fmt::format("generation {} is there", record.generation);
    }
    if (why.empty()) {
        return;
    }
    if (const Status asked = world.state.supersede_change(active->id, why); !asked) {
        log::warn("{}", asked.error().message);
    }
}

void supersede_older(const PassWorld& world, const manifests::Desired& desired) {
    for (const state::AppRecord& record : world.state.apps()) {
        supersede_older(world, desired, record, record.name);
        supersede_older(world, desired, record, plan::companions_of(record.name));
    }
}

// What runs as its manifest says counts as deployed, also when it was so before this agent came.
void note_converged(const PassWorld& world, const Planned& planned) {
    for (const auto& [name, app] : planned.plan.apps) {
        const auto record = world.state.app(name);
        const auto policy = planned.prepared.policy.apps.find(name);
        if (!record || policy == planned.prepared.policy.apps.end()) {
            continue;
        }
        const plan::AppPolicy& held = policy->second;
        if (!app.empty() || !app.conditions.empty() || held.busy || held.stopped ||
            held.hold_start || app.spec != record->spec || record->deployed_spec == record->spec) {
            continue;
        }
        const Status kept = world.state.edit_app(
            name, [&](state::AppRecord& stored) { stored.deployed_spec = record->spec; },
            state::Unwritten::Kept);
        if (!kept) {
            log::warn("{}", kept.error().message);
        }
    }
}

void follow_health(const PassWorld& world, const Planned& planned) {
    std::vector<health::Watched> runs =
        health::watched(planned.prepared.in_force, planned.observed, world.state.owner());
    for (health::Watched& run : runs) {
        const auto before = planned.prepared.health.find(run.id);
        if (before != planned.prepared.health.end()) {
            const bool ready = before->second.word == "healthy";
            run.before = {ready ? health::Readiness::Ready : health::Readiness::NotReady,
                          before->second.message};
        }
    }
    world.health.follow(std::move(runs));
}

bool nothing_under_way(const PassWorld& world, const supervise::Overview& overview) {
    for (const supervise::AppStatus& app : overview.apps) {
        if (is_under_way(world, app.name)) {
            return false;
        }
    }
    return true;
}

}  // namespace

PassReport make_pass(const PassWorld& world, std::stop_token stop) {
    const SteadyTime begin = world.clock.steady_now();
    PassReport report;
    const bool was_read_only = world.state.health().read_only;
    const manifests::Desired desired = world.source.scan();
    report.look_again = desired.look_again;
    Result<Planned> planned = plan_against(world, desired, Versions::InForce, stop);
    if (!planned) {
        report.error = planned.error().message;
        report.overview = world.supervisor.podman_lost(desired, planned.error());
    } else {
        follow_health(world, *planned);
        note_converged(world, *planned);
        supersede_older(world, desired);
        commit_these(world, world.supervisor.admit(planned->plan), planned->prepared, report);
        keep_companions(world, desired, *planned, stop, report);
        report.overview =
            world.supervisor.conclude(desired, planned->prepared, planned->observed, planned->plan);
        // On a disk that was found full just now other versions are in force than were planned for.
        report.in_motion = !planned->observed.in_motion.empty() ||
                           (!was_read_only && world.state.health().read_only);
        report.settled = report.changes.empty() && !report.in_motion && !report.look_again &&
                         !planned->busy && nothing_under_way(world, report.overview);
        if (report.settled) {
            forget_gone(world, desired, planned->plan, report.overview);
            trim_accepted(world);
        }
    }
    report.took = world.clock.steady_now() - begin;
    report.overview.last_pass_took = report.took;
    return report;
}

Result<plan::Plan> make_plan(const PassWorld& world,
                             const std::optional<std::string>& app,
                             std::stop_token stop) {
    const manifests::Desired desired = world.source.scan();
    ASSIGN_OR_RETURN(Planned planned, plan_against(world, desired, Versions::Newest, stop));
    plan::Plan& plan = planned.plan;
    if (world.companions != nullptr) {
        world.companions->plan(desired, planned.prepared, planned.observed, plan, stop);
    }
    if (!plan.companions.empty()) {
        plan.digest = sha256_hex(plan.digest + plan::to_json(plan)["companions"].dump());
    }
    if (!app) {
        return std::move(plan);
    }
    const auto is_other = [&](const auto& row) { return row.first != *app; };
    std::erase_if(plan.apps, is_other);
    std::erase_if(plan.companions, is_other);
    if (plan.apps.empty() && plan.companions.empty()) {
        return fail(Code::NotFound,
                    fmt::format("cannot plan {}: no manifest declares it and nothing of it runs; "
                                "`podreeve status` lists the apps",
                                *app));
    }
    return std::move(plan);
}

}  // namespace podreeve::reconcile
