#include "tests/unit/state/model.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace podreeve::state::model {
namespace {

using S = TaskStatus;

bool in_any(const Task& task, const std::vector<int>& lanes) {
    for (const int lane : task.lanes) {
        if (std::ranges::count(lanes, lane) != 0) {
            return true;
        }
    }
    return false;
}

std::vector<std::size_t> waiting_for(const Change& change, std::size_t position) {
    std::vector<std::size_t> positions;
    for (std::size_t i = 0; i < change.tasks.size(); ++i) {
        if (std::ranges::count(change.tasks[i].after, position) != 0) {
            positions.push_back(i);
        }
    }
    return positions;
}

}  // namespace

TaskStatus effective(const Task& task) {
    return task.status == S::Wait ? task.waited : task.status;
}

bool all_ready(const Change& change) {
    return std::ranges::all_of(change.tasks,
                               [](const Task& task) { return is_ready(task.status); });
}

Task& Model::find(TaskId id) {
    for (auto& [change_id, change] : changes) {
        for (Task& task : change.tasks) {
            if (task.id == id) {
                return task;
            }
        }
    }
    throw std::logic_error("no such task");
}

const Task& Model::task(TaskId id) const {
    return const_cast<Model*>(this)->find(id);
}

Change& Model::change_of(TaskId id) {
    for (auto& [change_id, change] : changes) {
        if (std::ranges::count(change.tasks, id, &Task::id) != 0) {
            return change;
        }
    }
    throw std::logic_error("no such task");
}

// -- one task

void Model::move(Task& task, Trigger trigger) {
    S next = task.status;
    if (trigger == Trigger::Resume) {
        next = task.waited;
    } else {
        const Kind& kind = kinds.at(task.kind);
        const bool undo = kind.undo || !kind.known;
        next = next_status(trigger == Trigger::Abort ? effective(task) : task.status, trigger, undo)
                   .value_or(task.status);
    }
    if (next == task.status) {
        return;
    }
    task.status = next;
    task.waited = S::Default;
    task.at.reset();
    task.hung = false;
    task.due.reset();
    task.soon = false;
}

bool Model::free_to_go(const Change& change, std::size_t position) const {
    const Task& task = change.tasks[position];
    if (task.status == S::Do) {
        return std::ranges::all_of(
            task.after, [&](std::size_t i) { return change.tasks[i].status == S::Done; });
    }
    if (task.status == S::Undo) {
        return std::ranges::all_of(waiting_for(change, position),
                                   [&](std::size_t i) { return is_ready(change.tasks[i].status); });
    }
    return task.status == S::Doing || task.status == S::Undoing;
}

// -- lanes

void Model::abort_lanes(Change& change, std::vector<int> lanes) {
    std::vector<int> aborted;
    std::vector<bool> seen(change.tasks.size());
    abort_lanes_of(change, lanes, aborted, seen);
}

// A task of a dying lane dies unless it is in another lane too in which everything is alive. What
// is in a dying lane says nothing about its other lanes.
void Model::abort_lanes_of(Change& change,
                           const std::vector<int>& lanes,
                           std::vector<int>& aborted,
                           std::vector<bool>& seen) {
    std::set<int> live, dead;
    for (const Task& task : change.tasks) {
        if (!in_any(task, lanes)) {
            const S status = effective(task);
            const bool lives = status == S::Do || status == S::Doing || status == S::Done;
            (lives ? live : dead).insert(task.lanes.begin(), task.lanes.end());
        }
    }
    std::vector<std::size_t> victims;
    for (std::size_t i = 0; i < change.tasks.size(); ++i) {
        const Task& task = change.tasks[i];
        const bool spared = std::ranges::any_of(
            task.lanes, [&](int lane) { return live.contains(lane) && !dead.contains(lane); });
        if (in_any(task, lanes) && !spared) {
            victims.push_back(i);
        }
    }
    aborted.insert(aborted.end(), lanes.begin(), lanes.end());
    abort_tasks(change, victims, aborted, seen);
}

