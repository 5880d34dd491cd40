#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/service_container.h"
#include "agent/handlers/start_stop.h"

namespace podreeve::handlers {

namespace {

Result<std::optional<podman::ContainerDetails>> own(const Task& task) {
    return task.text("role") == "service" ? own_service(task, task.target())
                                          : own_container(task, task.target());
}

}  // namespace

HandlerResult start_container(Task& task) {
    ASSIGN_OR_RETURN(const auto container, own(task));
    if (!container) {
        return fail(
            Code::NotFound,
            fmt::format("cannot start container {}: it is not there any more", task.object));
    }
    RETURN_IF_ERROR(task.save_once("ran", is_running(*container) ? "yes" : "no"));
    RETURN_IF_ERROR(start(task, *container));
    return done();
}

HandlerResult undo_start_container(Task& task) {
    if (task.saved("ran") == "yes") {
        return done();
    }
    ASSIGN_OR_RETURN(const auto container, own(task));
    if (container) {
        RETURN_IF_ERROR(stop(task, *container, grace_of(task)));
    }
    return done();
}

}  // namespace podreeve::handlers
