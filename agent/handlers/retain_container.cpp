#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/start_stop.h"

namespace podreeve::handlers {

namespace {

Status rename(Task& task, const podman::ContainerDetails& container, const std::string& name) {
    if (container.summary.name == name) {
        return {};
    }
    return task.world.podman.rename_container(container.summary.id, name, task.call());
}

}  // namespace

// Stopped and out of the way, but there to go back to. Absent: there is nothing to go back to.
HandlerResult retain_container(Task& task) {
    ASSIGN_OR_RETURN(const auto container, own_container(task, task.target()));
    if (!container) {
        task.log(fmt::format("{} is gone already: nothing to keep", task.object));
        return done();
    }
    RETURN_IF_ERROR(task.save_once("ran", is_running(*container) ? "yes" : "no"));
    RETURN_IF_ERROR(stop(task, *container, grace_of(task)));
    const Status renamed = rename(task, *container, task.text("retained"));
    // A task that fails is not undone: what it has done by then it has to take back itself.
    if (!renamed && renamed.error().code != Code::Cancelled && task.saved("ran") == "yes") {
        ASSIGN_OR_RETURN(const auto stopped, own_container(task, task.target()));
        if (stopped) {
            RETURN_IF_ERROR(start(task, *stopped));
        }
    }
    RETURN_IF_ERROR(renamed);
    return done();
}

HandlerResult undo_retain_container(Task& task) {
    ASSIGN_OR_RETURN(const auto container, own_container(task, task.target()));
    if (!container) {
        return done();
    }
    if (is_being_stopped(*container)) {
        return retry(kStopPause, "podman has not stopped it yet");
    }
    RETURN_IF_ERROR(rename(task, *container, task.object));
    if (task.saved("ran") == "yes") {
        RETURN_IF_ERROR(start(task, *container));
    }
    return done();
}

}  // namespace podreeve::handlers
