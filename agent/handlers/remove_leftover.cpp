#include <fmt/format.h>

#include "agent/handlers/belongings.h"
#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_jobs.h"
#include "agent/observe/observed.h"

namespace podreeve::handlers {

// Only once its unit is down is a container nobody's: until then it is systemd's alone.
Ended remove_leftover(Task& task) {
    ASSIGN_OR_RETURN(const systemd::UnitState state, unit_state(task, task.object));
    if (!state.is_down()) {
        return fail(Code::Conflict, fmt::format("cannot remove the container of {}: the unit is {}",
                                                task.object, state.active_state));
    }
    ASSIGN_OR_RETURN(const auto containers, task.world.podman.list_containers(task.call()));
    for (const podman::ContainerSummary& container : containers) {
        const auto unit = container.labels.find(observe::kLabelSystemdUnit);
        if (unit != container.labels.end() && unit->second == task.object) {
            RETURN_IF_ERROR(task.world.podman.remove_container(container.id, by_force(),
                                                               task.call(std::chrono::minutes(1))));
        }
    }
    // Nobody could make sense of a failed unit of which there is no file.
    if (state.active_state == "failed") {
        RETURN_IF_ERROR(forget_failure(task, task.object));
    }
    return done();
}

}  // namespace podreeve::handlers
