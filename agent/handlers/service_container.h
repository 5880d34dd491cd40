#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/handlers/task.h"

// The service container of an app: the one podman starts before its pods and stops after the last.
//
// Held (podman 4.5 and later): only `kube play` can make one, so a pod without containers, the
// stub, is played, the container that comes with it is given the name that the plan says, and the
// stub goes as soon as a real pod is linked; with its last pod podman would remove the service
// container. No label can be put on it: it is ours when a pod of ours is linked to it, when our
// stub stands beside it, or when the task or the plan knows its id from then. Not held: an ordinary
// container with labels.
namespace podreeve::handlers {

// The stub of an app: always the same text, so that after a kill it is told what the play left.
struct Stub {
    std::string pod;      // podreeve-stub-APP
    std::string yaml;     // what is played
    std::string service;  // what podman calls the container that comes with it
};

Stub stub_of(const std::string& app, const std::string& owner);

// Makes it unless it is there; Done once it bears the name.
HandlerResult ensure_held_service(Task& task, const std::string& name);
HandlerResult ensure_plain_service(Task& task,
                                   const std::string& name,
                                   const std::map<std::string, std::string>& labels);

// nullopt when absent; Conflict when it is not ours.
Result<std::optional<podman::ContainerDetails>> own_service(const Task& task,
                                                            const std::string& who);

// Removes what a play has made that nobody has taken up; retries while podman is at it.
HandlerResult undo_play(Task& task);

// Removes the app's stub pod, if it is there and ours.
Status remove_stub(const Task& task);

// Podman removes a held service container by itself, a moment after its last pod. Retries until it
// is gone, by force after the first second, and gives up after three.
HandlerResult await_removal(Task& task, const std::string& id);

}  // namespace podreeve::handlers
