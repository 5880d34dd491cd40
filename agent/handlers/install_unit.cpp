#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_files.h"
#include "agent/plan/companion_views.h"

namespace podreeve::handlers {

HandlerResult install_unit(Task& task) {
    ASSIGN_OR_RETURN(const auto app, task.app_spec());
    const manifests::CompanionSpec* companion = app->find_companion(task.part);
    if (companion == nullptr) {
        return fail(
            Code::NotFound,
            fmt::format("cannot install {}: the manifest has no such companion", task.object));
    }
    const auto generation =
        static_cast<std::uint64_t>(task.number("generation").value_or(task.generation));
    ASSIGN_OR_RETURN(const UnitTexts wanted,
                     plan::unit_texts(*companion, task.app, generation, task.world.owner,
                                      task.text("own_drop_in")));
    ASSIGN_OR_RETURN(const UnitTexts former, read_unit(task));
    RETURN_IF_ERROR(note_former(task, former));
    std::optional<WallTime> since;
    if (const auto time = task.number("since")) {
        since = WallTime(Duration(*time));
    }
    RETURN_IF_ERROR(write_unit(task, wanted, since));
    return done();
}

HandlerResult undo_install_unit(Task& task) {
    return put_former_back(task);
}

}  // namespace podreeve::handlers