void Model::abort_tasks(Change& change,
                        std::vector<std::size_t> tasks,
                        std::vector<int>& aborted,
                        std::vector<bool>& seen) {
    std::vector<int> more;
    while (!tasks.empty()) {
        const std::size_t i = tasks.front();
        tasks.erase(tasks.begin());
        if (seen[i]) {
            continue;
        }
        seen[i] = true;
        move(change.tasks[i], Trigger::Abort);
        for (const int lane : change.tasks[i].lanes) {
            if (std::ranges::count(aborted, lane) == 0) {
                more.insert(more.end(), change.tasks[i].lanes.begin(), change.tasks[i].lanes.end());
            }
        }
        for (const std::size_t after : waiting_for(change, i)) {
            tasks.push_back(after);
        }
    }
    if (!more.empty()) {
        abort_lanes_of(change, more, aborted, seen);
    }
}

void Model::fail(Change& change, std::size_t position, Trigger trigger) {
    move(change.tasks[position], trigger);
    abort_lanes(change, change.tasks[position].lanes);
}

// -- the runner

void Model::ended(TaskId id, Answer reply) {
    std::erase(running, id);
    ends_.push_back({id, reply});
    post();
}

void Model::run_posted() {
    for (; posted_ > 0; --posted_) {
        pass();
    }
}

void Model::ensure() {
    for (auto& [id, change] : changes) {
        for (Task& task : change.tasks) {
            if (std::exchange(task.soon, false)) {
                task.due.reset();
            }
        }
    }
    pass();
}

void Model::advance(Ms duration) {
    const Ms end = now + duration;
    while (true) {
        run_posted();
        if (!timer_ || *timer_ > end) {
            now = end;
            return;
        }
        now = std::max(now, *std::exchange(timer_, std::nullopt));
        pass();
    }
}

void Model::restart() {
    ends_.clear();
    running.clear();
    wanted_ = read_only_ = false;
    posted_ = 0;
    timer_.reset();
    for (auto& [id, change] : changes) {
        for (Task& task : change.tasks) {
            task.running = task.told_to_stop = task.soon = false;
            task.due = task.at;
        }
    }
}

std::vector<std::tuple<TaskStatus, TaskStatus, std::optional<Ms>, bool>> Model::stored() const {
    std::vector<std::tuple<TaskStatus, TaskStatus, std::optional<Ms>, bool>> all;
    for (const auto& [id, change] : changes) {
        for (const Task& task : change.tasks) {
            all.emplace_back(task.status, task.waited, task.at, task.hung);
        }
    }
    return all;
}

// A pass is posted once, until one is made; it may then be posted again before the first has its
// turn.
void Model::post() {
    posted_ += std::exchange(wanted_, true) ? 0 : 1;
}

void Model::pass() {
    wanted_ = false;
    for (const End& end : ends_) {
        find(end.task).running = false;
    }
    const auto before = stored();
    const auto kept = changes;
    pass_over_all();
    if (!write(stored() != before)) {
        roll_back(kept);
        set_timer();
        return;
    }
    if (read_only_) {
        write(true);  // to see whether that works by now
    }
    ends_.clear();
    for (const TaskId id : started_) {
        running.push_back(id);
        find(id).due.reset();
        find(id).soon = false;
    }
    for (auto& [id, change] : changes) {
        note_ready(change);
        for (Task& task : change.tasks) {
            const bool given_up = change.undo_given_up && task.status == S::Undoing;
            task.told_to_stop =
                task.running && (task.told_to_stop || given_up || task.status == S::Abort);
        }
    }
    set_timer();
    if (again_) {
        post();
    }
}

