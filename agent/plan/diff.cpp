#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "agent/plan/conflicts.h"
#include "agent/plan/decision.h"
#include "agent/plan/deploy.h"
#include "agent/plan/digest.h"
#include "agent/plan/heirs.h"
#include "agent/plan/kept_volumes.h"
#include "agent/plan/removal.h"
#include "agent/plan/step_graph.h"
#include "runtime/base/in_hand.h"

// One app after the other; nothing an app has touches another's plan.
namespace podreeve::plan {
namespace {

using manifests::AppProblem;
using manifests::Desired;

const AppPolicy& policy_of(const Policy& policy, const std::string& app) {
    static const AppPolicy kDefault;
    const auto it = policy.apps.find(app);
    return it == policy.apps.end() ? kDefault : it->second;
}

std::int64_t generation_of(const AppPolicy& policy, const std::string& hash) {
    const bool known = policy.generation_spec.empty() || policy.generation_spec == hash;
    return known ? policy.generation : policy.generation + 1;
}

bool is_new_spec(const AppCase& app) {
    return app.app.deployed_spec && *app.app.deployed_spec != app.hashes.app;
}

// Is it a new spec that is brought in, or the one in force that is mended?
bool is_deploy(const AppCase& app, const AppDecision& decision) {
    const auto replaced = [](const auto& part) { return part.decision == Decision::Replace; };
    const bool any_replaced =
        std::any_of(decision.alone.begin(), decision.alone.end(), replaced) ||
        std::any_of(decision.pods.begin(), decision.pods.end(), [&](const PodDecision& pod) {
            return replaced(pod) || std::any_of(pod.members.begin(), pod.members.end(), replaced);
        });
    if (any_replaced || app.app.deployed_spec) {
        return any_replaced || is_new_spec(app);
    }
    const auto unwanted = [](const auto& row) { return row.why == "unwanted"; };
    return (app.held.containers.empty() && app.held.pods.empty()) ||
           std::any_of(decision.surplus.begin(), decision.surplus.end(), unwanted) ||
           std::any_of(decision.surplus_pods.begin(), decision.surplus_pods.end(), unwanted);
}

bool makes_or_starts(const Step& step) {
    switch (step.kind) {
        case StepKind::CreateService:
        case StepKind::CreatePod:
        case StepKind::CreateContainer:
        case StepKind::StartPod:
        case StepKind::StartContainer:
            return true;
        default:
            return false;
    }
}

// An app that is known from earlier, but neither wanted nor to be seen: only its volumes and
// secrets could be left.
bool could_have_left_something(const Policy& policy, const Plan& plan) {
    return std::any_of(policy.apps.begin(), policy.apps.end(), [&](const auto& row) {
        return !row.second.busy && !plan.apps.contains(row.first);
    });
}

bool needs_resources(const AppPlan& plan) {
    if (plan.asks_for_resources) {
        return true;
    }
    if (plan.action == AppAction::Deploy || plan.action == AppAction::Remove) {
        return !plan.steps.empty();
    }
    return std::any_of(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
        return step.kind == StepKind::PullImage || step.kind == StepKind::EnsureNetwork ||
               step.kind == StepKind::CreateVolume;
    });
}

void hold_back(AppPlan& plan, const AppPolicy& policy) {
    if (policy.hold_start && std::any_of(plan.steps.begin(), plan.steps.end(), makes_or_starts)) {
        plan.steps.clear();
        plan.conditions.push_back({"Blocked", "Waiting", policy.why, ""});
    }
    if (plan.steps.empty()) {
        plan.action = AppAction::None;
    }
}

void hold_stop(AppPlan& plan, const AppPolicy& policy) {
    if (policy.hold_stop && !plan.steps.empty()) {
        plan.steps.clear();
        plan.conditions.push_back({"Blocked", "StopWaits", policy.stop_why, ""});
    }
    if (plan.steps.empty()) {
        plan.action = AppAction::None;
    }
}

void plan_running(const AppCase& app, AppPlan& plan) {
    plan.conditions = conflicts(app);
    if (!plan.conditions.empty() || hold_for_storage(app, plan)) {
        return;
    }
    plan.asks_for_resources = has_unseen_volumes(app);
    AppDecision decision = evaluate(app);
    plan.conditions = std::move(decision.conditions);
    if (!has_work(decision) && !(is_new_spec(app) && !decision.incomplete)) {
        return;
    }
    const bool deploy = is_deploy(app, decision);
    plan.action = deploy ? AppAction::Deploy : AppAction::Repair;
    StepGraph graph(plan, deploy);
    carry_out(app, decision, deploy, graph);
    hold_back(plan, app.app);
}

void plan_stopped(const AppCase& app, AppPlan& plan) {
    if (!hold_for_storage(app, plan)) {
        report_lost_volumes(app, plan);
    }
    StepGraph graph(plan, false);
    stop_app(app, graph);
    plan.action = AppAction::Stop;
    hold_stop(plan, app.app);
}

AppPlan plan_desired(const std::shared_ptr<const manifests::AppSpec>& spec,
                     const observe::Observed& observed,
                     const Policy& policy,
                     const Holdings& all) {
    const auto hashes = hashes_of(spec);
    const AppPolicy& own = policy_of(policy, spec->name);
    AppPlan plan;
    plan.app = spec->name;
    plan.spec = hashes->app;
    plan.generation = generation_of(own, hashes->app);
    plan.former = former_apps(spec->name, all.of(spec->name));
    const AppCase app{*spec,  *hashes, all.of(spec->name), all, observed,
                      policy, own,     plan.generation};
    if (own.busy) {
        return plan;
    }
    if (own.stopped) {
        plan_stopped(app, plan);
    } else {
        plan_running(app, plan);
    }
    return plan;
}

const char* const kUntilMended =
    "it is left as it is until that is mended, or `podreeve prune` lets it go";

std::string why_removals_wait(const Desired& desired, const Policy& policy) {
    if (!desired.complete || !policy.removals_allowed) {
        return fmt::format(
            "no manifest of it is known, but not all manifest directories could be read: {}",
            kUntilMended);
    }
    const auto unclear =
        std::find_if(desired.problems.begin(), desired.problems.end(),
                     [](const AppProblem& problem) { return problem.could_be_any; });
    return unclear == desired.problems.end()
               ? std::string()
               : fmt::format(
                     "no manifest of it is known, but it could be the one in {}, which is "
                     "broken: {}",
                     unclear->file, kUntilMended);
}

struct Removals {
    const Policy& policy;
    RemovalLimits limits;
    std::set<std::string_view> broken;  // apps whose manifest is there, but unusable

