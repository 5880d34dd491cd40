// The requests to the state by which changes come, go and turn back.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/state/collision.h"
#include "agent/state/core.h"
#include "agent/state/row_text.h"
#include "agent/state/state.h"
#include "runtime/base/json_text.h"

namespace podreeve::state {
namespace {

Status check_change(const NewChange& change) {
    if (change.tasks.empty()) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot add the change \"{}\": it has no tasks", change.summary));
    }
    bool objects = is_json_object(change.data);
    for (const NewTask& task : change.tasks) {
        objects = objects && is_json_object(task.data);
    }
    if (!objects) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot add the change \"{}\": the data of a change and of a task "
                                "has to be a JSON object",
                                change.summary));
    }
    return {};
}

Error is_busy(const Memory& memory, const std::string& what, ChangeId other) {
    return {Code::Conflict, fmt::format("cannot {}: change {} ({}) is under way", what, other,
                                        memory.changes.at(other)->summary)};
}

TaskRecord make_task(const NewTask& task, TaskId id, WallTime now) {
    TaskRecord record;
    record.id = id;
    record.kind = task.kind;
    record.summary = task.summary;
    record.lanes = {task.lane};
    record.lanes.insert(record.lanes.end(), task.also_lanes.begin(), task.also_lanes.end());
    record.data = task.data;
    record.created = now;
    return record;
}

Result<ChangeRecord> make_change(const NewChange& change, const Transaction& transaction) {
    ChangeRecord record;
    record.id = transaction.memory().last_change + 1;
    record.kind = change.kind;
    record.summary = change.summary;
    record.subject = change.subject;
    record.data = change.data;
    record.unwritten = change.unwritten;
    record.created = transaction.now();
    TaskId id = transaction.memory().last_task;
    std::vector<std::vector<std::size_t>> before;
    for (const NewTask& task : change.tasks) {
        before.push_back(task.after);
        record.tasks.push_back(
            std::make_shared<const TaskRecord>(make_task(task, ++id, transaction.now())));
    }
    ASSIGN_OR_RETURN(TaskGraph graph, TaskGraph::make(std::move(before)));
    record.graph = std::make_shared<const TaskGraph>(std::move(graph));
    return record;
}

// The others of the subject make way: the one under way as is sooner, those that only wait at once.
void supersede_others(State::Core& core,
                      Transaction& transaction,
                      const std::string& subject,
                      const std::string& why) {
    const ChangeId first = under_way(transaction.memory(), subject);
    for (const ChangeId id : transaction.memory().unready) {
        if (first == 0 || transaction.memory().changes.at(id)->subject != subject) {
            continue;
        }
        ChangeDraft& other = *transaction.change(id);
        if (id == first) {
            supersede(other, why, core.even_now(other.record()));
        } else {
            abort_all(other);
        }
    }
}

// The change that undoes another: the same tasks, those that are done about to be undone.
ChangeRecord backwards(const ChangeRecord& change, const Transaction& transaction) {
    ChangeRecord record = change;
    record.id = transaction.memory().last_change + 1;
    record.kind = kUndoKind;
    record.summary = fmt::format("Undo change {}: {}", change.id, change.summary);
    nlohmann::json data = json_object_from(change.data);
    data["undoes"] = change.id;
    data["undoes_kind"] = change.kind;
    data.erase(kUndoGivenUp);
    record.data = json_text(data);
    record.created = transaction.now();
    record.ready = record.superseded = {};
    record.unwritten = Unwritten::Refused;
    TaskId id = transaction.memory().last_task;
    for (auto& task : record.tasks) {
        TaskRecord copy = *task;
        copy.id = ++id;
        copy.created = transaction.now();
        copy.log.clear();
        copy.clean = false;
        copy.doing = copy.undoing = {};
        if (copy.status == TaskStatus::Done) {
            copy.status = TaskStatus::Undo;
            copy.ready = {};
        } else {
            copy.status = TaskStatus::Hold;
        }
        task = std::make_shared<const TaskRecord>(std::move(copy));
    }
    return record;
}

