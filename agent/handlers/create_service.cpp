#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/service_container.h"

namespace podreeve::handlers {

HandlerResult create_service(Task& task) {
    return task.flag("held", true) ? ensure_held_service(task, task.object)
                                   : ensure_plain_service(task, task.object, task.texts("labels"));
}

// The pods of the change are gone by now, and a held one with them; so is all of it when only the
// stub was linked. A kill may have come between the play and the note of what it made.
HandlerResult undo_create_service(Task& task) {
    RETURN_IF_ERROR(remove_stub(task));
    const std::string id = task.saved("service_id");
    if (id.empty() && task.flag("held", true)) {
        return undo_play(task);
    }
    ASSIGN_OR_RETURN(const auto service,
                     id.empty() ? own_container(task, task.object) : find_container(task, id));
    if (!service) {
        return done();
    }
    if (!service->is_service) {
        RETURN_IF_ERROR(
            task.world.podman.remove_container(service->summary.id, by_force(), task.call()));
        return done();
    }
    return await_removal(task, service->summary.id);
}

}  // namespace podreeve::handlers