    AppPlan plan_undesired(const std::string& name, const AppHoldings& held) const {
        AppPlan plan;
        plan.app = name;
        if (policy_of(policy, name).busy || broken.contains(name)) {
            return plan;
        }
        AppPlan removal = plan;
        StepGraph graph(removal, false);
        remove_app(held, graph);
        if (removal.steps.empty()) {
            return plan;  // nothing is left but what stays, as claims
        }
        if (std::string why = limits.why_waits(name); !why.empty()) {
            plan.conditions.push_back({"RemovalHeld", "ManifestsUnknown", std::move(why), ""});
            return plan;
        }
        if (const std::string unknown = find_unknown(held); !unknown.empty()) {
            plan.conditions.push_back(
                {"Unknown", "StateUnknown",
                 fmt::format("podman cannot say in what state {} is; the app is left until it can",
                             unknown),
                 ""});
            return plan;
        }
        removal.action = AppAction::Remove;
        hold_stop(removal, policy_of(policy, name));
        return removal;
    }
};

template <class Make>
AppPlan contained_plan(const std::string& app, const Policy& policy, Make make) {
    AppPlan plan;
    const AppPolicy& own = policy_of(policy, app);
    if (!own.set_aside.empty()) {
        plan.app = app;
        plan.conditions.push_back(set_aside(own.set_aside));
        return plan;
    }
    std::string thrown = own.trouble;
    if (thrown.empty()) {
        thrown = contained_in_hand(app, [&] { plan = make(); }).value_or("");
    }
    if (!thrown.empty()) {
        plan = {};
        plan.app = app;
        plan.conditions.push_back(internal_error(thrown));
    }
    return plan;
}

std::string file_stem(const std::string& file) {
    const std::size_t slash = file.rfind('/');
    const std::string name = slash == std::string::npos ? file : file.substr(slash + 1);
    return name.substr(0, name.find('.'));
}

std::string problem_text(const AppProblem& problem) {
    constexpr std::size_t kMostShown = 20;  // this is stored, logged and sent with each status
    std::string text;
    for (std::size_t i = 0; i < std::min(kMostShown, problem.diagnostics.size()); ++i) {
        text += (text.empty() ? "" : "\n") + to_text(problem.diagnostics[i]);
    }
    if (problem.diagnostics.size() > kMostShown) {
        text += fmt::format("\nand {} more; `podreeve check {}` shows all",
                            problem.diagnostics.size() - kMostShown, problem.file);
    }
    return text.empty() ? problem.file + " cannot be used" : text;
}

void report_problems(const Desired& desired, Plan& plan) {
    for (const AppProblem& problem : desired.problems) {
        const std::string name = problem.app.empty() ? file_stem(problem.file) : problem.app;
        AppPlan& app = plan.apps[name];
        app.app = name;
        app.conditions.push_back({"ManifestError", "InvalidManifest", problem_text(problem), ""});
    }
}

void report_held(const Desired& desired, Plan& plan) {
    for (const auto& [name, held] : desired.held) {
        AppPlan& app = plan.apps[name];
        app.app = name;
        app.conditions.push_back({"RemovalHeld", held.reason, held.message, ""});
    }
}

}  // namespace

