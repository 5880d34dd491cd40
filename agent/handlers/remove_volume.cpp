#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/observe/observed.h"
#include "agent/plan/steps.h"
#include "agent/plan/volume_roles.h"

namespace podreeve::handlers {

namespace {

// By what the volume's own label says: a plan that is wrong must not cost anybody his data.
bool may_be_removed(const podman::VolumeDetails& volume) {
    const auto role = volume.labels.find(observe::kLabelRole);
    return role != volume.labels.end() &&
           (role->second == plan::kRoleVolumeEmptyDir || plan::is_filled(role->second));
}

}  // namespace

HandlerResult remove_volume(Task& task) {
    ASSIGN_OR_RETURN(const auto volume, own_volume(task, task.object));
    if (!volume) {
        return done();
    }
    if (!may_be_removed(*volume)) {
        return fail(
            Code::Conflict,
            fmt::format("cannot remove volume {0}: it may hold data; `podman volume rm {0}` "
                        "does it",
                        task.object));
    }
    RETURN_IF_ERROR(remove_own_volume(task, *volume));
    return done();
}

}  // namespace podreeve::handlers
