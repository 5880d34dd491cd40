#include "agent/state/records.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/state/transitions.h"

namespace podreeve::state {
namespace {

constexpr std::size_t kLogLines = 10;
constexpr std::size_t kLogLineBytes = 4096;

Status check_positions(const std::vector<std::vector<std::size_t>>& before) {
    for (std::size_t i = 0; i < before.size(); ++i) {
        for (const std::size_t other : before[i]) {
            if (other >= before.size()) {
                return fail(Code::InvalidArgument,
                            fmt::format("cannot order the tasks: task {} waits for task {} of {}",
                                        i, other, before.size()));
            }
        }
    }
    return {};
}

// Kahn: takes away what waits for nothing until nothing is left, or only cycles and what waits for
// them.
Status check_cycles(const TaskGraph& graph) {
    std::vector<std::size_t> open(graph.before.size());
    std::vector<std::size_t> free;
    for (std::size_t i = 0; i < open.size(); ++i) {
        open[i] = graph.before[i].size();
        if (open[i] == 0) {
            free.push_back(i);
        }
    }
    for (std::size_t next = 0; next < free.size(); ++next) {
        for (const std::size_t after : graph.after[free[next]]) {
            if (--open[after] == 0) {
                free.push_back(after);
            }
        }
    }
    if (free.size() == open.size()) {
        return {};
    }
    std::vector<std::size_t> stuck;
    for (std::size_t i = 0; i < open.size(); ++i) {
        if (open[i] != 0) {
            stuck.push_back(i);
        }
    }
    return fail(Code::InvalidArgument,
                fmt::format("cannot order the tasks: tasks {} wait for each other in a cycle",
                            fmt::join(stuck, ", ")));
}

bool runnable_or_running(const ChangeRecord& change, std::size_t position) {
    switch (change.tasks[position]->status) {
        case TaskStatus::Doing:
        case TaskStatus::Undoing:
        case TaskStatus::Abort:
            return true;
        case TaskStatus::Do:
        case TaskStatus::Undo:
            return unblocked(change, position);
        default:
            return false;
    }
}

bool only_waits(const ChangeRecord& change) {
    for (std::size_t i = 0; i < change.tasks.size(); ++i) {
        if (runnable_or_running(change, i)) {
            return false;
        }
    }
    return true;
}

}  // namespace

Result<TaskGraph> TaskGraph::make(std::vector<std::vector<std::size_t>> before) {
    RETURN_IF_ERROR(check_positions(before));
    TaskGraph graph;
    graph.before = std::move(before);
    graph.after.resize(graph.before.size());
    for (std::size_t i = 0; i < graph.before.size(); ++i) {
        for (const std::size_t other : graph.before[i]) {
            graph.after[other].push_back(i);
        }
    }
    RETURN_IF_ERROR(check_cycles(graph));
    return graph;
}

std::size_t ChangeRecord::position(TaskId task) const {
    if (tasks.empty() || task < tasks.front()->id || task > tasks.back()->id) {
        return tasks.size();
    }
    return static_cast<std::size_t>(task - tasks.front()->id);
}

bool all_ready(const ChangeRecord& change) {
    return std::ranges::all_of(change.tasks,
                               [](const auto& task) { return is_ready(task->status); });
}

TaskStatus effective(const TaskRecord& task) {
    return task.status == TaskStatus::Wait ? task.waited : task.status;
}

bool unblocked(const ChangeRecord& change, std::size_t position) {
    const auto done = [&](std::size_t i) { return change.tasks[i]->status == TaskStatus::Done; };
    const auto ready = [&](std::size_t i) { return is_ready(change.tasks[i]->status); };
    switch (change.tasks[position]->status) {
        case TaskStatus::Do:
            return std::ranges::all_of(change.graph->before[position], done);
        case TaskStatus::Undo:
            return std::ranges::all_of(change.graph->after[position], ready);
        case TaskStatus::Doing:
        case TaskStatus::Undoing:
            return true;
        default:
            return false;
    }
}

TaskStatus derived_status(const ChangeRecord& change) {
    std::array<bool, 11> seen{};
    for (const auto& task : change.tasks) {
        seen.at(static_cast<std::size_t>(task->status)) = true;
    }
    if (seen.at(static_cast<std::size_t>(TaskStatus::Wait)) && only_waits(change)) {
        return TaskStatus::Wait;
    }
    for (const TaskStatus status : kStatusPriority) {
        if (seen.at(static_cast<std::size_t>(status))) {
            return status;
        }
    }
    return TaskStatus::Hold;
}

std::string error_text(const ChangeRecord& change) {
    if (derived_status(change) != TaskStatus::Error) {
        return {};
    }
    std::string text = "cannot perform the following tasks:";
    for (const auto& task : change.tasks) {
        if (task->status != TaskStatus::Error) {
            continue;
        }
        bool reported = false;
        for (const LogLine& line : task->log) {
            if (line.is_error) {
                text += fmt::format("\n- {} ({})", task->summary, line.text);
                reported = true;
            }
        }
        if (!reported) {
            text +=
                fmt::format("\n- {} (internal inconsistency: it does not say why)", task->summary);
        }
    }
    return text;
}

void add_log_line(TaskRecord& task, WallTime time, bool is_error, std::string text) {
    if (text.size() > kLogLineBytes) {
        text.resize(kLogLineBytes);
    }
    if (task.log.size() >= kLogLines) {
        task.log.erase(task.log.begin());
    }
    task.log.push_back({time, is_error, std::move(text)});
}

TaskView view_of(const ChangeRecord& change, std::size_t position) {
    const TaskRecord& task = *change.tasks[position];
    TaskView view;
    view.id = task.id;
    view.change = change.id;
    view.kind = task.kind;
    view.summary = task.summary;
    view.status = task.status;
    view.lane = task.lanes.front();
    view.also_lanes.assign(task.lanes.begin() + 1, task.lanes.end());
    for (const std::size_t before : change.graph->before[position]) {
        view.after.push_back(change.tasks[before]->id);
    }
    view.progress = task.progress;
    view.log = task.log;
    view.data = task.data;
    view.wait_reason = task.wait_reason;
    if (task.at != WallTime{}) {
        view.at = task.at;
    }
    if (task.status == TaskStatus::Wait) {
        view.waited = task.waited;
    }
    view.created = task.created;
    view.ready = task.ready;
    view.doing = task.doing;
    view.undoing = task.undoing;
    view.clean = task.clean;
    return view;
}

ChangeView view_of(const ChangeRecord& change) {
    ChangeView view;
    view.id = change.id;
    view.kind = change.kind;
    view.summary = change.summary;
    view.subject = change.subject;
    view.status = derived_status(change);
    view.error = error_text(change);
    view.data = change.data;
    for (std::size_t i = 0; i < change.tasks.size(); ++i) {
        view.tasks.push_back(view_of(change, i));
    }
    view.created = change.created;
    view.ready = change.ready;
    view.is_ready = change.is_ready();
    return view;
}

}  // namespace podreeve::state
