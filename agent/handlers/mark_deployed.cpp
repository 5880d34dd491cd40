#include <fmt/format.h>

#include "agent/handlers/kinds.h"

namespace podreeve::handlers {

HandlerResult mark_deployed(Task& task) {
    const std::string spec = task.text("spec", task.spec);
    const auto known = task.world.state.app(task.app);
    RETURN_IF_ERROR(task.save_once("before", known ? known->deployed_spec : ""));
    RETURN_IF_ERROR(task.world.state.edit_app(task.app, [&](state::AppRecord& record) {
        if (!known) {
            record.generation = task.number("generation").value_or(task.generation);
            record.spec = spec;
        }
        record.deployed_spec = spec;
    }));
    return done();
}

HandlerResult undo_mark_deployed(Task& task) {
    if (task.world.state.app(task.app) && task.has_saved("before")) {
        RETURN_IF_ERROR(task.world.state.edit_app(task.app, [&](state::AppRecord& record) {
            record.deployed_spec = task.saved("before");
        }));
    }
    return done();
}

}  // namespace podreeve::handlers
