#include <fmt/format.h>

#include "agent/handlers/kinds.h"

namespace podreeve::handlers {

Ended mark_deployed(Task& task) {
    const std::string spec = task.text("spec", task.spec);
    auto record = task.world.state.app(task.app);
    if (!record) {
        record.emplace();
        record->name = task.app;
        record->generation = task.number("generation").value_or(task.generation);
        record->spec = spec;
    }
    RETURN_IF_ERROR(task.save_once("before", record->deployed_spec));
    record->deployed_spec = spec;
    RETURN_IF_ERROR(task.world.state.put_app(*record));
    return done();
}

Ended undo_mark_deployed(Task& task) {
    auto record = task.world.state.app(task.app);
    if (record && task.has_saved("before")) {
        record->deployed_spec = task.saved("before");
        RETURN_IF_ERROR(task.world.state.put_app(*record));
    }
    return done();
}

}  // namespace podreeve::handlers
