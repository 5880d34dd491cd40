#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_jobs.h"

namespace podreeve::handlers {

Ended restart_unit(Task& task) {
    ASSIGN_OR_RETURN(CompanionWorld * world, companions_of(task));
    ASSIGN_OR_RETURN(const systemd::UnitState state, unit_state(task, task.object));
    const std::string since = fmt::format("{}", state.active_since.time_since_epoch().count());
    RETURN_IF_ERROR(task.save_once("since", since));
    // Another start than the one that was found is what was to be.
    if (!state.is_active() || since == task.saved("since")) {
        RETURN_IF_ERROR(run_job(task, world->systemd.restart, task.object));
    }
    return done();
}

}  // namespace podreeve::handlers
