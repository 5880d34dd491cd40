#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/unit_jobs.h"
#include "agent/observe/observed.h"

namespace podreeve::handlers {

namespace {

// Anybody's image or `podman run` may bear a unit's label: ours is what also has the name that the
// unit gave it.
bool is_leftover(const podman::ContainerSummary& container,
                 const std::string& name,
                 const std::string& service) {
    const auto unit = container.labels.find(observe::kLabelSystemdUnit);
    return unit != container.labels.end() && unit->second == service && container.name == name;
}

void log_others(const Task& task, const podman::ContainerSummary& container) {
    const auto unit = container.labels.find(observe::kLabelSystemdUnit);
    if (unit != container.labels.end() && unit->second == task.object) {
        task.log(
            fmt::format("container {0} says that it is of {1}, but is not called as that unit "
                        "calls its own: it is left; 'podman rm {0}' removes it",
                        container.name, task.object));
    }
}

}  // namespace

// Only once its unit is down is a container nobody's: until then it is systemd's alone.
HandlerResult remove_leftover(Task& task) {
    ASSIGN_OR_RETURN(const systemd::UnitState state, unit_state(task, task.object));
    if (!state.is_down()) {
        return fail(Code::Conflict, fmt::format("cannot remove the container of {}: the unit is {}",
                                                task.object, state.active_state));
    }
    ASSIGN_OR_RETURN(const auto containers, task.world.podman.list_containers(task.call()));
    const std::string name = task.text("container");
    for (const podman::ContainerSummary& container : containers) {
        if (!is_leftover(container, name, task.object)) {
            log_others(task, container);
        } else {
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
