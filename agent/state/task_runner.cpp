#include "agent/state/task_runner.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "agent/state/core.h"
#include "agent/state/running_task.h"
#include "agent/state/transitions.h"
#include "runtime/base/log.h"

namespace podreeve::state {
namespace {

constexpr Duration kPruneInterval = std::chrono::minutes(10);
// How long to wait before a commit that failed is tried again.
constexpr Duration kCommitRetry = std::chrono::seconds(5);
// A Retry without a time means the next ensure(); this bounds how long that can be away, and how
// fast a handler that always says so can spin.
constexpr Duration kSoonRetry = std::chrono::milliseconds(100);

using RunPtr = std::shared_ptr<RunningTask>;

struct Ended {
    RunPtr run;
    TaskOutcome outcome;
};

using Delays = std::map<TaskId, SteadyTime>;

// What a pass is about to start, and how many of each kind run then.
struct Starting {
    Delays delays;  // as they stood before the pass
    std::vector<RunPtr> runs;
    std::map<std::string, unsigned> busy;
};

}  // namespace

// Everything but the members under mutex belongs to the scheduler's thread.
struct TaskRunner::Core : std::enable_shared_from_this<TaskRunner::Core> {
    Core(State& the_state, Clock& the_clock, Scheduler& the_scheduler, WorkerPool& the_workers)
        : state(the_state.core()),
          owner(the_state),
          clock(the_clock),
          scheduler(the_scheduler),
          workers(the_workers) {}

    // One round: writes down what has ended, starts what can be started, both in one transaction.
    void pass();
    void settle(Transaction& transaction, const Ended& ended);
    TaskOutcome judge(const Ended& ended, TaskStatus status) const;
    void carry_out(ChangeDraft& change, std::size_t position, const TaskOutcome& outcome);
    void fail_task(ChangeDraft& change, std::size_t position, const Error& error);
    void advance(Transaction& transaction, ChangeId id);
    bool advance_without_handler(Transaction& transaction, ChangeId id, std::size_t position);
    void start_candidates(Transaction& transaction, ChangeId id, Starting& starting);
    Starting count_busy() const;
    bool has_room(const std::string& kind, const Starting& starting) const;
    void launch(const std::vector<RunPtr>& starting);
    void arm_deadline(const RunPtr& run);
    void stop_aborted();

    const TaskHandlers* handlers_of(const std::string& kind) const;
    bool has_undo(const std::string& kind) const;
    bool is_running(TaskId id) const;
    bool may_start(const ChangeRecord& change, std::size_t position) const;
    // How long it has to wait still; zero or less: not at all.
    Duration delay_of(const TaskRecord& task, SteadyTime now) const;

    void keep_delay(const TaskRecord& task, const Delays& before);
    void forget_delay(TaskId id);
    void forget_soon();
    void arm_wake_timer();
    void arm_prune_timer();
    void report_ready();
    void finish_stop();

    void execute(const RunPtr& run);
    void collect_ended();
    void post_pass();
    void close();

    State::Core& state;
    State& owner;
    Clock& clock;
    Scheduler& scheduler;
    WorkerPool& workers;

    std::map<std::string, TaskHandlers> kinds;
    std::map<TaskId, RunPtr> running;
    std::vector<Ended> unsaved;  // ended, and not yet written down; still in running
    Delays delayed;              // by `at` or by a Retry without a time
    std::set<TaskId> soon;       // those without: the next ensure() lets them go
    std::vector<std::function<void(const ChangeView&)>> ready_callbacks;
    TimerHandle wake_timer, prune_timer, grace_timer;
    bool prune_armed = false;
    bool stopping = false;
    bool cut = false;  // stopping, and the grace is over
    std::function<void()> stopped;

