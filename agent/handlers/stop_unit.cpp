#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_jobs.h"

namespace podreeve::handlers {

HandlerResult stop_unit(Task& task) {
    ASSIGN_OR_RETURN(CompanionWorld * world, companions_of(task));
    ASSIGN_OR_RETURN(const systemd::UnitState state, unit_state(task, task.object));
    if (!state.is_down()) {
        RETURN_IF_ERROR(run_job(task, world->systemd.stop, task.object));
    }
    return done();
}

}  // namespace podreeve::handlers
