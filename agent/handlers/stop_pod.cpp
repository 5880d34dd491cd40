#include <algorithm>

#include "agent/handlers/belongings.h"
#include "agent/handlers/kinds.h"
#include "agent/handlers/running.h"
#include "agent/observe/observed.h"

namespace podreeve::handlers {

namespace {

bool pod_runs(podman::PodStatus status) {
    return status == podman::PodStatus::Running || status == podman::PodStatus::Degraded ||
           status == podman::PodStatus::Paused;
}

std::string service_of(const podman::PodSummary& pod) {
    const auto label = pod.labels.find(observe::kLabelService);
    return label == pod.labels.end() ? "" : label->second;
}

// Podman stops a held service container with its last pod only when that pod was stopped as a
// whole. One whose containers had to be stopped one by one leaves it running.
Status stop_idle_service(Task& task, const podman::PodSummary& pod) {
    const std::string service = service_of(pod);
    if (service.empty() || pod.status == podman::PodStatus::Running) {
        return {};
    }
    ASSIGN_OR_RETURN(const auto pods, task.world.podman.list_pods(task.call()));
    const bool needed = std::any_of(pods.begin(), pods.end(), [&](const auto& other) {
        return other.id != pod.id && service_of(other) == service && pod_runs(other.status);
    });
    if (needed) {
        return {};
    }
    ASSIGN_OR_RETURN(const auto container, find_container(task, service));
    return container && is_running(*container) ? stop(task, *container, 1) : Status{};
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
    RETURN_IF_ERROR(task.save_once("ran", pod_runs(pod->status) ? "yes" : "no"));
    RETURN_IF_ERROR(stop_pod_of(task, *pod, grace_of(task)));
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