// False when it was noted before.
bool note(ChangeDraft& change, const char* what) {
    nlohmann::json data = nlohmann::json::parse(change.record().data, nullptr, false);
    if (!data.is_object() || data.contains(what)) {
        return false;
    }
    data[what] = true;
    change.edit_change().data = json_text(data);
    return true;
}

bool is_being_undone(const ChangeRecord& change) {
    return std::ranges::any_of(change.tasks, [](const auto& task) {
        return task->status == TaskStatus::Undo || task->status == TaskStatus::Undoing;
    });
}

ChangeId undoes(const ChangeRecord& change) {
    return change.kind == kUndoKind ? number_in(json_object_from(change.data), "undoes") : 0;
}

// Empty: it can be undone.
std::string no_undo(const ChangeRecord& change) {
    return text_in(json_object_from(change.data), kNoUndo);
}

bool anything_done(const ChangeRecord& change) {
    return std::ranges::any_of(change.tasks,
                               [](const auto& task) { return task->status == TaskStatus::Done; });
}

// What was built upon a change has to go first.
Status check_undoable(const Memory& memory, const ChangeRecord& change) {
    const std::string what = fmt::format("undo change {}", change.id);
    if (!change.is_ready()) {
        return fail(Code::Conflict,
                    fmt::format("cannot {0}: it has not ended; `podreeve abort {1}` "
                                "stops it and undoes what it did",
                                what, change.id));
    }
    if (change.kind == kUndoKind) {
        return fail(Code::Conflict, fmt::format("cannot {}: it undid another; what the manifests "
                                                "say is made again by the next pass",
                                                what));
    }
    if (const std::string why = no_undo(change); !why.empty()) {
        return fail(Code::Conflict, fmt::format("cannot {}: {}", what, why));
    }
    if (const ChangeId other = under_way(memory, change.subject); other != 0) {
        return is_busy(memory, what, other);
    }
    std::set<ChangeId> undone;
    for (auto it = memory.changes.rbegin(); it->first != change.id; ++it) {
        const ChangeRecord& newer = *it->second;
        if (newer.subject != change.subject || undone.contains(newer.id) ||
            !no_undo(newer).empty()) {
            continue;
        }
        const TaskStatus ended = derived_status(newer);
        if (const ChangeId other = undoes(newer); other != 0) {
            // One that failed may be tried again.
            undone.insert(ended == TaskStatus::Error ? 0 : other);
        } else if (ended == TaskStatus::Done && !change.subject.empty()) {
            return fail(Code::Conflict, fmt::format("cannot {}: change {} ({}) came after it; undo "
                                                    "that one first",
                                                    what, newer.id, newer.summary));
        }
    }
    if (undone.contains(change.id)) {
        return fail(Code::Conflict, fmt::format("cannot {}: that was done already", what));
    }
    return anything_done(change)
               ? Status()
               : fail(Code::Conflict, fmt::format("cannot {}: nothing of it is done", what));
}

}  // namespace

bool is_undo_given_up(const ChangeRecord& change) {
    return change.data.find(kUndoGivenUp) != std::string::npos &&
           flag_in(json_object_from(change.data), kUndoGivenUp);
}

Result<ChangeId> State::add_change(const NewChange& change, Collision collision) {
    RETURN_IF_ERROR(check_change(change));
    ChangeId id = 0;
    {
        Transaction transaction(*core_);
        const ChangeId other = under_way(transaction.memory(), change.subject);
        if (other != 0 && collision == Collision::Refuse) {
            return is_busy(transaction.memory(), "change " + change.subject, other);
        }
        ASSIGN_OR_RETURN(ChangeRecord record, make_change(change, transaction));
        id = record.id;
        if (collision == Collision::Supersede) {
            record.unwritten = Unwritten::Refused;  // the others would stay as they are
            supersede_others(*core_, transaction, change.subject,
                             fmt::format("change {} ({}) supersedes it", id, change.summary));
        }
        transaction.add(std::move(record));
        RETURN_IF_ERROR(transaction.commit(true));
    }
    core_->announce_work();
    return id;
}

