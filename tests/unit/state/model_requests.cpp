// The model's side of what people ask for.
#include <algorithm>
#include <utility>

#include "tests/unit/state/model.h"

namespace podreeve::state::model {

// False when it could not be written.
bool Model::write(bool changed) {
    read_only_ = changed ? std::exchange(failing, false) : read_only_;
    return !changed || !read_only_;
}

void Model::note_ready(Change& change) {
    change.ready = change.ready || all_ready(change);
}

bool Model::add(Change change, bool queue, bool supersede_others) {
    bool taken = false;
    bool first = true;
    std::vector<Change*> others;
    for (auto& [id, other] : changes) {
        if (!other.ready && !change.subject.empty() && other.subject == change.subject) {
            taken = true;
            others.push_back(&other);
        }
    }
    if (taken && !queue && !supersede_others) {
        return false;
    }
    if (!write(true)) {
        return false;
    }
    for (Change* other : others) {
        if (!supersede_others) {
            break;
        }
        if (std::exchange(first, false)) {
            supersede(*other);
        } else {
            for (Task& task : other->tasks) {
                move(task, Trigger::Abort);
            }
        }
        note_ready(*other);
    }
    note_ready(change);
    changes[change.id] = std::move(change);
    post();
    return true;
}

bool Model::abort(ChangeId id) {
    Change& change = changes.at(id);
    if (change.ready) {
        return false;
    }
    const auto before = stored();
    const Change kept = change;
    if (!change.is_undo) {
        for (Task& task : change.tasks) {
            move(task, Trigger::Abort);
        }
    }
    const bool first = !change.is_undo && !std::exchange(change.aborted, true);
    if (!first && std::ranges::any_of(change.tasks, [](const Task& task) {
            return task.status == TaskStatus::Undo || task.status == TaskStatus::Undoing;
        })) {
        change.undo_given_up = true;
    }
    const bool noted = first || change.undo_given_up != kept.undo_given_up;
    if (!write(noted || stored() != before)) {
        change = kept;
        return false;
    }
    note_ready(change);
    post();
    return true;
}

void Model::supersede(Change& change) {
    bool backwards = false;
    bool hangs = change.superseded && now - *change.superseded >= 30'000;
    int ahead = 0, behind = 0;
    for (const Task& task : change.tasks) {
        const TaskStatus direction = effective(task);
        backwards = backwards || direction == TaskStatus::Abort || direction == TaskStatus::Undo ||
                    direction == TaskStatus::Undoing || direction == TaskStatus::Undone ||
                    direction == TaskStatus::Error;
        hangs = hangs || task.status == TaskStatus::Wait ||
                (task.status == TaskStatus::Doing && task.hung);
        ahead += is_ready(task.status) ? 0 : 1;
        behind += task.status == TaskStatus::Do ? 0 : 1;
    }
    change.superseded = change.superseded.value_or(now);
    if (!backwards && (hangs || ahead > behind)) {
        for (Task& task : change.tasks) {
            move(task, Trigger::Abort);
        }
    }
}

void Model::supersede(ChangeId id) {
    Change& change = changes.at(id);
    if (change.ready) {
        return;
    }
    const auto before = stored();
    const Change kept = change;
    supersede(change);
    if (!write(stored() != before || change.superseded != kept.superseded)) {
        change = kept;
        return;
    }
    note_ready(change);
    post();
}

bool Model::resume(TaskId id) {
    Change& change = change_of(id);
    if (change.ready || task(id).status != TaskStatus::Wait || !write(true)) {
        return false;
    }
    move(find(id), Trigger::Resume);
    note_ready(change);
    post();
    return true;
}

bool Model::undo(ChangeId id, ChangeId new_id, TaskId first_task) {
    const Change& change = changes.at(id);
    const bool done = std::ranges::any_of(
        change.tasks, [](const Task& task) { return task.status == TaskStatus::Done; });
    if (!change.ready || change.is_undo || !done) {
        return false;
    }
    const auto is_undone = [&](ChangeId which) {
        return std::ranges::any_of(changes, [&](const auto& row) {
            return row.second.is_undo && row.second.undoes == which &&
                   status(row.second) != TaskStatus::Error;
        });
    };
    for (const auto& [other_id, other] : changes) {
        const bool same = !change.subject.empty() && other.subject == change.subject;
        if (same && !other.ready) {
            return false;
        }
        if (same && other_id > id && !other.is_undo && status(other) == TaskStatus::Done &&
            !is_undone(other_id)) {
            return false;
        }
    }
    if (is_undone(id) || !write(true)) {
        return false;
    }
    Change undo = change;
    undo.id = new_id;
    undo.ready = false;
    undo.is_undo = true;
    undo.undo_given_up = false;
    undo.undoes = id;
    undo.superseded.reset();
    for (Task& task : undo.tasks) {
        const TaskStatus became =
            task.status == TaskStatus::Done ? TaskStatus::Undo : TaskStatus::Hold;
        Task copy;
        copy.id = first_task++;
        copy.kind = task.kind;
        copy.after = task.after;
        copy.lanes = task.lanes;
        copy.status = became;
        task = std::move(copy);
    }
    changes[new_id] = std::move(undo);
    post();
    return true;
}

}  // namespace podreeve::state::model
