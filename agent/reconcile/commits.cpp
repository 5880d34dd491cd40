#include "agent/reconcile/commits.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/handlers/plan_to_change.h"
#include "agent/reconcile/seen.h"
#include "runtime/base/contained.h"
#include "runtime/base/json_text.h"
#include "runtime/base/log.h"

namespace podreeve::reconcile {
namespace {

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
                               const supervise::Prepared& prepared) {
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

void note_converged(const PassWorld& world,
                    const supervise::Prepared& prepared,
                    const plan::AppPlan& app) {
    const auto policy = prepared.policy.apps.find(app.app);
    if (policy != prepared.policy.apps.end() && !policy->second.set_aside.empty()) {
        return;
    }
    const auto record = world.state.app(app.app);
    if (!record || policy == prepared.policy.apps.end()) {
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

}  // namespace

bool is_under_way(const PassWorld& world, const std::string& app) {
    return world.state.active_change_of(app) ||
           world.state.active_change_of(plan::companions_of(app));
}

void report_thrown(PassReport& report,
                   const std::string& app,
                   const char* what,
                   const std::string& thrown) {
    log_thrown(what, thrown);
    contained_or_logged("reporting it", [&] {
        report.failures.emplace_back(app, fmt::format("internal error: {}", thrown));
    });
}

void commit_these(const PassWorld& world,
                  const std::vector<const plan::AppPlan*>& plans,
                  const supervise::Prepared& prepared,
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

void note_converged(const PassWorld& world,
                    const supervise::Prepared& prepared,
                    const plan::Plan& plan,
                    PassReport& report) {
    for (const auto& [name, app] : plan.apps) {
        attempt(report, name, "noting what has converged",
                [&, &app = app] { note_converged(world, prepared, app); });
    }
}

}  // namespace podreeve::reconcile
