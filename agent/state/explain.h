#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/state/records.h"
#include "agent/state/runner_state.h"

// Why a task has not ended, as values: nothing has to be read out of a text.
namespace podreeve::state {

enum class Holdup {
    Running,      // nothing holds it up: its handler runs
    Starting,     // nothing holds it up: it is begun by the next pass of the runner
    Stopping,     // it was aborted, and its handler has been told to stop
    Retrying,     // its handler is run again at `until`
    Waiting,      // until somebody resumes it; `detail` says for what
    Predecessor,  // `tasks` have to be done first
    Successor,    // it is undone once `tasks` have ended
    Queued,       // `change`, of the same subject, has to end first
    Blocked,      // a rule keeps it from running beside others; `detail` says which
    Full,         // as many of its kind run as may
    ReadOnly,     // the store cannot be written, so that nothing new is begun
    Ending,       // the agent ends: the next one goes on
    Stuck,        // it can never start; the runner ends it with an Error
};

std::string_view to_string(Holdup holdup);

struct Explanation {
    TaskId task = 0;
    TaskStatus status = TaskStatus::Do;
    Holdup holdup = Holdup::Running;
    std::vector<TaskId> tasks{};
    ChangeId change = 0;
    std::optional<WallTime> until{};
    std::string detail{};

    // The same for people: "waits for task 3".
    std::string text() const;
};

// What is known around a change.
struct Surroundings {
    RunnerState situation{};
    ChangeId behind = 0;  // the change it is queued behind; 0: none
    bool read_only = false;
};

// One for each task that is not ready, in their order.
std::vector<Explanation> explain(const ChangeRecord& change, const Surroundings& around);

// The tasks of a change in which nothing runs, waits or could ever start, though it has not ended:
// those to be given up, so that the rest goes on. Empty for every other change.
std::vector<std::size_t> stuck_tasks(const ChangeRecord& change);

}  // namespace podreeve::state
