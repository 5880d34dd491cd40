#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/service_container.h"

namespace podreeve::handlers {

// The plan knew it as ours by its id, from the pods that were linked to it then. Absent is what is
// wanted.
HandlerResult remove_service(Task& task) {
    ASSIGN_OR_RETURN(const auto service, own_service(task, task.target()));
    if (!service) {
        return done();
    }
    if (service->is_service) {
        return await_removal(task, service->summary.id);
    }
    RETURN_IF_ERROR(
        task.world.podman.remove_container(service->summary.id, by_force(), task.call()));
    return done();
}

}  // namespace podreeve::handlers
