#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/state/state.h"
#include "agent/state/task.h"
#include "runtime/base/clock.h"
#include "runtime/base/worker_pool.h"

namespace podreeve::state {

// Carries out the tasks of all changes: picks those that may run, in order of their ids, gives them
// to the workers and writes down how they ended. ensure() and the callbacks belong to the
// scheduler's thread; handlers run on workers.
class TaskRunner {
  public:
    TaskRunner(State& state, Clock& clock, Scheduler& scheduler, WorkerPool& workers);
    ~TaskRunner();

    // The kinds must all be there before the first ensure(); a task of an unknown kind ends in
    // Error.
    void add_handlers(const std::string& kind, TaskHandlers handlers);
    // Starts what can be started; called again by itself when a task ends or a retry is due.
    void ensure();
    // Called once a change has become ready, on the scheduler's thread.
    void on_change_ready(std::function<void(const ChangeView&)> callback);
    // Nothing is running and nothing could be started now.
    bool idle() const;
    // No new task is started; running ones get grace, then their stop token; what they return then
    // counts as Retry, so that the next start resumes them. done is called when none is left.
    void stop(Duration grace, std::function<void()> done);

  private:
    struct Core;
    std::shared_ptr<Core> core_;  // also held by jobs that have not begun
};

}  // namespace podreeve::state
