#include <fmt/format.h>

#include "agent/handlers/create.h"
#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/service_container.h"

namespace podreeve::handlers {

namespace {

constexpr int kTries = 5;

}  // namespace

HandlerResult create_pod(Task& task) {
    ASSIGN_OR_RETURN(const auto app, task.app_spec());
    const manifests::PodSpec* spec = app->find_pod(task.part);
    if (spec == nullptr) {
        return fail(Code::NotFound,
                    fmt::format("cannot create pod {}: the manifest has none", task.object));
    }
    const bool held = task.flag("held", false);
    RETURN_IF_ERROR(make_pod(task, *spec, task.text("service"), held, task.texts("labels")));
    if (!held) {
        return done();
    }
    // Now that a real pod is linked, the stub may go without the service container going with it.
    // The pod stands whatever becomes of the stub: one that stays is cleared away by a later pass.
    const Status cleared = remove_stub(task);
    if (!cleared) {
        ASSIGN_OR_RETURN(const int tries, task.count("stub_tries"));
        if (tries < kTries) {
            return retry(std::chrono::milliseconds(200), cleared.error().message);
        }
        task.log(cleared.error().message);
    }
    return done();
}

HandlerResult undo_create_pod(Task& task) {
    ASSIGN_OR_RETURN(const auto pod, own_pod(task, task.object));
    if (pod && is_same(task, pod->labels)) {
        RETURN_IF_ERROR(task.world.podman.remove_pod(pod->id, true, task.call()));
    }
    return done();
}

}  // namespace podreeve::handlers
