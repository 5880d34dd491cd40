#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "agent/state/row_text.h"
#include "agent/state/store.h"

// Reading the whole store at start. What is read is checked: a row that no podreeve can have
// written makes the store Corrupt as a damaged page does.
namespace podreeve::state {
namespace {

Result<TaskStatus> status_from(std::int64_t number) {
    if (number < 0 || number > static_cast<std::int64_t>(TaskStatus::Wait)) {
        return fail(Code::Corrupt, fmt::format("a task has the unknown status {}", number));
    }
    const auto status = static_cast<TaskStatus>(number);
    return status == TaskStatus::Default ? TaskStatus::Do : status;
}

Result<TaskRecord> task_from(const sqlite::Statement& row) {
    TaskRecord task;
    task.id = row.integer(0);
    task.kind = row.text(1);
    task.summary = row.text(2);
    ASSIGN_OR_RETURN(task.status, status_from(row.integer(3)));
    if (task.status == TaskStatus::Wait) {
        ASSIGN_OR_RETURN(task.waited, status_from(row.integer(4)));
    }
    ASSIGN_OR_RETURN(const std::vector<std::int64_t> lanes, numbers_from_text(row.text(5)));
    if (lanes.empty()) {
        return fail(Code::Corrupt, fmt::format("task {} is in no lane", task.id));
    }
    for (const std::int64_t lane : lanes) {
        task.lanes.push_back(static_cast<int>(lane));
    }
    task.progress = {row.text(7), row.integer(8), row.integer(9)};
    ASSIGN_OR_RETURN(task.log, log_from_text(row.text(10)));
    task.data = row.text(11);
    if (!is_json_object(task.data)) {
        return fail(Code::Corrupt, fmt::format("the data of task {} is not an object", task.id));
    }
    task.wait_reason = row.text(12);
    task.at = time_from_number(row.integer(13));
    task.created = time_from_number(row.integer(14));
    task.ready = time_from_number(row.integer(15));
    task.clean = row.integer(16) != 0;
    task.doing = Duration(row.integer(17));
    task.undoing = Duration(row.integer(18));
    return task;
}

// Ids of predecessors as positions in the change that begins with id first.
Result<std::vector<std::size_t>> positions_from(const std::string& text, TaskId first) {
    ASSIGN_OR_RETURN(const std::vector<std::int64_t> ids, numbers_from_text(text));
    std::vector<std::size_t> positions;
    for (const TaskId id : ids) {
        // One below the first becomes huge, which the graph refuses.
        positions.push_back(static_cast<std::size_t>(id - first));
    }
    return positions;
}

Error corrupt(const Error& error) {
    return {Code::Corrupt, error.message};
}

}  // namespace

Result<Memory> Store::load() {
    Memory memory;
    RETURN_IF_ERROR(load_changes(memory));
    RETURN_IF_ERROR(load_apps(memory));
    RETURN_IF_ERROR(load_events(memory));
    const auto last = [this](const char* table) {
        return db_.integer(fmt::format("SELECT seq FROM sqlite_sequence WHERE name = '{}'", table));
    };
    ASSIGN_OR_RETURN(memory.last_change, last("changes"));
    ASSIGN_OR_RETURN(memory.last_task, last("tasks"));
    ASSIGN_OR_RETURN(memory.last_event, last("events"));
    return memory;
}

Status Store::load_changes(Memory& memory) {
    ASSIGN_OR_RETURN(
        sqlite::Statement row,
        db_.prepare("SELECT id, kind, summary, subject, data, created, ready, superseded "
                    "FROM changes WHERE ready = 0 UNION ALL SELECT * FROM (SELECT id, kind, "
                    "summary, subject, data, created, ready, superseded "
                    "FROM changes WHERE ready > 0 ORDER BY ready DESC, id DESC LIMIT ?)"));
    row.bind(static_cast<std::int64_t>(kReadyChangesKept));
    while (true) {
        ASSIGN_OR_RETURN(const bool more, row.step());
        if (!more) {
            return {};
        }
        auto change = std::make_shared<ChangeRecord>();
        change->id = row.integer(0);
        change->kind = row.text(1);
        change->summary = row.text(2);
        change->subject = row.text(3);
        change->data = row.text(4);
        change->created = time_from_number(row.integer(5));
        change->ready = time_from_number(row.integer(6));
        change->superseded = time_from_number(row.integer(7));
        if (!is_json_object(change->data)) {
            return fail(Code::Corrupt,
                        fmt::format("the data of change {} is not an object", change->id));
        }
        RETURN_IF_ERROR(load_tasks(*change));
        if (!change->is_ready()) {
            memory.unready.insert(change->id);
        }
        memory.changes.emplace(change->id, std::move(change));
    }
}

Status Store::load_tasks(ChangeRecord& change) {
    std::vector<std::vector<std::size_t>> before;
    select_tasks_.bind(change.id);
    while (true) {
        ASSIGN_OR_RETURN(const bool more, select_tasks_.step());
        if (!more) {
            break;
        }
        ASSIGN_OR_RETURN(TaskRecord task, task_from(select_tasks_));
        const TaskId first = change.tasks.empty() ? task.id : change.tasks.front()->id;
        if (task.id != first + static_cast<TaskId>(change.tasks.size())) {
            return fail(Code::Corrupt, fmt::format("change {} has lost a task", change.id));
        }
        ASSIGN_OR_RETURN(before.emplace_back(), positions_from(select_tasks_.text(6), first));
        change.tasks.push_back(std::make_shared<const TaskRecord>(std::move(task)));
    }
    if (change.tasks.empty()) {
        return fail(Code::Corrupt, fmt::format("change {} has lost its tasks", change.id));
    }
    auto graph = TaskGraph::make(std::move(before));
    if (!graph) {
        return corrupt(graph.error());
    }
    change.graph = std::make_shared<const TaskGraph>(std::move(*graph));
    return {};
}

Status Store::load_apps(Memory& memory) {
    ASSIGN_OR_RETURN(
        sqlite::Statement row,
        db_.prepare("SELECT name, generation, spec, deployed_spec, stopped, extra FROM apps"));
    while (true) {
        ASSIGN_OR_RETURN(const bool more, row.step());
        if (!more) {
            return {};
        }
        AppRecord app{row.text(0), row.integer(1),      row.text(2),
                      row.text(3), row.integer(4) != 0, row.text(5)};
        memory.apps.emplace(app.name, app);
    }
}

Status Store::load_events(Memory& memory) {
    ASSIGN_OR_RETURN(sqlite::Statement row,
                     db_.prepare("SELECT seq, time, app, state, message FROM events ORDER BY seq"));
    while (true) {
        ASSIGN_OR_RETURN(const bool more, row.step());
        if (!more) {
            return {};
        }
        memory.events.push_back({row.integer(0), time_from_number(row.integer(1)), row.text(2),
                                 row.text(3), row.text(4)});
    }
}

}  // namespace podreeve::state
