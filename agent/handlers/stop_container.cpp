#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/pre_stop.h"
#include "agent/handlers/service_container.h"
#include "agent/handlers/start_stop.h"

namespace podreeve::handlers {

namespace {

Result<std::optional<podman::ContainerDetails>> own(const Task& task, const std::string& who) {
    return task.text("role") == "service" ? own_service(task, who) : own_container(task, who);
}

}  // namespace

// Absent is stopped.
HandlerResult stop_container(Task& task) {
    ASSIGN_OR_RETURN(const auto container, own(task, task.target()));
    if (!container) {
        return done();
    }
    RETURN_IF_ERROR(task.save_once("ran", is_running(*container) ? "yes" : "no"));
    unsigned grace = grace_of(task);
    if (is_running(*container)) {
        ASSIGN_OR_RETURN(auto outcome, pre_stop(task, {container->summary.name}, grace));
        if (!std::holds_alternative<state::TaskDone>(outcome)) {
            return outcome;
        }
    }
    RETURN_IF_ERROR(stop(task, *container, grace));
    return done();
}

// Another of that name may stand there by now, when the undoing of later steps has made it again.
HandlerResult undo_stop_container(Task& task) {
    if (task.saved("ran") != "yes") {
        return done();
    }
    for (const std::string& who : {task.target(), task.object}) {
        ASSIGN_OR_RETURN(const auto container, own(task, who));
        if (container && is_being_stopped(*container)) {
            return retry(kStopPause, "podman has not stopped it yet");
        }
        if (container) {
            RETURN_IF_ERROR(start(task, *container));
            return done();
        }
    }
    return done();
}

}  // namespace podreeve::handlers