    std::atomic<bool> pass_posted = false;
    std::mutex mutex;
    std::condition_variable quiet;
    std::vector<Ended> ended;   // under mutex
    std::size_t executing = 0;  // under mutex
    bool closed = false;        // under mutex
};

const TaskHandlers* TaskRunner::Core::handlers_of(const std::string& kind) const {
    const auto it = kinds.find(kind);
    return it == kinds.end() ? nullptr : &it->second;
}

// An unknown kind is taken to have one, so that it ends in Error on the way back too.
bool TaskRunner::Core::has_undo(const std::string& kind) const {
    const TaskHandlers* const handlers = handlers_of(kind);
    return handlers == nullptr || handlers->undo != nullptr;
}

bool TaskRunner::Core::is_running(TaskId id) const {
    const auto it = running.find(id);
    return it != running.end() && !it->second->ended;
}

// Steady time once the task was seen: the wall clock is only believed for
// what an earlier process left behind. Only a retry is ever delayed, not what an abort made of it.
Duration TaskRunner::Core::delay_of(const TaskRecord& task, SteadyTime now) const {
    if (task.status != TaskStatus::Doing && task.status != TaskStatus::Undoing) {
        return {};
    }
    if (const auto it = delayed.find(task.id); it != delayed.end()) {
        return it->second - now;
    }
    return task.at == WallTime{} ? Duration{} : task.at - clock.system_now();
}

bool TaskRunner::Core::may_start(const ChangeRecord& change, std::size_t position) const {
    const TaskRecord& task = *change.tasks[position];
    return unblocked(change, position) && !is_running(task.id) &&
           delay_of(task, clock.steady_now()) <= Duration{};
}

void TaskRunner::Core::pass() {
    {
        const std::lock_guard lock(mutex);
        if (closed) {
            return;
        }
    }
    pass_posted = false;
    collect_ended();
    Starting starting = count_busy();
    Status written;
    {
        Transaction transaction(state);
        for (const Ended& item : unsaved) {
            settle(transaction, item);
        }
        if (!stopping) {
            starting.delays = std::exchange(delayed, {});
            for (const ChangeId id : transaction.memory().unready) {
                advance(transaction, id);
                start_candidates(transaction, id, starting);
            }
        }
        written = transaction.commit(false);
    }
    if (written || stopping) {
        for (const Ended& item : std::exchange(unsaved, {})) {
            running.erase(item.run->id());
        }
    }
    if (written) {
        launch(starting.runs);
        stop_aborted();
    }
    arm_wake_timer();
    report_ready();
    finish_stop();
}

void TaskRunner::Core::collect_ended() {
    std::vector<Ended> news;
    {
        const std::lock_guard lock(mutex);
        news = std::exchange(ended, {});
    }
    for (Ended& item : news) {
        item.run->ended = true;
        item.run->deadline.reset();
        unsaved.push_back(std::move(item));
    }
}

void TaskRunner::Core::settle(Transaction& transaction, const Ended& item) {
    ChangeDraft* const change = transaction.change(item.run->change());
    if (change == nullptr) {
        return;
    }
    const std::size_t position = change->record().position(item.run->id());
    const TaskStatus status = change->task(position).status;
    carry_out(*change, position, judge(item, status));
}

// What the handler said, in the light of why it was told to stop. What it calls done is done.
TaskOutcome TaskRunner::Core::judge(const Ended& item, TaskStatus status) const {
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
        const TaskHandlers* const handlers = handlers_of(item.run->kind());
        return Error{
            Code::Timeout,
            fmt::format("cannot finish within {}{}{}", to_short_text(handlers->deadline),
                        error != nullptr ? ": " : "", error != nullptr ? error->message : "")};
    }
    return item.outcome;
}

void TaskRunner::Core::carry_out(ChangeDraft& change,
                                 std::size_t position,
                                 const TaskOutcome& outcome) {
    const bool undo = has_undo(change.task(position).kind);
    const TaskId id = change.task(position).id;
    forget_delay(id);
    if (std::holds_alternative<TaskDone>(outcome)) {
        change.apply(position, Trigger::Succeed, undo);
    } else if (const auto* retry = std::get_if<TaskRetry>(&outcome)) {
        if (change.apply(position, Trigger::Retry, undo) || cut) {
            return;
        }
        TaskRecord& task = change.edit(position);
        task.wait_reason = retry->why;
        task.at = retry->after > Duration{} ? change.now() + retry->after : WallTime{};
        const bool timed = retry->after > Duration{};
        delayed[id] = clock.steady_now() + (timed ? retry->after : kSoonRetry);
        if (!timed) {
            soon.insert(id);
        }
    } else if (const auto* wait = std::get_if<TaskWait>(&outcome)) {
        change.apply(position, Trigger::Wait, undo);
        if (change.task(position).status == TaskStatus::Wait) {
            change.edit(position).wait_reason = wait->why;
        }
    } else {
        fail_task(change, position, std::get<Error>(outcome));
    }
}