Status State::abort_change(ChangeId id, AbortedBy by) {
    {
        Transaction transaction(*core_);
        ChangeDraft* const change = transaction.change(id);
        if (change == nullptr) {
            return fail(Code::NotFound,
                        fmt::format("cannot abort change {}: there is none of that id", id));
        }
        if (change->record().is_ready()) {
            return fail(Code::Conflict,
                        fmt::format("cannot abort change {}: it has ended already ({})", id,
                                    to_string(derived_status(change->record()))));
        }
        const bool undo = change->record().kind == kUndoKind;
        if (!undo) {
            abort_all(*change);
        }
        // Asked again, while what is done is being undone: that is given up, too.
        const bool first = !undo && by == AbortedBy::Person && note(*change, kAbortedByPerson);
        if (by == AbortedBy::Person && !first && is_being_undone(change->record())) {
            note(*change, kUndoGivenUp);
        }
        RETURN_IF_ERROR(transaction.commit(true));
    }
    core_->announce_work();
    return {};
}

Status State::supersede_change(ChangeId id, const std::string& why) {
    {
        Transaction transaction(*core_);
        ChangeDraft* const change = transaction.change(id);
        if (change == nullptr || change->record().is_ready()) {
            return {};  // it is out of the way
        }
        supersede(*change, why, core_->even_now(change->record()));
        RETURN_IF_ERROR(transaction.commit(true));
    }
    core_->announce_work();
    return {};
}

Result<ChangeId> State::undo_change(ChangeId id) {
    ChangeId undo = 0;
    {
        Transaction transaction(*core_);
        const auto found = transaction.memory().changes.find(id);
        if (found == transaction.memory().changes.end()) {
            return fail(Code::NotFound,
                        fmt::format("cannot undo change {}: there is none of that id", id));
        }
        RETURN_IF_ERROR(check_undoable(transaction.memory(), *found->second));
        ChangeRecord record = backwards(*found->second, transaction);
        undo = record.id;
        transaction.add(std::move(record));
        RETURN_IF_ERROR(transaction.commit(true));
    }
    core_->announce_work();
    return undo;
}

std::vector<ChangeView> State::undoable() const {
    std::vector<ChangePtr> newest;
    {
        const std::lock_guard lock(core_->data);
        const auto& changes = core_->memory.changes;
        for (auto at = changes.rbegin(); at != changes.rend(); ++at) {
            newest.push_back(at->second);
        }
    }
    std::set<ChangeId> undone;
    std::vector<ChangeView> out;
    for (const ChangePtr& change : newest) {
        const ChangeId other = change->is_ready() ? undoes(*change) : 0;
        if (other != 0) {
            undone.insert(derived_status(*change) == TaskStatus::Error ? 0 : other);
        } else if (!change->is_ready() || (!undone.contains(change->id) && anything_done(*change) &&
                                           no_undo(*change).empty())) {
            out.push_back(view_of(*change));
        }
    }
    return out;
}

Status State::resume_task(TaskId id) {
    {
        Transaction transaction(*core_);
        ChangeDraft* change = nullptr;
        std::size_t position = 0;
        for (const ChangeId unready : transaction.memory().unready) {
            const ChangeRecord& record = *transaction.memory().changes.at(unready);
            if (position = record.position(id); position != record.tasks.size()) {
                change = transaction.change(unready);
                break;
            }
        }
        if (change == nullptr || !change->apply(position, Trigger::Resume, true)) {
            return fail(Code::NotFound,
                        fmt::format("cannot resume task {}: it is not waiting", id));
        }
        RETURN_IF_ERROR(transaction.commit(true));
    }
    core_->announce_work();
    return {};
}

}  // namespace podreeve::state
