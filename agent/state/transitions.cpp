#include "agent/state/transitions.h"

namespace podreeve::state {

std::optional<TaskStatus> next_status(TaskStatus from, Trigger trigger, bool has_undo) {
    const Undo wrong = has_undo ? Undo::Missing : Undo::Present;
    for (const Transition& row : kTransitions) {
        if (row.from == from && row.trigger == trigger && row.undo != wrong) {
            return row.to;
        }
    }
    return std::nullopt;
}

TaskStatus waited_after(TaskStatus from) {
    return from == TaskStatus::Undoing ? TaskStatus::Undone : TaskStatus::Done;
}

}  // namespace podreeve::state