// While nothing can be written, that is tried again; else what tries again is waited for.
void Model::set_timer() {
    timer_.reset();
    for (const auto& [id, change] : changes) {
        for (const Task& task : change.tasks) {
            if (task.due && *task.due > now && (!timer_ || *task.due < *timer_)) {
                timer_ = task.due;
            }
        }
    }
    timer_ = read_only_ || !ends_.empty() ? now + 5000 : timer_;
}

// What was to be stored is as it was; what is only known, as when a retry is due, stays known.
void Model::roll_back(const std::map<ChangeId, Change>& kept) {
    const auto failed = std::exchange(changes, kept);
    for (auto& [id, change] : changes) {
        for (std::size_t i = 0; i < change.tasks.size(); ++i) {
            if (const Task& task = failed.at(id).tasks[i]; task.due) {
                change.tasks[i].due = task.due;
                change.tasks[i].soon = task.soon;
            }
        }
    }
}

void Model::pass_over_all() {
    started_.clear();
    held_.clear();
    again_ = false;
    for (const End& end : ends_) {
        run_until_idle(end);
    }
    for (auto& [id, change] : changes) {
        if (change.ready || is_queued(change)) {
            continue;
        }
        give_up_undo(change);
        advance_quietly(change);
        start(change);
        give_up(change);
    }
    const bool quiet = std::ranges::none_of(changes, [](const auto& row) {
        return std::ranges::any_of(row.second.tasks, [](const Task& task) { return task.running; });
    });
    for (const TaskId id : held_) {
        Change& change = change_of(id);
        const auto position = static_cast<std::size_t>(id - change.tasks.front().id);
        if (quiet && free_to_go(change, position)) {
            const S status = change.tasks[position].status;
            const bool begun = status == S::Doing || status == S::Undoing;
            fail(change, position, begun ? Trigger::Fail : Trigger::GiveUp);
            again_ = true;
        }
    }
}

void Model::run_until_idle(const End& end) {
    Change& change = change_of(end.task);
    Task& task = find(end.task);
    const auto position = static_cast<std::size_t>(&task - change.tasks.data());
    const bool aborted = task.status == S::Abort;
    const bool undoing = task.status == S::Undoing;
    task.due.reset();
    task.soon = false;
    switch (end.reply) {
        case Answer::Done:
            move(task, Trigger::Succeed);
            return;
        case Answer::Cancelled:
            aborted ? move(task, Trigger::Retry) : fail(change, position, Trigger::Fail);
            return;
        case Answer::Fail:
            fail(change, position, Trigger::Fail);
            return;
        case Answer::RetrySoon:
        case Answer::RetryLater:
            if (aborted) {
                move(task, Trigger::Retry);
                return;
            }
            task.hung = true;
            task.soon = end.reply == Answer::RetrySoon;
            task.due = now + (task.soon ? kRetrySoon : kRetryLater);
            task.at = task.soon ? std::nullopt : task.due;
            return;
        case Answer::Wait:
        case Answer::WaitAgain:
            move(task, Trigger::Wait);
            if (task.status == S::Wait) {
                const bool again = end.reply == Answer::WaitAgain;
                task.waited = undoing ? (again ? S::Undo : S::Undone) : (again ? S::Do : S::Done);
                task.hung = true;
            }
            return;
        case Answer::WaitNonsense:
            fail(change, position, Trigger::Fail);
            return;
    }
}

// Only the first of a subject's changes is worked on.
bool Model::is_queued(const Change& change) const {
    return std::ranges::any_of(changes, [&](const auto& row) {
        const Change& other = row.second;
        return other.id < change.id && !change.subject.empty() && other.subject == change.subject &&
               !other.ready && !all_ready(other);
    });
}

void Model::give_up_undo(Change& change) {
    for (Task& task : change.tasks) {
        const Kind& kind = kinds.at(task.kind);
        if (change.undo_given_up && !task.running && (kind.undo || !kind.known) &&
            (task.status == S::Undo || task.status == S::Undoing)) {
            move(task, Trigger::GiveUp);
            task.due.reset();
            task.soon = false;
        }
    }
}

