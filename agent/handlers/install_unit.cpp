#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_files.h"
#include "agent/observe/companions.h"
#include "quadlet/stamp.h"

namespace podreeve::handlers {

namespace {

Result<UnitTexts> texts_to_install(const Task& task, const manifests::CompanionSpec& companion) {
    const std::string& app = task.app;
    const auto generation =
        static_cast<std::uint64_t>(task.number("generation").value_or(task.generation));
    UnitTexts out;
    ASSIGN_OR_RETURN(out[task.object], quadlet::stamped(companion.text, app, generation));
    const std::string folder = task.object + ".d/";
    for (const manifests::UnitDropIn& drop_in : companion.drop_ins) {
        ASSIGN_OR_RETURN(out[folder + drop_in.name],
                         quadlet::stamped(drop_in.text, app, generation));
    }
    if (const std::string own = task.text("own_drop_in"); !own.empty()) {
        ASSIGN_OR_RETURN(out[folder + observe::kOwnDropIn], quadlet::stamped(own, app, generation));
    }
    return out;
}

}  // namespace

Ended install_unit(Task& task) {
    ASSIGN_OR_RETURN(const auto app, task.app_spec());
    const manifests::CompanionSpec* companion = app->find_companion(task.part);
    if (companion == nullptr) {
        return fail(
            Code::NotFound,
            fmt::format("cannot install {}: the manifest has no such companion", task.object));
    }
    ASSIGN_OR_RETURN(const UnitTexts wanted, texts_to_install(task, *companion));
    ASSIGN_OR_RETURN(const UnitTexts former, read_unit(task));
    RETURN_IF_ERROR(note_former(task, former));
    std::optional<WallTime> since;
    if (const auto time = task.number("since")) {
        since = WallTime(Duration(*time));
    }
    RETURN_IF_ERROR(write_unit(task, wanted, since));
    return done();
}

Ended undo_install_unit(Task& task) {
    return put_former_back(task);
}

}  // namespace podreeve::handlers
