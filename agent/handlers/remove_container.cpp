#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/start_stop.h"

namespace podreeve::handlers {

namespace {

// The first answer to the removal of a container whose process and monitor were both killed is an
// error, on podman 5.4; the second time it goes. Told by looking again, as is a removal that podman
// says went well and did not.
Status remove_for_good(Task& task, const std::string& id, unsigned grace) {
    const podman::RemoveOptions options{
        .force = task.flag("force", true), .volumes = true, .timeout_seconds = grace};
    const auto call = task.call(std::chrono::seconds(grace) + std::chrono::seconds(15));
    Status removed;
    for (int tries = 0; tries < 2; ++tries) {
        removed = task.world.podman.remove_container(id, options, call);
        if (!removed && removed.error().code != Code::Internal) {
            return removed;
        }
        ASSIGN_OR_RETURN(const auto left, find_container(task, id));
        if (!left) {
            return {};
        }
    }
    return removed ? fail(Code::Internal,
                          fmt::format("cannot remove container {0}: podman said it did, but it is "
                                      "still there; try `podman rm --force {0}`",
                                      task.object))
                   : removed;
}

}  // namespace

// Absent is what is wanted.
HandlerResult remove_container(Task& task) {
    ASSIGN_OR_RETURN(const auto container, own_container(task, task.target()));
    if (container) {
        RETURN_IF_ERROR(remove_for_good(task, container->summary.id, grace_of(task)));
    }
    return done();
}

}  // namespace podreeve::handlers
