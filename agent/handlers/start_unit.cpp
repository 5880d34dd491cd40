#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_jobs.h"

namespace podreeve::handlers {

HandlerResult start_unit(Task& task) {
    ASSIGN_OR_RETURN(CompanionWorld * world, companions_of(task));
    ASSIGN_OR_RETURN(const systemd::UnitState state, unit_state(task, task.object));
    RETURN_IF_ERROR(task.save_once("ran", state.is_active() ? "yes" : "no"));
    if (!state.is_active()) {
        RETURN_IF_ERROR(run_job(task, world->systemd.start, task.object));
    }
    return done();
}

HandlerResult undo_start_unit(Task& task) {
    return task.saved("ran") == "no" ? stop_unit(task) : done();
}

}  // namespace podreeve::handlers
