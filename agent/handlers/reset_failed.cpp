#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_jobs.h"

namespace podreeve::handlers {

HandlerResult reset_failed(Task& task) {
    ASSIGN_OR_RETURN(const systemd::UnitState state, unit_state(task, task.object));
    if (state.active_state == "failed") {
        RETURN_IF_ERROR(forget_failure(task, task.object));
    }
    return done();
}

}  // namespace podreeve::handlers
