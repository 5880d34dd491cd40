#pragma once

#include <string>

#include "agent/handlers/task.h"
#include "manifests/model.h"

// The volumes of an app that a container mounts. Podman makes one that is missing together with the
// container, empty and without labels, and says nothing: so they are looked at right before and
// right after. Volumes that are not in the app's spec are the person's own business.
namespace podreeve::handlers {

// NotFound when one is gone, Conflict when one is not what the app would make or claim. What was
// seen is saved with the task, so that the second look can be made after a kill, too.
Status look_at_volumes(Task& task,
                       const manifests::AppSpec& app,
                       const manifests::ContainerSpec& spec);

// The second look, at those that the first one saw, if there was one. When another volume stands in
// the place of one of them, the container `id` (empty: there is none) is removed, and so is the
// volume if it is podman's: bare, empty, and made since. The error, a Conflict, says which, and
// what is left. The next pass makes both.
Status check_volumes(Task& task, const manifests::ContainerSpec& spec, const std::string& id);

// Where podman failed to make the container: it may have made its volumes before. Told in the log.
void clear_volumes(Task& task, const manifests::ContainerSpec& spec);

}  // namespace podreeve::handlers
