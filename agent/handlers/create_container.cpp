#include <fmt/format.h>

#include "agent/handlers/create.h"
#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"

namespace podreeve::handlers {

HandlerResult create_container(Task& task) {
    ASSIGN_OR_RETURN(const auto app, task.app_spec());
    const manifests::ContainerSpec* spec = app->find_container(task.part);
    if (spec == nullptr) {
        return fail(Code::NotFound,
                    fmt::format("cannot create container {}: the manifest has none", task.object));
    }
    RETURN_IF_ERROR(make_container(task, *app, *spec, task.text("pod"), task.texts("labels")));
    return done();
}

HandlerResult undo_create_container(Task& task) {
    ASSIGN_OR_RETURN(const auto container, own_container(task, task.object));
    if (container && is_same(task, container->summary.labels)) {
        RETURN_IF_ERROR(
            task.world.podman.remove_container(container->summary.id, by_force(), task.call()));
    }
    return done();
}

}  // namespace podreeve::handlers
