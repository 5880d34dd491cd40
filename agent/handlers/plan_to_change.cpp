#include "agent/handlers/plan_to_change.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/plan/steps.h"
#include "runtime/base/json_text.h"

namespace podreeve::handlers {

using plan::AppAction;
using plan::StepKind;

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

const char* phrase_of_unit(StepKind kind) {
    switch (kind) {
        case StepKind::NoteUnits:
            return "Note which units of {} run";
        case StepKind::InstallUnit:
            return "Install unit file {}";
        case StepKind::RemoveUnit:
            return "Remove unit file {}";
        case StepKind::ReloadUnits:
            return "Have systemd read the unit files of {}";
        case StepKind::StartUnit:
            return "Start unit {}";
        case StepKind::StopUnit:
            return "Stop unit {}";
        case StepKind::RestartUnit:
            return "Restart unit {}";
        case StepKind::ResetFailed:
            return "Forget the failures of unit {}";
        case StepKind::RemoveLeftover:
            return "Remove what is left of unit {}";
        default:
            return "{}";
    }
}

const char* phrase_of(StepKind kind) {
    switch (kind) {
        case StepKind::CheckPorts:
            return "Check that the host ports of {} are free";
        case StepKind::PullImage:
            return "Pull image {}";
        case StepKind::EnsureNetwork:
            return "Ensure network {}";
        case StepKind::CreateVolume:
            return "Create volume {}";
        case StepKind::WriteVolumeFiles:
            return "Write the files of volume {}";
        case StepKind::CreateSecret:
            return "Create secret {}";
        case StepKind::CreateService:
            return "Create service container {}";
        case StepKind::CreatePod:
            return "Create pod {}";
        case StepKind::CreateContainer:
            return "Create container {}";
        case StepKind::StartPod:
            return "Start pod {}";
        case StepKind::StartContainer:
            return "Start container {}";
        case StepKind::StopContainer:
            return "Stop container {}";
        case StepKind::RetainContainer:
            return "Retain container {}";
        case StepKind::RenameContainer:
            return "Rename container {}";
        case StepKind::RemoveContainer:
            return "Remove container {}";
        case StepKind::StopPod:
            return "Stop pod {}";
        case StepKind::RemovePod:
            return "Remove pod {}";
        case StepKind::RemoveService:
            return "Remove service container {}";
        case StepKind::RemoveSecret:
            return "Remove secret {}";
        case StepKind::RemoveVolume:
            return "Remove volume {}";
        case StepKind::MarkDeployed:
            return "Mark {} as deployed";
        default:
            return phrase_of_unit(kind);
    }
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
    return fmt::format(fmt::runtime(phrase_of(kind)), object);
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
