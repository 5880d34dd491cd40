#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "agent/state/transitions.h"

// What the engine does, told a second time and as plainly as can be: no store, no threads, no
// batches, everything looked up anew at each step. It shares the table of transitions with the
// engine, and nothing else. Times are whole milliseconds.
namespace podreeve::state::model {

using Ms = std::int64_t;

// How the handler of a task ends.
enum class Answer { Done, Fail, RetrySoon, RetryLater, Wait, WaitAgain, WaitNonsense, Cancelled };

inline constexpr Ms kRetryLater = 7000;
inline constexpr Ms kRetrySoon = 100;

struct Kind {
    bool known = true, undo = true;
    unsigned limit = 2;
};

struct Task {
    TaskId id = 0;
    std::string kind;
    std::vector<std::size_t> after;  // waits for these
    std::vector<int> lanes;
    TaskStatus status = TaskStatus::Do;
    TaskStatus waited = TaskStatus::Default;
    std::optional<Ms> at;  // stored: not before
    bool hung = false;     // stored: it has answered Retry and was not begun again
    // Not stored:
    std::optional<Ms> due;  // not before
    bool soon = false;      // and the next ensure lets it go
    bool running = false;
    bool told_to_stop = false;
};

struct Change {
    ChangeId id = 0;
    std::string subject;
    std::vector<Task> tasks;
    bool ready = false;
    bool is_undo = false;
    bool aborted = false;        // stored: by a person
    bool undo_given_up = false;  // stored
    ChangeId undoes = 0;
    std::optional<Ms> superseded;
};

// Wait counts as what it waits to become.
TaskStatus effective(const Task& task);
bool all_ready(const Change& change);

class Model {
  public:
    std::map<std::string, Kind> kinds;
    std::map<ChangeId, Change> changes;
    Ms now = 0;

    // What people ask for; each wants a pass.
    bool add(Change change, bool queue, bool supersede);
    bool abort(ChangeId id);
    void supersede(ChangeId id);
    bool resume(TaskId id);
    bool undo(ChangeId id, ChangeId new_id, TaskId first_task);

    // The handler of a running task has ended.
    void ended(TaskId id, Answer reply);
    // Passes that are wanted are made; with failing, the first that would write something writes
    // nothing.
    void run_posted();
    void ensure();
    void advance(Ms duration);
    void restart();
    bool failing = false;

    // The tasks whose handlers run, in the order in which they were started.
    std::vector<TaskId> running;

    const Task& task(TaskId id) const;
    TaskStatus status(const Change& change) const;

  private:
    struct End {
        TaskId task;
        Answer reply;
    };

    Task& find(TaskId id);
    Change& change_of(TaskId id);
    void post();
    void pass();
    void pass_over_all();
    void roll_back(const std::map<ChangeId, Change>& kept);
    void run_until_idle(const End& end);
    void give_up_undo(Change& change);
    void move(Task& task, Trigger trigger);
    void fail(Change& change, std::size_t position, Trigger trigger);
    void abort_lanes(Change& change, std::vector<int> lanes);
    void abort_tasks(Change& change,
                     std::vector<std::size_t> tasks,
                     std::vector<int>& aborted,
                     std::vector<bool>& seen);
    void abort_lanes_of(Change& change,
                        const std::vector<int>& lanes,
                        std::vector<int>& aborted,
                        std::vector<bool>& seen);
    void supersede(Change& change);
    void advance_quietly(Change& change);
    void start(Change& change);
    void give_up(Change& change);
    bool free_to_go(const Change& change, std::size_t position) const;
    bool is_queued(const Change& change) const;
    bool held_by_rule(const Change& change, const Task& task) const;
    void note_ready(Change& change);
    bool write(bool changed);
    void set_timer();
    std::vector<std::tuple<TaskStatus, TaskStatus, std::optional<Ms>, bool>> stored() const;

    std::vector<End> ends_;
    std::vector<TaskId> started_;  // in this pass
    std::vector<TaskId> held_;     // by a rule, in this pass
    bool read_only_ = false;       // the last write failed
    bool wanted_ = false;
    int posted_ = 0;
    bool again_ = false;
    std::optional<Ms> timer_;  // as the last pass has set it
};

}  // namespace podreeve::state::model
