// What one pass of the runner does: it writes down how handlers have ended, moves what needs no
// handler, and starts what may run, all in one transaction.
#include <algorithm>

#include <fmt/format.h>

#include "agent/state/explain.h"
#include "agent/state/runner_core.h"
#include "agent/state/transitions.h"
#include "runtime/base/log.h"

namespace podreeve::state {
namespace {

// A cleanup that did not come to its end is tried again after so long.
constexpr Duration kCleanAgain = std::chrono::minutes(1);

TaskRef ref_of(const ChangeRecord& change, const TaskRecord& task) {
    return {change.id, task.id, task.kind, change.subject,
            task.status == TaskStatus::Undo || task.status == TaskStatus::Undoing};
}

// Its companions, "web/companions", are of the app too.
std::string app_of(const std::string& subject) {
    return subject.substr(0, subject.find('/'));
}

}  // namespace

bool TaskRunner::Core::is_running(TaskId id) const {
    const auto it = running.find(id);
    return it != running.end() && !it->second->ended;
}

bool TaskRunner::Core::may_start(const ChangeRecord& change, std::size_t position) const {
    const TaskRecord& task = *change.tasks[position];
    return unblocked(change, position) && !is_running(task.id) && delays.left(task) <= Duration{};
}

void TaskRunner::Core::pass() {
    {
        const std::lock_guard lock(mutex);
        if (closed) {
            return;
        }
    }
    pass_posted = false;
    again = false;
    collect_ended();
    Starting starting = count_busy();
    const Status written = write_round(starting);
    // What was decided counts when it is on the disk, or need not be.
    const auto counts = [&](const RunPtr& run) {
        return written || state.goes_on_unwritten(run->change());
    };
    std::erase_if(unsaved, [&](const EndedRun& item) {
        const bool over = stopping || counts(item.run);
        return over && running.erase(item.run->id()) != 0;
    });
    std::erase_if(starting.runs, [&](const RunPtr& run) { return !counts(run); });
    launch(starting.runs);
    if (written) {
        stop_aborted();
        for (const ChangeId id : starting.cleaned) {
            unclean.erase(id);
        }
        state.probe();
    }
    publish(starting);
    arm_wake_timer();
    report_ready();
    again = again && written;  // else the wake timer makes it
    if (again) {
        post_pass();
    }
    finish_stop();
}

Status TaskRunner::Core::write_round(Starting& starting) {
    Transaction transaction(state);
    for (const EndedRun& item : unsaved) {
        take_outcome(transaction, item);
    }
    if (!stopping) {
        delays.begin_pass();
        note_waiting(transaction, starting);
        for (const ChangeId id : transaction.memory().unready) {
            go_on(transaction, id, starting);
        }
        start_cleanups(transaction, starting);
        end_what_is_held(transaction, starting);
    }
    return transaction.commit(false);
}

void TaskRunner::Core::take_outcome(Transaction& transaction, const EndedRun& item) {
    ChangeDraft* const change = transaction.change(item.run->change());
    if (change == nullptr) {
        return;
    }
    const std::size_t position = change->record().position(item.run->id());
    if (item.run->direction() == Direction::Clean) {
        resolve_cleanup(*change, position, item.outcome);
        return;
    }
    TaskRecord& task = change->edit(position);
    (item.run->direction() == Direction::Undo ? task.undoing : task.doing) += item.run->took;
    carry_out(*change, position, evaluate(item, task.status));
}

// What the handler said, in the light of why it was told to stop. What it calls done is done.
TaskOutcome TaskRunner::Core::evaluate(const EndedRun& item, TaskStatus status) const {
    const auto* const error = std::get_if<Error>(&item.outcome);
    if (std::holds_alternative<TaskDone>(item.outcome)) {
        return item.outcome;
    }
    if (status == TaskStatus::Abort) {
        // A call that was cut off for the abort is no failure of its own.
        return error != nullptr && (error->code == Code::Cancelled || cut) ? TaskRetry{}
                                                                           : item.outcome;
    }
    if (cut && error != nullptr) {
        return TaskRetry{};
    }
    if (item.run->timed_out) {
        return Error{
            Code::Timeout,
            fmt::format("cannot finish within {}{}{}",
                        to_short_text(kinds.find(item.run->kind())->deadline),
                        error != nullptr ? ": " : "", error != nullptr ? error->message : "")};
    }
    return item.outcome;
}

void TaskRunner::Core::carry_out(ChangeDraft& change,
                                 std::size_t position,
                                 const TaskOutcome& outcome) {
    const bool undo = kinds.has_undo(change.task(position).kind);
    const TaskId id = change.task(position).id;
    delays.forget(id);
    if (std::holds_alternative<TaskDone>(outcome)) {
        change.apply(position, Trigger::Succeed, undo);
    } else if (const auto* retry = std::get_if<TaskRetry>(&outcome)) {
        if (change.apply(position, Trigger::Retry, undo) || cut) {
            return;
        }
        TaskRecord& task = change.edit(position);
        task.wait_reason = retry->why;
        task.at = retry->after > Duration{} ? change.now() + retry->after : WallTime{};
        delays.retry(id, retry->after);
    } else if (const auto* wait = std::get_if<TaskWait>(&outcome)) {
        if (!change.wait(position, wait->then, wait->why, undo)) {
            fail_task(change, position, Trigger::Fail,
                      {Code::Internal, fmt::format("cannot wait to become {}: out of {} that "
                                                   "leads nowhere",
                                                   to_string(wait->then),
                                                   to_string(change.task(position).status))});
        }
    } else {
        fail_task(change, position, Trigger::Fail, std::get<Error>(outcome));
    }
}

void TaskRunner::Core::fail_task(ChangeDraft& change,
                                 std::size_t position,
                                 Trigger trigger,
                                 const Error& error) {
    change.apply(position, trigger, true);
    TaskRecord& task = change.edit(position);
    add_log_line(task, change.now(), true, error.message);
    abort_lanes(change, task.lanes);
}

void TaskRunner::Core::resolve_cleanup(ChangeDraft& change,
                                       std::size_t position,
                                       const TaskOutcome& outcome) {
    const TaskId id = change.task(position).id;
    clean_again.erase(id);
    if (std::holds_alternative<TaskDone>(outcome)) {
        change.edit(position).clean = true;
        return;
    }
    Duration after = kCleanAgain;
    if (const auto* retry = std::get_if<TaskRetry>(&outcome);
        retry != nullptr && retry->after > Duration{}) {
        after = retry->after;
    }
    if (const auto* error = std::get_if<Error>(&outcome); error != nullptr && !cut) {
        log::warn("change {}: cannot clean up after task {}: {}", change.record().id, id,
                  error->message);
    }
    clean_again[id] = clock.steady_now() + after;
}

// A subject's changes are carried out one after the other: by id.
bool TaskRunner::Core::is_queued(const Transaction& transaction,
                                 ChangeId id,
                                 Starting& starting) const {
    const std::string& subject = transaction.peek(id).subject;
    if (subject.empty()) {
        return false;
    }
    const auto [first, fresh] = starting.first.emplace(subject, id);
    if (!fresh && all_ready(transaction.peek(first->second))) {
        first->second = id;
    }
    return first->second != id;
}

void TaskRunner::Core::go_on(Transaction& transaction, ChangeId id, Starting& starting) {
    if (is_queued(transaction, id, starting)) {
        return;
    }
    give_up_undo(transaction, id);
    advance(transaction, id);
    start_candidates(transaction, id, starting);
    const std::vector<std::size_t> stuck = stuck_tasks(transaction.peek(id));
    if (stuck.empty()) {
        return;
    }
    const std::vector<Explanation> why = explain(transaction.peek(id), {});
    ChangeDraft& change = *transaction.change(id);
    for (const std::size_t position : stuck) {
        if (change.task(position).status != TaskStatus::Do) {
            continue;  // the end of another has aborted it
        }
        const auto of_it = std::ranges::find(why, change.task(position).id, &Explanation::task);
        fail_task(change, position, Trigger::GiveUp,
                  {Code::Internal, fmt::format("cannot go on: it {}", of_it->text())});
    }
    advance(transaction, id);
    again = true;
}

// Of an undo that a person has aborted: what is not undone stays as it is, and the next pass over
// the host puts right what that leaves.
void TaskRunner::Core::give_up_undo(Transaction& transaction, ChangeId id) {
    if (!is_undo_given_up(transaction.peek(id))) {
        return;
    }
    for (std::size_t i = 0; i < transaction.peek(id).tasks.size(); ++i) {
        const TaskRecord& task = *transaction.peek(id).tasks[i];
        const bool undoing = task.status == TaskStatus::Undo || task.status == TaskStatus::Undoing;
        if (!undoing || is_running(task.id) || !kinds.has_undo(task.kind)) {
            continue;
        }
        delays.forget(task.id);
        ChangeDraft& change = *transaction.change(id);
        change.apply(i, Trigger::GiveUp, true);
        add_log_line(change.edit(i), change.now(), true, "not undone: its undo was aborted");
    }
}

// Moves what needs no handler until nothing moves any more: each step may free others.
void TaskRunner::Core::advance(Transaction& transaction, ChangeId id) {
    bool moved = true;
    while (moved) {
        moved = false;
        for (std::size_t i = 0; i < transaction.peek(id).tasks.size(); ++i) {
            moved = advance_without_handler(transaction, id, i) || moved;
        }
    }
}

bool TaskRunner::Core::advance_without_handler(Transaction& transaction,
                                               ChangeId id,
                                               std::size_t position) {
    const ChangeRecord& change = transaction.peek(id);
    const TaskRecord& task = *change.tasks[position];
    if (is_ready(task.status) || is_running(task.id)) {
        return false;
    }
    const bool undo = kinds.has_undo(task.kind);
    if (task.status == TaskStatus::Abort) {
        return transaction.change(id)->apply(position, Trigger::Resolve, undo);
    }
    if (!unblocked(change, position)) {
        return false;
    }
    if (kinds.find(task.kind) == nullptr) {
        ChangeDraft& draft = *transaction.change(id);
        draft.apply(position, Trigger::Start, undo);
        fail_task(draft, position, Trigger::Fail,
                  {Code::Unsupported,
                   fmt::format("cannot run {}: this podreeve knows no such task", task.kind)});
        return true;
    }
    if (!undo && (task.status == TaskStatus::Undo || task.status == TaskStatus::Undoing)) {
        return transaction.change(id)->apply(position, Trigger::Start, undo);
    }
    return false;
}

void TaskRunner::Core::start_candidates(Transaction& transaction, ChangeId id, Starting& starting) {
    for (std::size_t i = 0; i < transaction.peek(id).tasks.size(); ++i) {
        const TaskRecord& task = *transaction.peek(id).tasks[i];
        if (is_ready(task.status)) {
            continue;
        }
        delays.keep(task);
        if (may_start(transaction.peek(id), i) &&
            is_let_through(ref_of(transaction.peek(id), task), starting)) {
            begin(transaction, id, i, starting);
        }
    }
}

void TaskRunner::Core::note_busy(const std::string& kind,
                                 const std::string& subject,
                                 Starting& starting) const {
    ++starting.busy[kinds.sort(kind)];
    ++starting.taken[kinds.sort(kind)][app_of(subject)];
}

// Before anything is begun: who could begin what.
void TaskRunner::Core::note_waiting(const Transaction& transaction, Starting& starting) {
    if (!kinds.has_shares()) {
        return;
    }
    for (const ChangeId id : transaction.memory().unready) {
        if (is_queued(transaction, id, starting)) {
            continue;
        }
        const ChangeRecord& change = transaction.peek(id);
        for (std::size_t i = 0; i < change.tasks.size(); ++i) {
            const TaskRecord& task = *change.tasks[i];
            delays.keep(task);
            if (!is_ready(task.status) && may_start(change, i)) {
                starting.waiting[kinds.sort(task.kind)].insert(app_of(change.subject));
            }
        }
    }
}

// One app may take all the room there is, but not what another waits for that has less.
bool TaskRunner::Core::has_its_share(const TaskRef& task, const Starting& starting) const {
    const unsigned share = kinds.share(task.kind);
    const auto waiting = starting.waiting.find(kinds.sort(task.kind));
    const auto taken = starting.taken.find(kinds.sort(task.kind));
    if (share == 0 || waiting == starting.waiting.end() || taken == starting.taken.end()) {
        return false;
    }
    const auto taken_by = [&](const std::string& app) {
        const auto own = taken->second.find(app);
        return own == taken->second.end() ? 0U : own->second;
    };
    const std::string self = app_of(task.subject);
    return taken_by(self) >= share &&
           std::ranges::any_of(waiting->second, [&](const std::string& other) {
               return other != self && taken_by(other) < share;
           });
}

bool TaskRunner::Core::is_let_through(const TaskRef& task, Starting& starting) const {
    const unsigned limit = kinds.limit(task.kind);
    if (starting.busy[kinds.sort(task.kind)] >= limit || has_its_share(task, starting)) {
        starting.full[task.id] = limit;
        return false;
    }
    for (const SchedulingRule& rule : rules) {
        if (const auto why = rule(task, starting.running)) {
            starting.blocked[task.id] = *why;
            return false;
        }
    }
    return true;
}

void TaskRunner::Core::begin(Transaction& transaction,
                             ChangeId id,
                             std::size_t position,
                             Starting& starting) {
    ChangeDraft& change = *transaction.change(id);
    change.apply(position, Trigger::Start, kinds.has_undo(change.task(position).kind));
    const TaskRecord& begun_task = change.task(position);
    if (begun_task.at != WallTime{} || !begun_task.wait_reason.empty()) {
        TaskRecord& edited = change.edit(position);
        edited.at = {};
        edited.wait_reason.clear();
    }
    const TaskRecord& task = change.task(position);
    note_busy(task.kind, change.record().subject, starting);
    starting.running.push_back(ref_of(change.record(), task));
    starting.runs.push_back(std::make_shared<RunningTask>(
        state, change.record(), task, *kinds.find(task.kind),
        task.status == TaskStatus::Undoing ? Direction::Undo : Direction::Do));
}

// Whatever became of the change. Nothing is written before a cleanup is done: one that is cut off
// is run again.
void TaskRunner::Core::start_cleanups(Transaction& transaction, Starting& starting) {
    for (const ChangeId id : unclean) {
        if (!transaction.memory().changes.contains(id)) {
            starting.cleaned.push_back(id);
            continue;
        }
        const ChangeRecord& change = transaction.peek(id);
        bool left = false;
        for (const auto& task : change.tasks) {
            if (task->clean || !kinds.has_cleanup(task->kind)) {
                continue;
            }
            left = true;
            const auto due = clean_again.find(task->id);
            const bool wait = due != clean_again.end() && due->second > clock.steady_now();
            if (wait || is_running(task->id) ||
                starting.busy[kinds.sort(task->kind)] >= kinds.limit(task->kind)) {
                continue;
            }
            note_busy(task->kind, change.subject, starting);
            starting.runs.push_back(std::make_shared<RunningTask>(
                state, change, *task, *kinds.find(task->kind), Direction::Clean));
        }
        if (!left) {
            starting.cleaned.push_back(id);
        }
    }
}

// Rules see what runs and nothing else: what they hold back while nothing does, they hold for ever.
void TaskRunner::Core::end_what_is_held(Transaction& transaction, const Starting& starting) {
    if (!starting.running.empty()) {
        return;
    }
    for (const auto& [task, why] : starting.blocked) {
        for (const ChangeId id : transaction.memory().unready) {
            const std::size_t position = transaction.peek(id).position(task);
            if (position == transaction.peek(id).tasks.size()) {
                continue;
            }
            ChangeDraft& change = *transaction.change(id);
            if (!unblocked(change.record(), position)) {
                continue;  // the failure of another has aborted it
            }
            const TaskStatus status = change.task(position).status;
            const bool begun_before = status == TaskStatus::Doing || status == TaskStatus::Undoing;
            fail_task(change, position, begun_before ? Trigger::Fail : Trigger::GiveUp,
                      {Code::Conflict, fmt::format("cannot start, though nothing runs: {}", why)});
            again = true;
        }
    }
}

}  // namespace podreeve::state
