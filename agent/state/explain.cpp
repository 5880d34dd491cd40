#include "agent/state/explain.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace podreeve::state {
namespace {

struct Name {
    Holdup holdup;
    std::string_view name;
};

constexpr Name kNames[] = {
    {Holdup::Running, "running"},     {Holdup::Starting, "starting"},
    {Holdup::Stopping, "stopping"},   {Holdup::Retrying, "retrying"},
    {Holdup::Waiting, "waiting"},     {Holdup::Predecessor, "predecessor"},
    {Holdup::Successor, "successor"}, {Holdup::Queued, "queued"},
    {Holdup::Blocked, "blocked"},     {Holdup::Full, "full"},
    {Holdup::ReadOnly, "read-only"},  {Holdup::Ending, "ending"},
    {Holdup::Stuck, "stuck"},
};

std::string named(const std::vector<TaskId>& tasks) {
    return fmt::format("task{} {}", tasks.size() == 1 ? "" : "s", fmt::join(tasks, ", "));
}

std::string with_reason(std::string text, const std::string& detail) {
    return detail.empty() ? text : fmt::format("{}: {}", text, detail);
}

// What it waits for inside its change: of a Do the predecessors that are not done, of an Undo the
// successors that have not ended.
std::vector<TaskId> in_the_way(const ChangeRecord& change, std::size_t position) {
    const bool forward = change.tasks[position]->status == TaskStatus::Do;
    std::vector<TaskId> ids;
    for (const std::size_t i :
         forward ? change.graph->before[position] : change.graph->after[position]) {
        const TaskRecord& other = *change.tasks[i];
        if (forward ? other.status != TaskStatus::Done : !is_ready(other.status)) {
            ids.push_back(other.id);
        }
    }
    return ids;
}

// A Do whose predecessor has ended, and not with Done, is never going to start.
bool is_hopeless(const ChangeRecord& change, std::size_t position) {
    if (change.tasks[position]->status != TaskStatus::Do) {
        return false;
    }
    return std::ranges::any_of(change.graph->before[position], [&](std::size_t i) {
        const TaskStatus status = change.tasks[i]->status;
        return is_ready(status) && status != TaskStatus::Done;
    });
}

class Explainer {
  public:
    Explainer(const ChangeRecord& change, const Surroundings& around)
        : change_(change), around_(around) {
        for (const std::size_t i : stuck_tasks(change)) {
            stuck_.push_back(change.tasks[i]->id);
        }
    }

    Explanation of(std::size_t position) const {
        const TaskRecord& task = *change_.tasks[position];
        Explanation why{.task = task.id, .status = task.status, .detail = task.wait_reason};
        if (task.status == TaskStatus::Wait) {
            why.holdup = Holdup::Waiting;
        } else if (task.status == TaskStatus::Abort) {
            why.holdup = Holdup::Stopping;
        } else if (around_.situation.running.contains(task.id)) {
            why.holdup = Holdup::Running;
        } else if (around_.behind != 0) {
            why.holdup = Holdup::Queued;
            why.change = around_.behind;
        } else if (!unblocked(change_, position)) {
            why.holdup = std::ranges::count(stuck_, task.id) != 0 ? Holdup::Stuck
                         : task.status == TaskStatus::Do          ? Holdup::Predecessor
                                                                  : Holdup::Successor;
            why.tasks = in_the_way(change_, position);
        } else {
            explain_runner(task, why);
        }
        return why;
    }

  private:
    // Its change would let it run.
    void explain_runner(const TaskRecord& task, Explanation& why) const {
        const RunnerState& situation = around_.situation;
        const auto blocked = situation.blocked.find(task.id);
        if (around_.read_only) {
            why.holdup = Holdup::ReadOnly;
        } else if (situation.ending) {
            why.holdup = Holdup::Ending;
        } else if (task.at != WallTime{}) {
            why.holdup = Holdup::Retrying;
            why.until = task.at;
        } else if (blocked != situation.blocked.end()) {
            why.holdup = Holdup::Blocked;
            why.detail = blocked->second;
        } else if (const auto full = situation.full.find(task.id); full != situation.full.end()) {
            why.holdup = Holdup::Full;
            why.detail = fmt::format("{} of {} may run at once", full->second, task.kind);
        } else {
            why.holdup = Holdup::Starting;
        }
    }

    const ChangeRecord& change_;
    const Surroundings& around_;
    std::vector<TaskId> stuck_;
};

}  // namespace

std::string_view to_string(Holdup holdup) {
    const auto* const found = std::ranges::find(kNames, holdup, &Name::holdup);
    return found == std::end(kNames) ? "running" : found->name;
}

std::string Explanation::text() const {
    switch (holdup) {
        case Holdup::Running:
            return "runs";
        case Holdup::Starting:
            return with_reason("is about to start", detail);
        case Holdup::Stopping:
            return "was aborted, and is asked to stop";
        case Holdup::Retrying:
            return with_reason(
                fmt::format("tries again at {}", to_rfc3339(until.value_or(WallTime{}))), detail);
        case Holdup::Waiting:
            return with_reason("waits", detail);
        case Holdup::Predecessor:
            return fmt::format("waits for {}", named(tasks));
        case Holdup::Successor:
            return fmt::format("is undone after {}", named(tasks));
        case Holdup::Queued:
            return fmt::format("is queued behind change {}", change);
        case Holdup::Blocked:
            return fmt::format("is held back: {}", detail);
        case Holdup::Full:
            return fmt::format("waits for its turn: {}", detail);
        case Holdup::ReadOnly:
            return "waits until the state can be written again";
        case Holdup::Ending:
            return "is left to the next start of the agent";
        case Holdup::Stuck:
            return fmt::format("can never start: {} will not be done", named(tasks));
    }
    return {};
}

std::vector<Explanation> explain(const ChangeRecord& change, const Surroundings& around) {
    const Explainer explainer(change, around);
    std::vector<Explanation> all;
    for (std::size_t i = 0; i < change.tasks.size(); ++i) {
        if (!is_ready(change.tasks[i]->status)) {
            all.push_back(explainer.of(i));
        }
    }
    return all;
}

std::vector<std::size_t> stuck_tasks(const ChangeRecord& change) {
    std::vector<std::size_t> pending, hopeless;
    for (std::size_t i = 0; i < change.tasks.size(); ++i) {
        const TaskStatus status = change.tasks[i]->status;
        if (is_ready(status)) {
            continue;
        }
        const bool held = status == TaskStatus::Do || status == TaskStatus::Undo;
        if (!held || unblocked(change, i)) {
            return {};
        }
        if (status == TaskStatus::Do) {
            pending.push_back(i);
        }
        if (is_hopeless(change, i)) {
            hopeless.push_back(i);
        }
    }
    // Where none is, something to be undone waits for what waits for it.
    return hopeless.empty() ? pending : hopeless;
}

}  // namespace podreeve::state
