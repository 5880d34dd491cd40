#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_jobs.h"

namespace podreeve::handlers {

namespace {

// A version that was not tried yet does not pay for the starts of those before it.
Status restart(const Task& task, const CompanionWorld& world) {
    ASSIGN_OR_RETURN(const systemd::JobResult result,
                     world.systemd.restart(task.object, job(task)));
    if (!result.start_limit) {
        return job_result(result, task.object);
    }
    RETURN_IF_ERROR(forget_failure(task, task.object));
    return run_job(task, world.systemd.start, task.object);
}

}  // namespace

HandlerResult restart_unit(Task& task) {
    ASSIGN_OR_RETURN(CompanionWorld * world, companions_of(task));
    ASSIGN_OR_RETURN(const systemd::UnitState state, unit_state(task, task.object));
    const std::string since = fmt::format("{}", state.active_since.time_since_epoch().count());
    RETURN_IF_ERROR(task.save_once("since", since));
    // Another start than the one that was found is what was to be.
    if (!state.is_active() || since == task.saved("since")) {
        RETURN_IF_ERROR(restart(task, *world));
    }
    return done();
}

}  // namespace podreeve::handlers
