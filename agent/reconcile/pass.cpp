#include "agent/reconcile/pass.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/handlers/plan_to_change.h"
#include "agent/observe/observer.h"
#include "agent/plan/steps.h"
#include "agent/reconcile/brake.h"
#include "agent/reconcile/companion_stage.h"
#include "agent/reconcile/health_policy.h"
#include "agent/reconcile/host_end.h"
#include "agent/reconcile/podman_unit.h"
#include "runtime/base/contained.h"
#include "runtime/base/digest.h"
#include "runtime/base/in_hand.h"
#include "runtime/base/json_text.h"
#include "runtime/base/log.h"

namespace podreeve::reconcile {
namespace {

constexpr std::chrono::seconds kLookAtOne{5};
// For all start conditions together. What is slower is known by the next pass, a second later.
constexpr std::chrono::milliseconds kLookOutside{500};

// Half of what systemd waits for a unit where nobody says otherwise: it need not be asked.
constexpr std::chrono::seconds kAlwaysFits{45};

struct Planned {
    supervise::Supervisor::Prepared prepared;
    observe::Observed observed;
    plan::Plan plan;
    std::set<std::string> busy;  // what something was under way on when it was observed
};

// A pass goes by the versions in force: of an app whose newest one has just failed that is the one
// before, until it is tried again. People who ask want to know how far the newest one is.
enum class Versions { Effective, Newest };

// What keeps podman from answering, where systemd knows.
Error with_systemds_words(const PassWorld& world, Error error, const std::stop_token& stop) {
    if (world.podman_unit != nullptr && error.code == Code::Unavailable) {
        const std::string said = world.podman_unit->look(stop);
        error.message += said.empty() ? "" : "; " + said;
    }
    return error;
}

supervise::AppsAside apps_aside(const PassWorld& world, const manifests::Desired& desired) {
    supervise::AppsAside aside;
    if (world.brake != nullptr) {
        const SteadyTime now = world.clock.steady_now();
        for (const auto& [app, set] : world.brake->evaluate(desired)) {
            aside[app] = {set.why, world.clock.system_now() + (set.next_try - now)};
        }
    }
    return aside;
}

bool is_aside(const PassWorld& world, const std::string& app) {
    return world.brake != nullptr && world.brake->why_set_aside(app);
}

Result<Planned> plan_against(const PassWorld& world,
                             const manifests::Desired& desired,
                             Versions versions,
                             std::stop_token stop) {
    Planned planned;
    world.supervisor.set_aside(apps_aside(world, desired));
    planned.busy = world.supervisor.busy(desired);
    ASSIGN_OR_RETURN(planned.observed, observe::observe(world.podman, world.state.owner(),
                                                        world.clock.system_now(), stop));
    if (world.podman_unit != nullptr) {
        world.podman_unit->replied();
    }
    if (world.processes != nullptr) {
        planned.observed.lost = world.processes->lost(
            planned.observed, world.state.owner(), [&](const std::string& id) {
                return world.podman.inspect_container(id, {kLookAtOne, stop});
            });
    }
    if (world.companions != nullptr) {
        // What is not known of the companions keeps nobody from mending the rest.
        const bool looked = contained_or_logged("looking at the companions", [&] {
            world.companions->look(desired, planned.observed, world.podman, stop);
        });
        if (!looked) {
            planned.observed.companions.reset();
        }
    }
    const supervise::WorldFacts facts = world.lookout.look(
        world.supervisor.leaves_to_look_at(desired, planned.observed), kLookOutside, stop);
    planned.prepared = world.supervisor.prepare(desired, planned.observed, planned.busy, facts);
    if (versions == Versions::Newest) {
        planned.prepared.effective.apps = desired.apps;
        for (auto& [name, version] : planned.prepared.companions) {
            const auto newest = desired.apps.find(name);
            version = newest == desired.apps.end() ? version : newest->second;
        }
    }
    apply_health(*world.health.snapshot(), planned.observed, world.state.owner(),
                 planned.prepared.policy);
    const auto diff = [&] {
        return plan::diff(planned.prepared.effective, planned.observed, planned.prepared.policy);
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
            return "it restored what the effective version asks for; a change that brought a "
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
    const auto& effective = planned.companions ? prepared.companions : prepared.effective.apps;
    const auto policy = prepared.policy.apps.find(planned.app);
    if (const auto spec = effective.find(planned.app); spec != effective.end()) {
        world.specs.put(planned.spec, spec->second);
    }
    state::NewChange change = handlers::to_change(planned);
    nlohmann::json data = json_object_from(change.data);
    data["spec"] = planned.spec;
    data["fingerprint"] = supervise::fingerprint(planned);
    data["kind"] = change.kind;
    data["request"] = policy == prepared.policy.apps.end() ? 0 : policy->second.request;
    if (const std::string why = no_undo(planned); !why.empty()) {
        data[state::kNoUndo] = why;
    }
    change.data = json_text(data);
    if (planned.action == plan::AppAction::Repair) {
        change.unwritten = state::Unwritten::Kept;
    }
    return world.state.add_change(change);
}

bool is_under_way(const PassWorld& world, const std::string& app) {
    return world.state.active_change_of(app) ||
           world.state.active_change_of(plan::companions_of(app));
}

// Of what something is under way on, or was when it was observed, not all is known.
bool is_unsure(const PassWorld& world, const Planned& planned, const std::string& app) {
    return planned.busy.contains(app) || planned.busy.contains(plan::companions_of(app)) ||
           is_under_way(world, app);
}

// An app that no manifest names, of which nothing is left and on which nobody works, is forgotten,
// whatever is under way on others: an init container may run for days.
void forget_gone(const PassWorld& world,
                 const manifests::Desired& desired,
                 const Planned& planned,
                 const supervise::Overview& overview) {
    const plan::Plan& plan = planned.plan;
    for (const state::AppRecord& record : world.state.apps()) {
        if (!desired.complete && !desired.let_go.contains(record.name)) {
            continue;
        }
        const auto is_left = [&](const std::map<std::string, plan::AppPlan>& plans) {
            const auto found = plans.find(record.name);
            return found != plans.end() && !found->second.empty();
        };
        if (is_left(plan.apps) || is_left(plan.companions) ||
            overview.find(record.name) != nullptr || is_unsure(world, planned, record.name)) {
            continue;
        }
        if (Status gone = world.state.remove_app(record.name); !gone) {
            log::warn("{}", gone.error().message);
            continue;
        }
        world.versions.forget(record.name);
    }
    if (!desired.complete) {
        return;
    }
    std::set<std::string> left;
    for (const auto& [name, spec] : desired.apps) {
        left.insert(name);
    }
    for (const auto& [name, planned_app] : plan.apps) {
        left.insert(name);
    }
    world.versions.forget_others(left);
}

// One thing that a pass does besides planning. What it throws is told, and the rest is done.
template <class Act>
void attempt(PassReport& report, const std::string& app, const char* what, Act act) {
    if (const auto thrown = contained_in_hand(app, act)) {
        log_thrown(what, *thrown);
        contained_or_logged("reporting it", [&] {
            report.failures.emplace_back(app, fmt::format("internal error: {}", *thrown));
        });
    }
}

void commit_these(const PassWorld& world,
                  const std::vector<const plan::AppPlan*>& plans,
                  const supervise::Supervisor::Prepared& prepared,
                  PassReport& report) {
    for (const plan::AppPlan* app : plans) {
        attempt(report, app->app, "committing a change", [&] {
            Result<state::ChangeId> change = commit(world, *app, prepared);
            if (change) {
                report.changes.push_back(*change);
                report.apps_changed.push_back(app->app);
            } else {
                report.failures.emplace_back(app->app, change.error().message);
            }
        });
    }
}

bool writes_files(const plan::AppPlan* app) {
    return std::ranges::any_of(app->steps, [](const plan::Step& step) {
        return step.kind == plan::StepKind::InstallUnit || step.kind == plan::StepKind::RemoveUnit;
    });
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
    if (report.companions_wait) {
        return;
    }
    auto admitted = world.supervisor.admit_companions(planned.plan);
    // A folder that is changing is seen half: what would be put back now would be removed again,
    // and the other half be put back by a second daemon-reload. What asks for no file goes on.
    if (world.companions->is_changing()) {
        report.in_motion = std::erase_if(admitted, writes_files) > 0;
    }
    const auto committing = world.companions->committing();
    commit_these(world, admitted, planned.prepared, report);
}

// Some manifest of it is there, or was, of which nothing can be made.
bool is_broken(const manifests::Desired& desired, const std::string& app) {
    return std::ranges::any_of(
        desired.problems, [&](const manifests::AppProblem& problem) { return problem.app == app; });
}

// A newer manifest, or the request that nothing is left, does not wait for what an older one began:
// that is undone or ends, whichever is sooner, and the pass after its end plans anew. The manifests
// are what is remembered of the request.
void supersede_older(const PassWorld& world,
                     const manifests::Desired& desired,
                     const state::AppRecord& record,
                     const std::string& subject) {
    const auto active = world.state.active_change_of(subject);
    if (!active || active->kind == state::kUndoKind) {
        return;
    }
    const std::int64_t began =
        number_in(json_object_from(active->data), "generation", record.generation);
    std::string why;
    if (!desired.apps.contains(record.name)) {
        const bool wanted = !desired.complete || is_broken(desired, record.name) ||
                            active->kind.starts_with("remove-");
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

void supersede_older(const PassWorld& world,
                     const manifests::Desired& desired,
                     PassReport& report) {
    for (const state::AppRecord& record : world.state.apps()) {
        if (is_aside(world, record.name)) {
            continue;
        }
        attempt(report, record.name, "superseding a change", [&] {
            supersede_older(world, desired, record, record.name);
            supersede_older(world, desired, record, plan::companions_of(record.name));
        });
    }
}

// What runs as its manifest says counts as deployed, also when it was so before this agent came.
void note_converged(const PassWorld& world, const Planned& planned, const plan::AppPlan& app) {
    const auto policy = planned.prepared.policy.apps.find(app.app);
    if (policy != planned.prepared.policy.apps.end() && !policy->second.set_aside.empty()) {
        return;
    }
    const auto record = world.state.app(app.app);
    if (!record || policy == planned.prepared.policy.apps.end()) {
        return;
    }
    const plan::AppPolicy& held = policy->second;
    if (!app.empty() || !app.conditions.empty() || held.busy || held.stopped || held.hold_start ||
        app.spec != record->spec || record->deployed_spec == record->spec ||
        is_under_way(world, app.app)) {
        return;
    }
    // What was planned may be outlived by now: an undo that has begun meanwhile writes first of all
    // down what is deployed.
    const std::string planned_upon = held.deployed_spec.value_or("");
    const Status kept = world.state.edit_app(
        app.app,
        [&](state::AppRecord& stored) {
            if (stored.deployed_spec == planned_upon) {
                stored.deployed_spec = record->spec;
            }
        },
        state::Unwritten::Kept);
    if (!kept) {
        log::warn("{}", kept.error().message);
    }
}

void note_converged(const PassWorld& world, const Planned& planned, PassReport& report) {
    for (const auto& [name, app] : planned.plan.apps) {
        attempt(report, name, "noting what has converged",
                [&, &app = app] { note_converged(world, planned, app); });
    }
}

void follow_health(const PassWorld& world, const Planned& planned) {
    std::vector<health::Watched> runs =
        health::watched(planned.prepared.effective, planned.observed, world.state.owner());
    std::erase_if(runs, [&](const health::Watched& run) { return is_aside(world, run.app); });
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

void ask_host_end(const PassWorld& world, std::stop_token stop) {
    if (world.host_end == nullptr) {
        return;
    }
    const bool fits = world.supervisor.time_to_stop_all() <= kAlwaysFits;
    world.supervisor.host_gives(fits ? std::nullopt : world.host_end->gives(std::move(stop)));
}

bool nothing_under_way(const PassWorld& world, const supervise::Overview& overview) {
    for (const supervise::AppStatus& app : overview.apps) {
        if (is_under_way(world, app.name)) {
            return false;
        }
    }
    return true;
}

void tidy_up(const PassWorld& world,
             const manifests::Desired& desired,
             const Planned& planned,
             PassReport& report) {
    if (!report.in_motion && !report.look_again) {
        attempt(report, "", "forgetting the apps that are gone",
                [&] { forget_gone(world, desired, planned, report.overview); });
    }
    if (report.converged) {
        attempt(report, "", "forgetting versions", [&] { world.versions.trim(); });
    }
}

void carry_through(const PassWorld& world, std::stop_token stop, PassReport& report) {
    const bool was_read_only = world.state.health().read_only;
    const manifests::Desired desired = world.source.scan();
    report.look_again = desired.look_again;
    Result<Planned> planned = plan_against(world, desired, Versions::Effective, stop);
    if (!planned && stop.stop_requested()) {
        report.cut = true;  // nothing is known of podman
        report.error = planned.error().message;
        return;
    }
    if (!planned) {
        const Error why = with_systemds_words(world, planned.error(), stop);
        report.error = why.message;
        report.overview = world.supervisor.podman_lost(desired, why);
        return;
    }
    if (world.companions != nullptr) {
        world.companions->note_under_way(world.state);
    }
    attempt(report, "", "following the probes", [&] { follow_health(world, *planned); });
    note_converged(world, *planned, report);
    supersede_older(world, desired, report);
    commit_these(world, world.supervisor.admit(planned->plan), planned->prepared, report);
    attempt(report, "", "keeping the companions",
            [&] { keep_companions(world, desired, *planned, stop, report); });
    attempt(report, "", "asking how long the host waits", [&] { ask_host_end(world, stop); });
    report.overview =
        world.supervisor.conclude(desired, planned->prepared, planned->observed, planned->plan);
    // On a disk that was found full just now other versions are in force than were planned for.
    report.in_motion = report.in_motion || !planned->observed.in_motion.empty() ||
                       (!was_read_only && world.state.health().read_only);
    report.converged = report.changes.empty() && !report.in_motion && !report.look_again &&
                       planned->busy.empty() && nothing_under_way(world, report.overview);
    tidy_up(world, desired, *planned, report);
}

Result<plan::Plan> plan_again(const PassWorld& world,
                              const std::optional<std::string>& app,
                              std::stop_token stop) {
    const manifests::Desired desired = world.source.scan();
    ASSIGN_OR_RETURN(Planned planned, plan_against(world, desired, Versions::Newest, stop));
    plan::Plan& plan = planned.plan;
    if (world.companions != nullptr) {
        world.companions->plan(desired, planned.prepared, planned.observed, plan, stop);
    }
    if (!plan.companions.empty()) {
        plan.digest = sha256_hex(plan.digest + json_text(plan::to_json(plan)["companions"]));
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

}  // namespace

PassReport make_pass(const PassWorld& world, std::stop_token stop) noexcept {
    const SteadyTime begin = world.clock.steady_now();
    PassReport report;
    if (const auto thrown = contained([&] { carry_through(world, stop, report); })) {
        log_thrown("a pass", *thrown);
        contained_or_logged("the end of a pass", [&] {
            report.error = "internal error: " + *thrown;
            report.overview = world.supervisor.pass_failed(*thrown);
        });
    }
    report.took = world.clock.steady_now() - begin;
    report.overview.last_pass_took = report.took;
    return report;
}

Result<plan::Plan> make_plan(const PassWorld& world,
                             const std::optional<std::string>& app,
                             std::stop_token stop) {
    Result<plan::Plan> plan = plan::Plan{};
    if (const auto thrown = contained([&] { plan = plan_again(world, app, stop); })) {
        return fail(Code::Internal, "cannot plan: internal error: " + *thrown);
    }
    return plan;
}

}  // namespace podreeve::reconcile
