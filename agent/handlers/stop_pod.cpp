#include "agent/handlers/belongings.h"
#include "agent/handlers/kinds.h"
#include "agent/handlers/pre_stop.h"
#include "agent/handlers/running.h"

namespace podreeve::handlers {

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

PodStart as_it_was(const Task& task, const podman::PodSummary& pod) {
    PodStart what;
    what.pod = pod;
    what.part = task.part;
    what.held = true;
    return what;
}

}  // namespace

// Absent is stopped.
Ended stop_pod(Task& task) {
    ASSIGN_OR_RETURN(const auto pod, own_pod(task, task.target()));
    if (!pod) {
        return done();
    }
    RETURN_IF_ERROR(task.save_once("ran", is_up(pod->status) ? "yes" : "no"));
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
Ended undo_stop_pod(Task& task) {
    if (task.saved("ran") != "yes") {
        return done();
    }
    const auto spec = task.deployed_spec();
    for (const std::string& who : {task.target(), task.object}) {
        ASSIGN_OR_RETURN(const auto pod, own_pod(task, who));
        if (pod) {
            PodStart what = as_it_was(task, *pod);
            what.spec = spec.get();
            return start_up(task, what);
        }
    }
    return done();
}

}  // namespace podreeve::handlers