void TaskRunner::Core::fail_task(ChangeDraft& change, std::size_t position, const Error& error) {
    change.apply(position, Trigger::Fail, true);
    TaskRecord& task = change.edit(position);
    add_log_line(task, change.now(), true, error.message);
    abort_lanes(change, task.lanes);
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
    const bool undo = has_undo(task.kind);
    if (task.status == TaskStatus::Abort) {
        return transaction.change(id)->apply(position, Trigger::Settle, undo);
    }
    if (!unblocked(change, position)) {
        return false;
    }
    ChangeDraft* draft = nullptr;
    if (handlers_of(task.kind) == nullptr) {
        draft = transaction.change(id);
        draft->apply(position, Trigger::Start, undo);
        fail_task(*draft, position,
                  {Code::Unsupported,
                   fmt::format("cannot run {}: this podreeve knows no such task", task.kind)});
        return true;
    }
    if (task.status == TaskStatus::Undo && !undo) {
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
        keep_delay(task, starting.delays);
        if (!has_room(task.kind, starting) || !may_start(transaction.peek(id), i)) {
            continue;
        }
        ChangeDraft& change = *transaction.change(id);
        change.apply(i, Trigger::Start, has_undo(task.kind));
        const TaskRecord& begun = change.task(i);
        if (begun.at != WallTime{} || !begun.wait_reason.empty()) {
            TaskRecord& edited = change.edit(i);
            edited.at = {};
            edited.wait_reason.clear();
        }
        const TaskHandlers& handlers = *handlers_of(begun.kind);
        const bool undoing = change.task(i).status == TaskStatus::Undoing;
        ++starting.busy[begun.kind];
        starting.runs.push_back(std::make_shared<RunningTask>(
            state, change.record(), change.task(i), undoing ? handlers.undo : handlers.run));
    }
}

Starting TaskRunner::Core::count_busy() const {
    Starting starting;
    for (const auto& [id, run] : running) {
        starting.busy[run->kind()] += run->ended ? 0 : 1;
    }
    return starting;
}

bool TaskRunner::Core::has_room(const std::string& kind, const Starting& starting) const {
    const auto busy = starting.busy.find(kind);
    const TaskHandlers* const handlers = handlers_of(kind);
    return handlers != nullptr &&
           (busy == starting.busy.end() || busy->second < std::max(handlers->limit, 1U));
}

void TaskRunner::Core::launch(const std::vector<RunPtr>& starting) {
    for (const RunPtr& run : starting) {
        forget_delay(run->id());
        running[run->id()] = run;
        workers.submit([self = shared_from_this(), run] { self->execute(run); });
    }
}

// Counted from the moment a worker took it: waiting for a free one is not the handler's fault.
void TaskRunner::Core::arm_deadline(const RunPtr& run) {
    if (run->ended) {
        return;
    }
    const Duration deadline = handlers_of(run->kind())->deadline;
    run->deadline = scheduler.after(deadline, [weak = std::weak_ptr(run)] {
        if (const RunPtr late = weak.lock()) {
            late->timed_out = !late->stop_source.stop_requested();
            late->stop_source.request_stop();
        }
    });
}

void TaskRunner::Core::stop_aborted() {
    for (const auto& [id, run] : running) {
        const ChangePtr change = state.find(run->change());
        if (change != nullptr && change->tasks[change->position(id)]->status == TaskStatus::Abort) {
            run->stop_source.request_stop();
        }
    }
}

// Carries a delay over into this pass; those of tasks that have moved on are left behind.
void TaskRunner::Core::keep_delay(const TaskRecord& task, const Delays& before) {
    if (task.status != TaskStatus::Doing && task.status != TaskStatus::Undoing) {
        return;
    }
    if (const auto it = before.find(task.id); it != before.end()) {
        delayed.insert(*it);
    } else if (task.at != WallTime{}) {
        const SteadyTime now = clock.steady_now();
        delayed.emplace(task.id, now + delay_of(task, now));
    }
}

void TaskRunner::Core::forget_delay(TaskId id) {
    delayed.erase(id);
    soon.erase(id);
}

void TaskRunner::Core::forget_soon() {
    for (const TaskId id : std::exchange(soon, {})) {
        delayed.erase(id);
    }
}

void TaskRunner::Core::arm_wake_timer() {
    wake_timer.reset();
    if (stopping) {
        return;
    }
    const SteadyTime now = clock.steady_now();
    Duration next = unsaved.empty() && !state.is_read_only() ? Duration::max() : kCommitRetry;
    for (const auto& [id, when] : delayed) {
        // One that is due and was not started waits for room, and the end of another is a pass.
        if (when > now) {
            next = std::min(next, when - now);
        }
    }
    if (next != Duration::max()) {
        wake_timer = scheduler.after(next, [this] { pass(); });
    }
}

