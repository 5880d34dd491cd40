#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/pre_stop.h"
#include "agent/handlers/start_stop.h"
#include "agent/observe/observed.h"

namespace podreeve::handlers {

using nlohmann::json;

namespace {

bool is_down(podman::PodStatus status) {
    return status == podman::PodStatus::Created || status == podman::PodStatus::Stopped ||
           status == podman::PodStatus::Exited;
}

std::vector<std::string> running_members(const podman::PodSummary& pod) {
    std::vector<std::string> names;
    for (const podman::PodSummary::Member& member : pod.members) {
        if (member.state == podman::ContainerState::Running) {
            names.push_back(member.name);
        }
    }
    return names;
}

// Those that run again where the stop is undone. One that is paused is woken by the stop.
json members_to_start_again(const podman::PodSummary& pod) {
    json names = json::array();
    for (const podman::PodSummary::Member& member : pod.members) {
        const bool up = member.state == podman::ContainerState::Running ||
                        member.state == podman::ContainerState::Paused;
        if (up && member.id != pod.infra_id) {
            names.push_back(member.name);
        }
    }
    return names;
}

// Once: what a second run finds has been stopped by the first.
Status save_what_ran(Task& task, const podman::PodSummary& pod) {
    if (task.has_saved("ran")) {
        return {};
    }
    return task.context.save(json{{"ran", is_up(pod.status) ? "yes" : "no"},
                                  {"ran_members", members_to_start_again(pod)}});
}

// Of those that ran, the ones that are there: nothing where an older agent made the stop.
std::optional<std::vector<std::string>> ran_members(const Task& task,
                                                    const podman::PodSummary& pod) {
    const auto saved = task.context.data().find("ran_members");
    if (saved == task.context.data().end() || !saved->is_array()) {
        return std::nullopt;
    }
    std::vector<std::string> names;
    for (const podman::PodSummary::Member& member : pod.members) {
        if (std::ranges::find(*saved, json(member.name)) != saved->end()) {
            names.push_back(member.name);
        }
    }
    return names;
}

// Its service container, where there is one.
Result<std::string> service_behind(const Task& task, const podman::PodSummary& pod) {
    const auto label = pod.labels.find(observe::kLabelService);
    if (label == pod.labels.end()) {
        return std::string();
    }
    ASSIGN_OR_RETURN(const auto service, find_container(task, label->second));
    return service ? label->second : std::string();
}

HandlerResult start_as_it_was(Task& task, const podman::PodSummary& pod) {
    const auto spec = task.deployed_spec();
    const auto ran = ran_members(task, pod);
    if (ran && ran->empty()) {
        return done();
    }
    PodStart what;
    what.pod = pod;
    what.part = task.part;
    what.held = true;
    what.spec = spec.get();
    what.wanted = ran.value_or(std::vector<std::string>());
    ASSIGN_OR_RETURN(what.service, service_behind(task, pod));
    return start_up(task, what);
}

}  // namespace

// Absent is stopped.
HandlerResult stop_pod(Task& task) {
    ASSIGN_OR_RETURN(const auto pod, own_pod(task, task.target()));
    if (!pod) {
        return done();
    }
    RETURN_IF_ERROR(save_what_ran(task, *pod));
    if (!is_down(pod->status)) {
        unsigned grace = grace_of(task);
        ASSIGN_OR_RETURN(auto outcome, pre_stop(task, running_members(*pod), grace));
        if (!std::holds_alternative<state::TaskDone>(outcome)) {
            return outcome;
        }
        RETURN_IF_ERROR(stop_pod_of(task, *pod, grace));
    }
    RETURN_IF_ERROR(stop_idle_service(task, *pod));
    return done();
}

// By now the undoing of a removal may have made it again, under another id.
HandlerResult undo_stop_pod(Task& task) {
    if (task.saved("ran") != "yes") {
        return done();
    }
    for (const std::string& who : {task.target(), task.object}) {
        ASSIGN_OR_RETURN(const auto pod, own_pod(task, who));
        if (pod) {
            return start_as_it_was(task, *pod);
        }
    }
    return done();
}

}  // namespace podreeve::handlers
