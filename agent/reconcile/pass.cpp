#include "agent/reconcile/pass.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/observe/observer.h"
#include "agent/plan/steps.h"
#include "agent/reconcile/commits.h"
#include "agent/reconcile/companion_stage.h"
#include "agent/reconcile/health_policy.h"
#include "agent/reconcile/host_end.h"
#include "agent/reconcile/podman_unit.h"
#include "agent/reconcile/seen.h"
#include "runtime/base/contained.h"
#include "runtime/base/digest.h"
#include "runtime/base/json_text.h"
#include "runtime/base/log.h"

namespace podreeve::reconcile {
namespace {

// Half of what systemd waits for a unit where nobody says otherwise: it need not be asked.
constexpr std::chrono::seconds kAlwaysFits{45};

// What was seen, what was decided upon it, and the plan that follows.
struct Planned {
    Seen seen;
    supervise::Prepared prepared;
    plan::Plan plan = {};
    bool has_companions = false;  // the plan of the second stage is in it
};

// What keeps podman from answering, where systemd knows.
Error with_systemds_words(const PassWorld& world, Error error, const std::stop_token& stop) {
    if (world.podman_unit != nullptr && error.code == Code::Unavailable) {
        const std::string said = world.podman_unit->look(stop);
        error.message += said.empty() ? "" : "; " + said;
    }
    return error;
}

// Of what something is under way on, or was when it was observed, not all is known.
bool is_unsure(const PassWorld& world, const Planned& planned, const std::string& app) {
    return planned.seen.busy.contains(app) ||
           planned.seen.busy.contains(plan::companions_of(app)) || is_under_way(world, app);
}

// Whether an app without a plan for its companions has none: what cannot be seen, or was not
// planned for, may be there.
bool knows_companions(const PassWorld& world, const Planned& planned, const std::string& app) {
    return world.companions == nullptr ||
           (planned.has_companions && planned.seen.observed.knows_companions(app));
}

bool knows_all_companions(const PassWorld& world, const Planned& planned) {
    const auto& seen = planned.seen.observed.companions;
    return knows_companions(world, planned, "") && (!seen || seen->unreadable.empty());
}

// An app that no manifest names, of which nothing is left and on which nobody works, is forgotten,
// whatever is under way on others: an init container may run for days.
void forget_gone(const PassWorld& world,
                 const manifests::Desired& desired,
                 const Planned& planned,
                 const supervise::Overview& overview) {
    for (const state::AppRecord& record : world.state.apps()) {
        if (!desired.complete && !desired.let_go.contains(record.name)) {
            continue;
        }
        const auto is_left = [&](const std::map<std::string, plan::AppPlan>& plans) {
            const auto found = plans.find(record.name);
            // A plan that only says why it does nothing is of something.
            return found != plans.end() &&
                   !(found->second.empty() && found->second.conditions.empty());
        };
        if (is_left(planned.plan.apps) || is_left(planned.plan.companions) ||
            overview.find(record.name) != nullptr || is_unsure(world, planned, record.name) ||
            !knows_companions(world, planned, record.name)) {
            continue;
        }
        if (Status gone = world.state.remove_app(record.name); !gone) {
            log::warn("{}", gone.error().message);
            continue;
        }
        world.versions.forget(record.name);
    }
    if (!desired.complete || !knows_all_companions(world, planned)) {
        return;
    }
    std::set<std::string> left;
    for (const auto& [name, spec] : desired.apps) {
        left.insert(name);
    }
    for (const auto* plans : {&planned.plan.apps, &planned.plan.companions}) {
        for (const auto& [name, planned_app] : *plans) {
            left.insert(name);
        }
    }
    world.versions.forget_others(left);
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
    world.companions->plan(desired, planned.prepared, planned.seen.observed, planned.plan,
                           std::move(stop));
    planned.has_companions = true;
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

void follow_health(const PassWorld& world, const Planned& planned) {
    std::vector<health::Watched> runs =
        health::watched(planned.prepared.effective, planned.seen.observed, world.state.owner());
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

// Volumes, images and the like are only observed when the plan asks for them.
Status add_plan(const PassWorld& world, Planned& planned, std::stop_token stop) {
    auto& [seen, prepared, plan, companions] = planned;
    apply_health(*world.health.snapshot(), seen.observed, world.state.owner(), prepared.policy);
    plan = plan::diff(prepared.effective, seen.observed, prepared.policy);
    if (plan.needs_resources) {
        RETURN_IF_ERROR(observe::add_resources(seen.observed, world.podman,
                                               plan::images_asked_for(plan), std::move(stop)));
        if (world.mounts != nullptr) {
            seen.observed.resources->mounts = world.mounts->look(*seen.observed.resources);
        }
        plan = plan::diff(prepared.effective, seen.observed, prepared.policy);
    }
    return {};
}

// Nothing is known of podman, and nothing is touched.
void leave_all(const PassWorld& world,
               const manifests::Desired& desired,
               const Error& why,
               const std::stop_token& stop,
               PassReport& report) {
    report.cut = stop.stop_requested();
    report.error = why.message;
    if (!report.cut) {
        const Error reason = with_systemds_words(world, why, stop);
        report.error = reason.message;
        report.overview = world.supervisor.podman_lost(desired, reason);
    }
}

// Changes are committed for what differs; then the companions' follow.
void commit_all(const PassWorld& world,
                const manifests::Desired& desired,
                Planned& planned,
                const std::stop_token& stop,
                PassReport& report) {
    const auto& [seen, prepared, plan, companions] = planned;
    if (world.companions != nullptr) {
        world.companions->note_under_way(world.state);
    }
    attempt(report, "", "following the probes", [&] { follow_health(world, planned); });
    note_converged(world, prepared, plan, report);
    supersede_older(world, desired, report);
    commit_these(world, world.supervisor.admit(plan), prepared, report);
    attempt(report, "", "keeping the companions",
            [&] { keep_companions(world, desired, planned, stop, report); });
    attempt(report, "", "asking how long the host waits", [&] { ask_host_end(world, stop); });
}

// Scan, observe, decide, plan, commit, report.
void carry_through(const PassWorld& world, const std::stop_token& stop, PassReport& report) {
    const bool was_read_only = world.state.health().read_only;
    const manifests::Desired desired = world.source.scan();
    report.look_again = desired.look_again;
    world.supervisor.set_aside(begin_tries(world, desired));
    Result<Seen> seen = look(world, desired, stop);
    if (!seen) {
        return leave_all(world, desired, seen.error(), stop, report);
    }
    Planned planned{std::move(*seen), {}};
    planned.prepared = world.supervisor.prepare(desired, planned.seen.observed, planned.seen.busy,
                                                planned.seen.facts);
    if (const Status added = add_plan(world, planned, stop); !added) {
        return leave_all(world, desired, added.error(), stop, report);
    }
    commit_all(world, desired, planned, stop, report);
    report.overview =
        world.supervisor.conclude(desired, planned.prepared, planned.seen.observed, planned.plan);
    // On a disk that was found full just now other versions are in force than were planned for.
    report.in_motion = report.in_motion || !planned.seen.observed.in_motion.empty() ||
                       (!was_read_only && world.state.health().read_only);
    report.converged = report.changes.empty() && !report.in_motion && !report.look_again &&
                       planned.seen.busy.empty() && nothing_under_way(world, report.overview);
    tidy_up(world, desired, planned, report);
}

// A pass goes by the versions in force: of an app whose newest one has just failed that is the one
// before, until it is tried again. People who ask want to know how far the newest one is.
void take_newest(const manifests::Desired& desired, supervise::Prepared& prepared) {
    prepared.effective.apps = desired.apps;
    for (auto& [name, version] : prepared.companions) {
        const auto newest = desired.apps.find(name);
        version = newest == desired.apps.end() ? version : newest->second;
    }
}

Result<plan::Plan> only_of(plan::Plan plan, const std::string& app) {
    const auto is_other = [&](const auto& row) { return row.first != app; };
    std::erase_if(plan.apps, is_other);
    std::erase_if(plan.companions, is_other);
    if (plan.apps.empty() && plan.companions.empty()) {
        return fail(Code::NotFound,
                    fmt::format("cannot plan {}: no manifest declares it and nothing of it runs; "
                                "`podreeve status` lists the apps",
                                app));
    }
    return plan;
}

Result<plan::Plan> plan_newest(const PassWorld& world,
                               const std::optional<std::string>& app,
                               const std::stop_token& stop) {
    const manifests::Desired desired = world.source.scan();
    const supervise::AppsAside aside = apps_aside(world);
    ASSIGN_OR_RETURN(Seen seen, look(world, desired, stop));
    Planned planned{std::move(seen), {}};
    planned.prepared = world.supervisor.preview(desired, planned.seen.observed, planned.seen.busy,
                                                planned.seen.facts, aside);
    take_newest(desired, planned.prepared);
    RETURN_IF_ERROR(add_plan(world, planned, stop));
    plan::Plan& plan = planned.plan;
    if (world.companions != nullptr) {
        world.companions->preview(desired, planned.prepared, planned.seen.observed, plan, stop);
    }
    if (!plan.companions.empty()) {
        plan.digest = sha256_hex(plan.digest + json_text(plan::to_json(plan)["companions"]));
    }
    return app ? only_of(std::move(plan), *app) : std::move(plan);
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
    if (const auto thrown = contained([&] { plan = plan_newest(world, app, stop); })) {
        return fail(Code::Internal, "cannot plan: internal error: " + *thrown);
    }
    return plan;
}

}  // namespace podreeve::reconcile