void Model::advance_quietly(Change& change) {
    for (bool moved = true; moved;) {
        moved = false;
        for (std::size_t i = 0; i < change.tasks.size(); ++i) {
            Task& task = change.tasks[i];
            const Kind& kind = kinds.at(task.kind);
            const S before = task.status;
            if (task.running || is_ready(before)) {
                continue;
            }
            if (before == S::Abort) {
                move(task, Trigger::Resolve);
            } else if (free_to_go(change, i) && !kind.known) {
                move(task, Trigger::Start);
                fail(change, i, Trigger::Fail);
            } else if (free_to_go(change, i) && !kind.undo &&
                       (before == S::Undo || before == S::Undoing)) {
                move(task, Trigger::Start);
            }
            moved = moved || task.status != before;
        }
    }
}

// "b" does not run beside "a", and "n" never.
bool Model::held_by_rule(const Change&, const Task& task) const {
    return task.kind == "n" ||
           (task.kind == "b" && std::ranges::any_of(changes, [](const auto& row) {
                return std::ranges::any_of(row.second.tasks, [](const Task& other) {
                    return other.running && other.kind == "a";
                });
            }));
}

void Model::start(Change& change) {
    for (std::size_t i = 0; i < change.tasks.size(); ++i) {
        Task& task = change.tasks[i];
        const std::optional<Ms> due = task.due ? task.due : task.at;
        if (task.running || !free_to_go(change, i) || (due && *due > now)) {
            continue;
        }
        unsigned busy = 0;
        for (const auto& [id, other] : changes) {
            busy += static_cast<unsigned>(std::ranges::count_if(other.tasks, [&](const Task& one) {
                return one.running && one.kind == task.kind;
            }));
        }
        if (busy >= kinds.at(task.kind).limit) {
            continue;
        }
        if (held_by_rule(change, task)) {
            held_.push_back(task.id);
            continue;
        }
        move(task, Trigger::Start);
        task.at.reset();
        task.hung = false;
        task.running = true;
        task.told_to_stop = false;
        started_.push_back(task.id);
    }
}

// Nothing runs, could run, or waits for people: what has lost a predecessor is given up; where none
// has, what is to be done still.
void Model::give_up(Change& change) {
    std::vector<std::size_t> hopeless, pending;
    for (std::size_t i = 0; i < change.tasks.size(); ++i) {
        const Task& task = change.tasks[i];
        if (is_ready(task.status)) {
            continue;
        }
        if ((task.status != S::Do && task.status != S::Undo) || free_to_go(change, i)) {
            return;
        }
        if (task.status == S::Do) {
            pending.push_back(i);
            const bool lost = std::ranges::any_of(task.after, [&](std::size_t before) {
                const S status = change.tasks[before].status;
                return is_ready(status) && status != S::Done;
            });
            if (lost) {
                hopeless.push_back(i);
            }
        }
    }
    if (pending.empty()) {
        return;
    }
    for (const std::size_t i : hopeless.empty() ? pending : hopeless) {
        if (change.tasks[i].status == S::Do) {
            fail(change, i, Trigger::GiveUp);
        }
    }
    advance_quietly(change);
    again_ = true;
}

TaskStatus Model::status(const Change& change) const {
    const auto has = [&](S status) {
        return std::ranges::any_of(change.tasks,
                                   [&](const Task& task) { return task.status == status; });
    };
    bool could_run = false;
    for (std::size_t i = 0; i < change.tasks.size(); ++i) {
        could_run = could_run || change.tasks[i].status == S::Abort || free_to_go(change, i);
    }
    if (has(S::Wait) && !could_run) {
        return S::Wait;
    }
    for (const S status :
         {S::Abort, S::Undoing, S::Undo, S::Doing, S::Do, S::Wait, S::Error, S::Undone, S::Done}) {
        if (has(status)) {
            return status;
        }
    }
    return S::Hold;
}

}  // namespace podreeve::state::model
