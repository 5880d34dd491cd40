#include "agent/state/task_runner.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/state/runner_core.h"
#include "runtime/base/contained.h"
#include "runtime/base/log.h"

namespace podreeve::state {
namespace {

// How long to wait before a commit that failed is tried again.
constexpr Duration kCommitRetry = std::chrono::seconds(5);

}  // namespace

void TaskRunner::Core::collect_ended() {
    std::vector<EndedRun> news;
    {
        const std::lock_guard lock(mutex);
        news = std::exchange(ended, {});
    }
    for (EndedRun& item : news) {
        item.run->ended = true;
        item.run->deadline.reset();
        item.run->took = clock.steady_now() - item.run->begun;
        unsaved.push_back(std::move(item));
    }
}

Starting TaskRunner::Core::count_busy() const {
    Starting starting;
    for (const auto& [id, run] : running) {
        if (!run->ended) {
            note_busy(run->kind(), run->subject(), starting);
        }
        if (!run->ended && run->direction() != Direction::Clean) {
            starting.running.push_back({run->change(), id, run->kind(), run->subject(),
                                        run->direction() == Direction::Undo});
        }
    }
    return starting;
}

void TaskRunner::Core::launch(const std::vector<RunPtr>& starting) {
    for (const RunPtr& run : starting) {
        delays.forget(run->id());
        clean_again.erase(run->id());
        run->begun = clock.steady_now();
        running[run->id()] = run;
        submit([self = shared_from_this(), run] { self->execute(run); });
    }
}

// Counted from the moment a worker took it: waiting for a free one is not the handler's fault.
void TaskRunner::Core::arm_deadline(const RunPtr& run) {
    if (run->ended) {
        return;
    }
    const Duration deadline = kinds.find(run->kind())->deadline;
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
        if (change == nullptr || run->direction() == Direction::Clean) {
            continue;
        }
        const bool given_up = run->direction() == Direction::Undo && is_undo_given_up(*change);
        if (given_up || change->tasks[change->position(id)]->status == TaskStatus::Abort) {
            run->stop_source.request_stop();
        }
    }
}

void TaskRunner::Core::arm_wake_timer() {
    wake_timer.reset();
    if (stopping) {
        return;
    }
    const bool waits_for_disk = !unsaved.empty() || state.is_read_only();
    if (waits_for_disk && !state.something_goes_on_unwritten()) {
        wake_timer = scheduler.after(kCommitRetry, [this] { pass(); });
        return;
    }
    Duration next = waits_for_disk ? kCommitRetry : Duration::max();
    next = std::min(next, delays.next().value_or(Duration::max()));
    const SteadyTime now = clock.steady_now();
    for (const auto& [id, when] : clean_again) {
        next = when > now ? std::min(next, when - now) : next;
    }
    if (next != Duration::max()) {
        wake_timer = scheduler.after(next, [this] { pass(); });
    }
}

void TaskRunner::Core::publish(const Starting& starting) {
    RunnerState situation;
    for (const auto& [id, run] : running) {
        situation.running.insert(id);
    }
    situation.blocked = starting.blocked;
    situation.full = starting.full;
    situation.ending = stopping;
    const std::lock_guard lock(state.data);
    state.situation = std::move(situation);
}

// What an earlier process did not come to clean.
void TaskRunner::Core::find_unclean() {
    const std::lock_guard lock(state.data);
    for (const auto& [id, change] : state.memory.changes) {
        if (change->is_ready() && needs_cleaning(*change)) {
            unclean.insert(id);
        }
    }
}

bool TaskRunner::Core::needs_cleaning(const ChangeRecord& change) const {
    return std::ranges::any_of(change.tasks, [this](const auto& task) {
        return !task->clean && kinds.has_cleanup(task->kind);
    });
}

