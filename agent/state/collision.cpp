#include "agent/state/collision.h"

#include <algorithm>

namespace podreeve::state {
namespace {

bool goes_backwards(const TaskRecord& task) {
    switch (effective(task)) {
        case TaskStatus::Abort:
        case TaskStatus::Undo:
        case TaskStatus::Undoing:
        case TaskStatus::Undone:
        case TaskStatus::Error:
            return true;
        default:
            return false;
    }
}

bool hangs(const TaskRecord& task) {
    return task.status == TaskStatus::Wait ||
           (task.status == TaskStatus::Doing &&
            (task.at != WallTime{} || !task.wait_reason.empty()));
}

}  // namespace

ChangeId under_way(const Memory& memory, const std::string& subject) {
    for (const ChangeId id : memory.unready) {
        if (!subject.empty() && memory.changes.at(id)->subject == subject) {
            return id;
        }
    }
    return 0;
}

ChangeId behind(const Memory& memory, const ChangeRecord& change) {
    ChangeId before = 0;
    for (const ChangeId id : memory.unready) {
        if (id < change.id && !change.subject.empty() && !change.is_ready() &&
            memory.changes.at(id)->subject == change.subject) {
            before = id;
        }
    }
    return before;
}

Ending cheaper_ending(const ChangeRecord& change, WallTime now) {
    std::size_t ahead = 0, behind = 0;
    bool hanging =
        change.superseded != WallTime{} && now - change.superseded >= kSupersededPatience;
    for (const auto& task : change.tasks) {
        if (goes_backwards(*task)) {
            return Ending::Complete;
        }
        hanging = hanging || hangs(*task);
        ahead += is_ready(task->status) ? 0 : 1;
        behind += task->status == TaskStatus::Do ? 0 : 1;
    }
    return hanging || ahead > behind ? Ending::Undo : Ending::Complete;
}

void supersede(ChangeDraft& change, const std::string& why, WallTime now) {
    const Ending ending = cheaper_ending(change.record(), now);
    if (change.record().superseded == WallTime{}) {
        change.edit_change().superseded = change.now();
    }
    if (ending == Ending::Complete) {
        return;
    }
    for (std::size_t i = 0; i < change.record().tasks.size(); ++i) {
        if (!is_ready(change.task(i).status)) {
            add_log_line(change.edit(i), change.now(), false, "aborted: " + why);
        }
    }
    abort_all(change);
}

}  // namespace podreeve::state
