#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace podreeve::state {

using ChangeId = std::int64_t;
using TaskId = std::int64_t;

// The numbers are stored; never renumber, only add.
enum class TaskStatus {
    Default = 0,
    Hold = 1,
    Do = 2,
    Doing = 3,
    Done = 4,
    Abort = 5,
    Undo = 6,
    Undoing = 7,
    Undone = 8,
    Error = 9,
    Wait = 10
};

std::string_view to_string(TaskStatus status);
bool is_ready(TaskStatus status);  // Done, Undone, Hold, Error

struct LogLine {
    WallTime time{};
    bool is_error = false;
    std::string text;
    friend bool operator==(const LogLine&, const LogLine&) = default;
};

struct Progress {
    std::string label;
    std::int64_t done = 0, total = 1;
    friend bool operator==(const Progress&, const Progress&) = default;
};

// A task as it stands, copied out of the state.
struct TaskView {
    TaskId id = 0;
    ChangeId change = 0;
    std::string kind, summary;
    TaskStatus status = TaskStatus::Do;
    int lane = 0;
    std::vector<int> also_lanes;
    std::vector<TaskId> after;  // waits for these
    Progress progress;
    std::vector<LogLine> log;          // the last ten lines
    std::string data;                  // JSON object as text
    std::string wait_reason;           // of Wait and of a Retry
    std::optional<TaskStatus> waited;  // of Wait: what it becomes when it is resumed
    std::optional<WallTime> at;        // not before
    WallTime created{}, ready{};
    Duration doing{}, undoing{};  // that its handlers have run, all together
    bool clean = false;           // its cleanup handler is done
};

struct ChangeView {
    ChangeId id = 0;
    std::string kind, summary;
    std::string subject;  // the app it is about; one change a subject is under way at a time
    ChangeId behind = 0;  // of the same subject, and has to end before this one begins; or 0
    TaskStatus status = TaskStatus::Do;  // derived from the tasks
    std::string error;                   // "cannot perform the following tasks:\n- …", or empty
    std::string data;                    // JSON object as text
    std::vector<TaskView> tasks;
    WallTime created{}, ready{};
    bool is_ready = false;
};

// What a new change consists of. after: indexes into tasks. A task that is in further lanes too is
// spared by the failure of one of them as long as another is wholly alive.
struct NewTask {
    std::string kind{}, summary{};
    std::string data = "{}";
    int lane = 1;
    std::vector<std::size_t> after{};
    std::vector<int> also_lanes{};
};

// What becomes of something that cannot be written now. Refused: it has not happened, and the call
// says why. Kept: it stands in the memory until it can be written, for what a kill may cost, since
// the next look at the world tells it again: the repair of what runs, counters, events.
enum class Unwritten { Refused, Kept };

struct NewChange {
    std::string kind{}, summary{}, subject{};
    std::string data = "{}";
    std::vector<NewTask> tasks{};
    Unwritten unwritten = Unwritten::Refused;
};

// How a handler ended.
struct TaskDone {};

struct TaskRetry {
    Duration after{};
    std::string why;
};

struct TaskWait {
    std::string why;
    // What it becomes when it is resumed. Default: Done, of an undo Undone. Do (Undo): its handler
    // is run again.
    TaskStatus then = TaskStatus::Default;
};

using TaskOutcome = std::variant<TaskDone, TaskRetry, TaskWait, Error>;

// What a handler sees of its task. Lives for one run of a handler, on a worker thread.
class TaskContext {
  public:
    virtual ~TaskContext() = default;
    virtual TaskId id() const = 0;
    virtual const std::string& kind() const = 0;
    virtual const std::string& subject() const = 0;
    virtual const nlohmann::json& data() const = 0;
    virtual const nlohmann::json& change_data() const = 0;
    // Merges patch into the task's data and commits it before it returns: what an undo will need
    // has to be written before the outside is touched.
    virtual Status save(const nlohmann::json& patch) = 0;
    virtual void log(std::string text) = 0;
    virtual void progress(Progress progress) = 0;
    virtual std::stop_token stop() const = 0;
};

using TaskHandler = std::function<TaskOutcome(TaskContext&)>;

// do is run at least once and perhaps again after a kill: it looks first, then acts. undo may be
// empty: then undoing leaves the task as Done. cleanup, where there is one, is run once the whole
// change has ended, however it did, until it says done; it can neither fail nor undo anything.
struct TaskHandlers {
    TaskHandler run{};
    TaskHandler undo{};
    TaskHandler cleanup{};
    Duration deadline = std::chrono::minutes(10);
    unsigned limit = 4;  // how many of its sort may run at once
    // Kinds of one sort count together; empty: this kind alone.
    std::string sort{};
    // How many of those one app may take while another waits for one of them; 0: all.
    unsigned share = 0;
};

}  // namespace podreeve::state
