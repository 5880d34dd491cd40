#include "agent/handlers/plan_to_change.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/plan/step_kinds.h"
#include "agent/plan/steps.h"
#include "runtime/base/json_text.h"

namespace podreeve::handlers {

using plan::AppAction;

namespace {

struct Phrase {
    const char* kind;
    const char* verb;
};

Phrase companion_words_of(AppAction action) {
    switch (action) {
        case AppAction::Deploy:
            return {"deploy-companions", "Deploy the companions of"};
        case AppAction::Remove:
            return {"remove-companions", "Remove the companions of"};
        case AppAction::Stop:
            return {"stop-companions", "Stop the companions of"};
        case AppAction::Repair:
        case AppAction::None:
            break;
    }
    return {"repair-companions", "Repair the companions of"};
}

Phrase words_of(AppAction action) {
    switch (action) {
        case AppAction::Deploy:
            return {"deploy-app", "Deploy"};
        case AppAction::Remove:
            return {"remove-app", "Remove"};
        case AppAction::Stop:
            return {"stop-app", "Stop"};
        case AppAction::Repair:
        case AppAction::None:
            break;
    }
    return {"repair-app", "Repair"};
}

state::NewTask to_task(const plan::AppPlan& plan, const plan::Step& step, int lane) {
    state::NewTask task;
    task.kind = std::string(to_string(step.kind));
    task.summary = summary_of(step.kind, step.object);
    if (!step.reason.empty()) {
        task.summary += " (" + step.reason + ")";
    }
    task.lane = lane;
    task.after = step.after;
    task.data = json_text(nlohmann::json{{"app", plan.app},
                                         {"part", step.part},
                                         {"object", step.object},
                                         {"id", step.id},
                                         {"reason", step.reason},
                                         {"spec", plan.spec},
                                         {"generation", plan.generation},
                                         {"details", json_object_from(step.details)}});
    return task;
}

}  // namespace

std::string summary_of(plan::StepKind kind, const std::string& object) {
    return fmt::format(fmt::runtime(plan::row_of(kind).phrase), object);
}

state::NewChange to_change(const plan::AppPlan& plan) {
    const Phrase words = plan.companions ? companion_words_of(plan.action) : words_of(plan.action);
    state::NewChange change;
    change.kind = words.kind;
    change.subject = plan.subject();
    change.summary = fmt::format("{} {}: {} step{}", words.verb, plan.app, plan.steps.size(),
                                 plan.steps.size() == 1 ? "" : "s");
    change.data = json_text(
        nlohmann::json{{"app", plan.app}, {"spec", plan.spec}, {"generation", plan.generation}});
    const std::vector<int> lanes = plan::lanes(plan);
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        change.tasks.push_back(to_task(plan, plan.steps[i], i < lanes.size() ? lanes[i] : 1));
    }
    return change;
}

}  // namespace podreeve::handlers
