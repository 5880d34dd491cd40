#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"

namespace podreeve::handlers {

// Absent is what is wanted. What podreeve put in stands in the manifest: there is nothing to undo.
HandlerResult remove_secret(Task& task) {
    ASSIGN_OR_RETURN(const auto secret, own_secret(task, task.object));
    if (secret) {
        // By its id: podman takes a name that no secret has for the beginning of an id.
        RETURN_IF_ERROR(task.world.podman.remove_secret(secret->id, task.call()));
    }
    return done();
}

}  // namespace podreeve::handlers
