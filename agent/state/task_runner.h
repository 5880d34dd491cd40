#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/state/state.h"
#include "agent/state/task.h"
#include "runtime/base/clock.h"
#include "runtime/base/worker_pool.h"

namespace podreeve::state {

// A task as a rule sees it.
struct TaskRef {
    ChangeId change = 0;
    TaskId id = 0;
    std::string kind{}, subject{};
    bool undoing = false;
    friend bool operator==(const TaskRef&, const TaskRef&) = default;
};

using SchedulingRule = std::function<std::optional<std::string>(
    const TaskRef& task, const std::vector<TaskRef>& running)>;

// Takes a job to be run on another thread, some time.
using Submit = std::function<void(std::function<void()>)>;

// Carries out the tasks of all changes: picks those that may run, in order of their ids, gives them
// to the workers and writes down how they ended. ensure() and the callbacks belong to the
// scheduler's thread; handlers run on workers. A change that can go no further ends in Error: see
// stuck_tasks() in explain.h. Prune is the caller's business (pruning() in ensure_loop.h).
class TaskRunner {
  public:
    TaskRunner(State& state, Clock& clock, Scheduler& scheduler, WorkerPool& workers);
    TaskRunner(State& state, Clock& clock, Scheduler& scheduler, Submit submit);
    ~TaskRunner();

    // The kinds must all be there before the first ensure(); a task of an unknown kind ends in
    // Error.
    void add_handlers(const std::string& kind, TaskHandlers handlers);
    // A rule that may hold a task back beside those that run: what it says is shown to people, and
    // nullopt lets it start. It may depend on its arguments alone, and is asked again when one of
    // those that run has ended; what it holds back while nothing runs ends in Error.
    void add_rule(SchedulingRule rule);
    // Starts what can be started; called again by itself when a task ends or a retry is due.
    void ensure();
    // Called once a change has become ready, on the scheduler's thread.
    void on_change_ready(std::function<void(const ChangeView&)> callback);
    // Nothing is running and nothing could be started now.
    bool idle() const;
    // What runs or could, for the one who waits that nothing does; empty when idle.
    std::string busy_with() const;
    // No new task is started; running ones get grace, then their stop token; what they return then
    // counts as Retry, so that the next start resumes them. done is called when none is left.
    void stop(Duration grace, std::function<void()> done);

  private:
    struct Core;
    std::shared_ptr<Core> core_;  // also held by jobs that have not begun
};

}  // namespace podreeve::state
