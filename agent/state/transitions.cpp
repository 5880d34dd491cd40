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

std::optional<TaskStatus> waited_after(TaskStatus from, TaskStatus asked) {
    const bool undoing = from == TaskStatus::Undoing;
    const TaskStatus ended = undoing ? TaskStatus::Undone : TaskStatus::Done;
    const TaskStatus again = undoing ? TaskStatus::Undo : TaskStatus::Do;
    if (asked == TaskStatus::Default || asked == ended) {
        return ended;
    }
    return asked == again ? std::optional(again) : std::nullopt;
}

}  // namespace podreeve::state
