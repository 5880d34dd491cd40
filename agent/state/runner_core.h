#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/state/core.h"
#include "agent/state/delays.h"
#include "agent/state/runner_state.h"
#include "agent/state/running_task.h"
#include "agent/state/task_kinds.h"
#include "agent/state/task_runner.h"

// The inside of TaskRunner: what a pass does is in runner_pass.cpp, how runs come and go in
// task_runner.cpp.
namespace podreeve::state {

using RunPtr = std::shared_ptr<RunningTask>;

struct EndedRun {
    RunPtr run;
    TaskOutcome outcome;
};

// What a pass is about to start, and what runs then.
struct Starting {
    std::vector<RunPtr> runs;
    std::map<std::string, unsigned> busy;  // of each sort
    // Of each sort, by app: how many run, and who could begin more.
    std::map<std::string, std::map<std::string, unsigned>> taken;
    std::map<std::string, std::set<std::string>> waiting;
    std::vector<TaskRef> running;
    std::map<std::string, ChangeId> first;  // the change of each subject that is under way
    std::map<TaskId, std::string> blocked;
    std::map<TaskId, unsigned> full;
    std::vector<ChangeId> cleaned;  // nothing of these is left to clean
};

// Everything but the members under mutex belongs to the scheduler's thread.
struct TaskRunner::Core : std::enable_shared_from_this<TaskRunner::Core> {
    Core(State& the_state, Clock& the_clock, Scheduler& the_scheduler, Submit the_submit)
        : state(the_state.core()),
          clock(the_clock),
          scheduler(the_scheduler),
          submit(std::move(the_submit)),
          delays(the_clock) {}

    // One round: writes down what has ended, starts what can be started, both in one transaction.
    void pass();
    Status write_round(Starting& starting);

    void take_outcome(Transaction& transaction, const EndedRun& ended);
    TaskOutcome evaluate(const EndedRun& ended, TaskStatus status) const;
    void carry_out(ChangeDraft& change, std::size_t position, const TaskOutcome& outcome);
    void fail_task(ChangeDraft& change, std::size_t position, Trigger trigger, const Error& error);
    void resolve_cleanup(ChangeDraft& change, std::size_t position, const TaskOutcome& outcome);

    void go_on(Transaction& transaction, ChangeId id, Starting& starting);
    bool is_queued(const Transaction& transaction, ChangeId id, Starting& starting) const;
    void give_up_undo(Transaction& transaction, ChangeId id);
    void advance(Transaction& transaction, ChangeId id);
    bool advance_without_handler(Transaction& transaction, ChangeId id, std::size_t position);
    void start_candidates(Transaction& transaction, ChangeId id, Starting& starting);
    void note_waiting(const Transaction& transaction, Starting& starting);
    void note_busy(const std::string& kind, const std::string& subject, Starting& starting) const;
    bool has_its_share(const TaskRef& task, const Starting& starting) const;
    bool is_let_through(const TaskRef& task, Starting& starting) const;
    void begin(Transaction& transaction, ChangeId id, std::size_t position, Starting& starting);
    void start_cleanups(Transaction& transaction, Starting& starting);
    void end_what_is_held(Transaction& transaction, const Starting& starting);

    Starting count_busy() const;
    void launch(const std::vector<RunPtr>& starting);
    void arm_deadline(const RunPtr& run);
    void stop_aborted();
    bool is_running(TaskId id) const;
    bool may_start(const ChangeRecord& change, std::size_t position) const;

    void arm_wake_timer();
    void publish(const Starting& starting);
    void report_ready();
    void finish_stop();
    void find_unclean();
    bool needs_cleaning(const ChangeRecord& change) const;

    void execute(const RunPtr& run);
    void collect_ended();
    void post_pass();
    void close();

    State::Core& state;
    Clock& clock;
    Scheduler& scheduler;
    Submit submit;

    TaskKinds kinds;
    std::vector<SchedulingRule> rules;
    std::map<TaskId, RunPtr> running;
    std::vector<EndedRun> unsaved;  // ended, and not yet written down; still in running
    Delays delays;
    std::set<ChangeId> unclean;                // ready, and with cleanups to be done
    std::map<TaskId, SteadyTime> clean_again;  // when a cleanup that failed is tried again
    std::vector<std::function<void(const ChangeView&)>> ready_callbacks;
    TimerHandle wake_timer, grace_timer;
    bool begun = false;  // the first ensure() was
    bool again = false;  // a pass has made room for another
    bool stopping = false;
    bool cut = false;  // stopping, and the grace is over
    std::function<void()> stopped;

    std::atomic<bool> pass_posted = false;
    std::mutex mutex;
    std::condition_variable quiet;
    std::vector<EndedRun> ended;  // under mutex
    std::size_t executing = 0;    // under mutex
    bool closed = false;          // under mutex
};

}  // namespace podreeve::state
