#pragma once

#include <map>
#include <optional>
#include <set>

#include "agent/state/records.h"
#include "runtime/base/clock.h"

namespace podreeve::state {

// No handler asks to be left alone for longer.
inline constexpr std::chrono::minutes kLongestDelay{6};

// When the tasks that answered Retry may run again. Steady time once a task was seen: the wall
// clock is only believed for what an earlier process left behind. The scheduler's thread alone.
class Delays {
  public:
    explicit Delays(const Clock& clock) : clock_(clock) {}

    // From now; zero: at the next ensure, or soon after.
    void retry(TaskId id, Duration after);
    void forget(TaskId id);
    // Those without a time are due now.
    void release_soon();

    // A pass carries over what keep() is told of, and drops the delays of tasks that have moved on.
    void begin_pass();
    void keep(const TaskRecord& task);

    // How long the task has to wait still; zero or less: not at all. Only a retry is ever delayed,
    // not what an abort made of it.
    Duration left(const TaskRecord& task) const;
    // Until the next that is not due yet. One that is due and was not started waits for room, and
    // the end of another task is a pass.
    std::optional<Duration> next() const;

  private:
    const Clock& clock_;
    std::map<TaskId, SteadyTime> due_;
    std::map<TaskId, SteadyTime> former_;
    std::set<TaskId> soon_;
};

}  // namespace podreeve::state
