#pragma once

#include <string>
#include <vector>

#include "agent/handlers/task.h"
#include "manifests/model.h"

// Getting pods and containers to run and to stop, for their own tasks and for the undoing of the
// opposite ones.
namespace podreeve::handlers {

// Seconds between SIGTERM and SIGKILL: what the step says, else what the accepted spec of that part
// says (of a pod: the longest of its members), else 10.
unsigned grace_of(const Task& task);

// A stop that was cut off, by an abort, goes on in podman; till its end nothing can be started.
bool is_being_stopped(const podman::ContainerDetails& container);
inline constexpr std::chrono::milliseconds kStopPause{200};

// Something of the pod runs, or is paused.
bool is_up(podman::PodStatus status);

// What podman said to the start of a pod, or of a container in one. That it refused is saved, as
// "refused": the supervisor has a pod made anew which podman cannot start any more. It is no
// refusal where podman could not answer, or had no room.
Error refused(Task& task, Error said);

// Starts it unless it runs; a start that podman refuses is an error with podman's words.
Status start(Task& task, const podman::ContainerDetails& container);
Status stop(Task& task, const podman::ContainerDetails& container, unsigned grace);

// A pod with all that has to run before its containers.
struct PodStart {
    podman::PodSummary pod;
    std::string service;              // name of its service container, or empty
    bool held = false;                // podman starts that one by itself
    std::vector<std::string> wanted;  // names of what has to run afterwards
    const manifests::AppSpec* spec =
        nullptr;  // tells the order of the init containers; may be null
    std::string part;
};

// Service container, init containers one after the other, then the rest. Init containers are run
// here, and not by podman's start of the pod, since that call would last as long as they do and run
// them all again when it is cut. Retries while one runs; one that fails is an error that names it.
HandlerResult start_up(Task& task, const PodStart& what);

Status stop_pod_of(Task& task, const podman::PodSummary& pod, unsigned grace);

// Podman stops a held service container with its last pod only when that is stopped as a whole, and
// the client stops the members one by one: what serves no running pod any more is stopped here.
Status stop_idle_service(Task& task, const podman::PodSummary& stopped);

}  // namespace podreeve::handlers
