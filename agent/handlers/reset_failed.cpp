#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_jobs.h"

namespace podreeve::handlers {

Ended reset_failed(Task& task) {
    ASSIGN_OR_RETURN(CompanionWorld * world, companions_of(task));
    ASSIGN_OR_RETURN(const systemd::UnitState state, unit_state(task, task.object));
    if (state.active_state != "failed") {
        return done();
    }
    const Status forgotten = world->systemd.reset_failed(task.object, ask(task));
    if (!forgotten && forgotten.error().code != Code::NotFound) {
        return forgotten.error();
    }
    return done();
}

}  // namespace podreeve::handlers
