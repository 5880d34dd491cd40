#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"

namespace podreeve::handlers {

// It runs on meanwhile. A name that another container has by now is podman's error, which the next
// pass reports as a conflict with that one.
HandlerResult rename_container(Task& task) {
    ASSIGN_OR_RETURN(const auto container, own_container(task, task.target()));
    if (!container) {
        task.log(fmt::format("{} is gone: nothing to rename", task.object));
        return done();
    }
    if (container->summary.name != task.object) {
        RETURN_IF_ERROR(
            task.world.podman.rename_container(container->summary.id, task.object, task.call()));
    }
    return done();
}

}  // namespace podreeve::handlers
