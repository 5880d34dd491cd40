#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/start_stop.h"

namespace podreeve::handlers {

HandlerResult start_pod(Task& task) {
    ASSIGN_OR_RETURN(const auto pod, own_pod(task, task.target()));
    if (!pod) {
        return fail(Code::NotFound,
                    fmt::format("cannot start pod {}: it is not there any more", task.object));
    }
    RETURN_IF_ERROR(task.save_once("ran", is_up(pod->status) ? "yes" : "no"));
    const auto spec = task.world.specs.find(task.app, task.spec);
    PodStart what;
    what.pod = *pod;
    what.service = task.text("service");
    what.held = task.flag("held", false);
    what.wanted = task.list("containers");
    what.spec = spec.get();
    what.part = task.part;
    return start_up(task, what);
}

HandlerResult undo_start_pod(Task& task) {
    if (task.saved("ran") == "yes") {
        return done();
    }
    ASSIGN_OR_RETURN(const auto pod, own_pod(task, task.target()));
    if (pod && is_up(pod->status)) {
        RETURN_IF_ERROR(stop_pod_of(task, *pod, grace_of(task)));
        RETURN_IF_ERROR(stop_idle_service(task, *pod));
    }
    return done();
}

}  // namespace podreeve::handlers
