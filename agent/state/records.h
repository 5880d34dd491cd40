#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/state/task.h"
#include "runtime/base/clock.h"
#include "runtime/base/result.h"

// What the memory holds. Records are immutable once they are in it and are shared with whoever
// reads them; a transaction works on copies of those it touches.
namespace podreeve::state {

struct TaskRecord {
    TaskId id = 0;
    std::string kind, summary;
    TaskStatus status = TaskStatus::Do;
    TaskStatus waited = TaskStatus::Default;  // what Wait will become
    std::vector<int> lanes;                   // at least one
    Progress progress;
    std::vector<LogLine> log;
    std::string data = "{}";
    std::string wait_reason;
    WallTime at{};  // not before; zero: at once
    WallTime created{}, ready{};
    Duration doing{}, undoing{};  // that its handlers have run
    bool clean = false;           // its cleanup handler is done
    friend bool operator==(const TaskRecord&, const TaskRecord&) = default;
};

// Who waits for whom within one change, by position; the same for the whole life of the change.
struct TaskGraph {
    std::vector<std::vector<std::size_t>> before;  // what a task waits for
    std::vector<std::vector<std::size_t>> after;   // what waits for it

    // InvalidArgument for a position out of range and for a cycle, with the positions on it.
    static Result<TaskGraph> make(std::vector<std::vector<std::size_t>> before);
};

struct ChangeRecord {
    ChangeId id = 0;
    std::string kind, summary, subject;
    std::string data = "{}";
    WallTime created{}, ready{};  // ready stays zero until every task is
    WallTime superseded{};        // when something newer first asked for its place; zero: not yet
    Unwritten unwritten = Unwritten::Refused;  // not stored: after a restart all is on the disk
    std::shared_ptr<const TaskGraph> graph;
    std::vector<std::shared_ptr<const TaskRecord>> tasks;  // ids in a row

    bool is_ready() const { return ready != WallTime{}; }

    // Position of the task; tasks.size() when it is of another change.
    std::size_t position(TaskId id) const;
};

using ChangePtr = std::shared_ptr<const ChangeRecord>;

// Every task is ready: so is the change, once that is written.
bool all_ready(const ChangeRecord& change);

// Wait counts as what it waits to become.
TaskStatus effective(const TaskRecord& task);

// Nothing it waits for is in the way: of a Do all predecessors are Done, of an Undo all successors
// ready. True for a Doing or Undoing one, which was let through before.
bool unblocked(const ChangeRecord& change, std::size_t position);

// The status of a change, from those of its tasks: Wait when something waits and nothing could run,
// else the first of kStatusPriority that a task has; Hold without tasks.
TaskStatus derived_status(const ChangeRecord& change);

// "cannot perform the following tasks:\n- summary (message)" for a change in Error, naming each
// task that is; else empty.
std::string error_text(const ChangeRecord& change);

// Adds a line and keeps the last ten.
void add_log_line(TaskRecord& task, WallTime time, bool is_error, std::string text);

TaskView view_of(const ChangeRecord& change, std::size_t position);
ChangeView view_of(const ChangeRecord& change);

}  // namespace podreeve::state