RemovalLimits removal_limits(const Desired& desired, const Policy& policy) {
    return {why_removals_wait(desired, policy), desired.let_go, desired.remembered};
}

std::string RemovalLimits::why_waits(const std::string& app) const {
    if (let_go.contains(app)) {
        return {};
    }
    if (!all_wait.empty() || !remembered || remembered->contains(app)) {
        return all_wait;
    }
    return "no manifest of it is there, and this agent remembers none: it is left as it is until "
           "it has a manifest, or `podreeve prune` lets it go";
}

Condition internal_error(const std::string& thrown) {
    return {"InternalError", "Thrown",
            fmt::format("podreeve has an error of its own with this app: {}; the app is left as it "
                        "is, and all others are kept",
                        thrown),
            ""};
}

Condition set_aside(const std::string& why) {
    return {"SetAside", "AgentCrashed", why, ""};
}

Plan diff(const Desired& desired, const observe::Observed& observed, const Policy& policy) {
    const Holdings all(observed, policy.owner, find_heirs(desired, observed, policy));
    Plan plan;
    for (const auto& [name, spec] : desired.apps) {
        plan.apps.emplace_hint(plan.apps.end(), name,
                               contained_plan(name, policy, [&, &spec = spec] {
                                   return plan_desired(spec, observed, policy, all);
                               }));
    }
    Removals removals{policy, removal_limits(desired, policy), {}};
    for (const AppProblem& problem : desired.problems) {
        removals.broken.insert(problem.app);
    }
    for (const auto& [name, held] : all.apps()) {
        const std::string app(name);
        if (held.anything() && !desired.apps.contains(app)) {
            plan.apps.emplace(app, contained_plan(app, policy, [&, &held = held] {
                                  return removals.plan_undesired(app, held);
                              }));
        }
    }
    report_problems(desired, plan);
    report_held(desired, plan);
    plan.needs_resources = !observed.resources &&
                           (could_have_left_something(policy, plan) ||
                            std::any_of(plan.apps.begin(), plan.apps.end(), [](const auto& row) {
                                return needs_resources(row.second);
                            }));
    plan.digest = digest_of(desired, observed, policy, all, plan);
    return plan;
}

}  // namespace podreeve::plan
