#pragma once

#include <string>

#include "agent/handlers/create_body.h"
#include "agent/handlers/task.h"
#include "manifests/model.h"

// Making pods and containers, for their own tasks and for the undoing of a removal.
namespace podreeve::handlers {

// What is there under that name is taken when its labels are the same (a rerun); Conflict when it
// is of another version or not ours. service: name of the service container, or empty. Gives the
// id.
Result<std::string> make_pod(Task& task,
                             const manifests::PodSpec& spec,
                             const std::string& service,
                             bool held,
                             Labels labels);

// spec is one of app's, whose volumes have to be there. pod: podman's name of the pod, which has to
// be ours, or empty.
Result<std::string> make_container(Task& task,
                                   const manifests::AppSpec& app,
                                   const manifests::ContainerSpec& spec,
                                   const std::string& pod,
                                   const Labels& labels);

}  // namespace podreeve::handlers
