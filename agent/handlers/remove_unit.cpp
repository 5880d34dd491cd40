#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_files.h"

namespace podreeve::handlers {

HandlerResult remove_unit(Task& task) {
    ASSIGN_OR_RETURN(const UnitTexts former, read_unit(task));
    RETURN_IF_ERROR(note_former(task, former));
    RETURN_IF_ERROR(write_unit(task, {}, std::nullopt));
    return done();
}

HandlerResult undo_remove_unit(Task& task) {
    return put_former_back(task);
}

}  // namespace podreeve::handlers
