#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "agent/state/records.h"
#include "agent/state/transitions.h"

namespace podreeve::state {

// A change being worked on: a copy that shares every task that was not touched. Dropping it leaves
// everything as it was. One thread.
class ChangeDraft {
  public:
    // Of a change that is in the memory; now is written into what happens.
    ChangeDraft(ChangePtr base, WallTime now);
    // Of a new one.
    ChangeDraft(ChangeRecord fresh, WallTime now);

    const ChangeRecord& record() const { return *record_; }

    bool is_new() const { return base_ == nullptr; }

    WallTime now() const { return now_; }

    const TaskRecord& task(std::size_t position) const { return *record_->tasks[position]; }

    // A copy of the task that may be changed, made at the first call.
    TaskRecord& edit(std::size_t position);

    // Moves the task as the table of transitions says; true when its status changed.
    bool apply(std::size_t position, Trigger trigger, bool has_undo);
    // The handler wants to wait; until when, and as what it goes on then. False where it cannot: in
    // that case nothing has changed.
    bool wait(std::size_t position, TaskStatus then, const std::string& why, bool has_undo);

    // Changes the change's own fields.
    ChangeRecord& edit_change() {
        change_edited_ = true;
        return *record_;
    }

    bool change_edited() const { return change_edited_; }

    // The tasks that differ from what they were, all of a new change: those to be written.
    std::vector<const TaskRecord*> touched() const;
    // Notes the moment the change became ready; Internal when a ready one would become unready.
    Status finish();

    ChangePtr result() const { return record_; }

  private:
    void set_status(TaskRecord& task, TaskStatus status);

    ChangePtr base_;
    std::shared_ptr<ChangeRecord> record_;
    std::map<std::size_t, std::shared_ptr<TaskRecord>> owned_;
    WallTime now_;
    bool change_edited_ = false;
};

// Aborts every task.
void abort_all(ChangeDraft& change);

// Aborts the tasks of these lanes and whatever waits for them, and then, transitively, the lanes of
// those. A task that is also in a lane which is wholly alive (Do, Doing, Done) is spared.
void abort_lanes(ChangeDraft& change, const std::vector<int>& lanes);

// Aborts the lanes that are not ready; those that have ended stay as they are.
void abort_unready_lanes(ChangeDraft& change);

}  // namespace podreeve::state