void TaskRunner::Core::arm_prune_timer() {
    prune_timer = scheduler.after(kPruneInterval, [this] {
        if (const Status pruned = owner.prune(); !pruned) {
            log::warn("{}", pruned.error().message);
        }
        arm_prune_timer();
    });
}

void TaskRunner::Core::report_ready() {
    for (const ChangeId id : state.take_ready()) {
        const ChangePtr change = state.find(id);
        if (change == nullptr) {
            continue;
        }
        const ChangeView view = view_of(*change);
        log::info("change {} ({}) has ended: {}", id, view.summary, to_string(view.status));
        for (std::size_t i = 0; i < ready_callbacks.size(); ++i) {
            ready_callbacks[i](view);
        }
    }
}

void TaskRunner::Core::finish_stop() {
    if (stopping && running.empty() && stopped) {
        grace_timer.reset();
        std::exchange(stopped, nullptr)();
    }
}

void TaskRunner::Core::execute(const RunPtr& run) {
    {
        const std::lock_guard lock(mutex);
        if (closed) {
            return;
        }
        ++executing;
        scheduler.post([weak = weak_from_this(), run] {
            if (const auto self = weak.lock()) {
                self->arm_deadline(run);
            }
        });
    }
    // One that was stopped before it began has nothing to say.
    TaskOutcome outcome = run->stop().stop_requested() ? TaskRetry{} : run->call();
    const std::lock_guard lock(mutex);
    ended.push_back({run, std::move(outcome)});
    // Under the lock: once executing is 0 the scheduler may be gone.
    post_pass();
    --executing;
    quiet.notify_all();
}

void TaskRunner::Core::post_pass() {
    if (!pass_posted.exchange(true)) {
        scheduler.post([weak = weak_from_this()] {
            if (const auto self = weak.lock()) {
                self->pass();
            }
        });
    }
}

// No callback is run and no handler is inside the state any more when it returns.
void TaskRunner::Core::close() {
    std::unique_lock lock(mutex);
    closed = true;
    lock.unlock();
    for (const auto& [id, run] : running) {
        run->deadline.reset();
        run->stop_source.request_stop();
    }
    wake_timer.reset();
    prune_timer.reset();
    grace_timer.reset();
    lock.lock();
    quiet.wait(lock, [this] { return executing == 0; });
}

TaskRunner::TaskRunner(State& state, Clock& clock, Scheduler& scheduler, WorkerPool& workers)
    : core_(std::make_shared<Core>(state, clock, scheduler, workers)) {
    state.core().on_work([weak = core_->weak_from_this()] {
        if (const auto core = weak.lock()) {
            core->post_pass();
        }
    });
}

TaskRunner::~TaskRunner() {
    core_->state.on_work(nullptr);
    core_->close();
}

void TaskRunner::add_handlers(const std::string& kind, TaskHandlers handlers) {
    core_->kinds.insert_or_assign(kind, std::move(handlers));
}

void TaskRunner::ensure() {
    if (!std::exchange(core_->prune_armed, true)) {
        core_->arm_prune_timer();
    }
    core_->forget_soon();
    core_->pass();
}

void TaskRunner::on_change_ready(std::function<void(const ChangeView&)> callback) {
    core_->ready_callbacks.push_back(std::move(callback));
}

bool TaskRunner::idle() const {
    if (!core_->running.empty()) {
        return false;
    }
    for (const ChangePtr& change : core_->state.unready()) {
        for (std::size_t i = 0; i < change->tasks.size() && !core_->stopping; ++i) {
            if (change->tasks[i]->status == TaskStatus::Abort || core_->may_start(*change, i)) {
                return false;
            }
        }
    }
    return true;
}

void TaskRunner::stop(Duration grace, std::function<void()> done) {
    core_->stopping = true;
    core_->stopped = std::move(done);
    core_->wake_timer.reset();
    core_->prune_timer.reset();
    core_->grace_timer = core_->scheduler.after(grace, [core = core_.get()] {
        core->cut = true;
        for (const auto& [id, run] : core->running) {
            run->stop_source.request_stop();
        }
    });
    core_->post_pass();
}

}  // namespace podreeve::state