void TaskRunner::Core::report_ready() {
    for (const ChangeId id : state.take_ready()) {
        const ChangePtr change = state.find(id);
        if (change == nullptr) {
            continue;
        }
        if (needs_cleaning(*change)) {
            unclean.insert(id);
            again = true;
        }
        const ChangeView view = view_of(*change);
        log::info("change {} ({}) has ended: {}", id, view.summary, to_string(view.status));
        for (std::size_t i = 0; i < ready_callbacks.size(); ++i) {
            contained_or_logged("reporting a change that has ended",
                                [&] { ready_callbacks[i](view); });
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
        scheduler.post([weak = weak_from_this(), run] {
            if (const auto self = weak.lock()) {
                self->arm_deadline(run);
            }
        });
        ++executing;
    }
    // One that was stopped before it began has nothing to say.
    TaskOutcome outcome = run->stop().stop_requested() ? TaskRetry{} : run->call();
    const std::lock_guard lock(mutex);
    contained_or_logged("noting the end of a task", [&] {
        ended.push_back({run, std::move(outcome)});
    });
    // Under the lock: once executing is 0 the scheduler may be gone.
    post_pass();
    --executing;
    quiet.notify_all();
}

void TaskRunner::Core::post_pass() {
    if (pass_posted.exchange(true)) {
        return;
    }
    const bool posted = contained_or_logged("asking for a turn of the tasks", [this] {
        scheduler.post([weak = weak_from_this()] {
            if (const auto self = weak.lock()) {
                self->pass();
            }
        });
    });
    if (!posted) {
        pass_posted = false;
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
    grace_timer.reset();
    lock.lock();
    quiet.wait(lock, [this] { return executing == 0; });
}

TaskRunner::TaskRunner(State& state, Clock& clock, Scheduler& scheduler, WorkerPool& workers)
    : TaskRunner(state, clock, scheduler, [&workers](std::function<void()> job) {
          workers.submit(std::move(job));
      }) {}

TaskRunner::TaskRunner(State& state, Clock& clock, Scheduler& scheduler, Submit submit)
    : core_(std::make_shared<Core>(state, clock, scheduler, std::move(submit))) {
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
    core_->kinds.add(kind, std::move(handlers));
}

void TaskRunner::add_rule(SchedulingRule rule) {
    core_->rules.push_back(std::move(rule));
}

void TaskRunner::ensure() {
    if (!std::exchange(core_->begun, true)) {
        core_->find_unclean();
    }
    core_->delays.release_soon();
    core_->pass();
}

void TaskRunner::on_change_ready(std::function<void(const ChangeView&)> callback) {
    core_->ready_callbacks.push_back(std::move(callback));
}

bool TaskRunner::idle() const {
    return busy_with().empty();
}

std::string TaskRunner::busy_with() const {
    const Core& core = *core_;
    for (const auto& [id, run] : core.running) {
        if (!run->ended) {
            return fmt::format("task {} ({}) of change {} runs", id, run->kind(), run->change());
        }
    }
    if (core.again) {
        return "a pass is due";
    }
    std::set<std::string> subjects;
    for (const ChangePtr& change : core.state.unready()) {
        if (core.stopping ||
            (!change->subject.empty() && !subjects.insert(change->subject).second)) {
            continue;
        }
        for (std::size_t i = 0; i < change->tasks.size(); ++i) {
            const TaskRecord& task = *change->tasks[i];
            if (core.running.contains(task.id)) {
                continue;  // it has ended, and waits for the disk
            }
            if (task.status == TaskStatus::Abort || core.may_start(*change, i)) {
                return fmt::format("task {} ({}) of change {} is to go on from {}", task.id,
                                   task.kind, change->id, to_string(task.status));
            }
        }
    }
    return {};
}

void TaskRunner::stop(Duration grace, std::function<void()> done) {
    core_->stopping = true;
    core_->stopped = std::move(done);
    core_->wake_timer.reset();
    core_->grace_timer = core_->scheduler.after(grace, [core = core_.get()] {
        core->cut = true;
        for (const auto& [id, run] : core->running) {
            run->stop_source.request_stop();
        }
    });
    core_->post_pass();
}

}  // namespace podreeve::state
