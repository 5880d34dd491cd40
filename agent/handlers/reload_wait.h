#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>

#include "agent/state/task.h"
#include "runtime/base/clock.h"
#include "runtime/base/mutex.h"

namespace podreeve::handlers {

// How long one daemon-reload waits for other apps' unit files, so that it reads those too: for the
// writes that are ahead at its first looks, until all that the pass has planned are committed, and
// as long as they go on. Those that come later have a reload of their own, or it might never end.
class ReloadWait {
  public:
    // Nothing: it waits no longer. Zero: until the pass has ended. ahead: the writes that have not
    // ended, all that there are when all_committed.
    std::optional<Duration> look(const std::set<state::TaskId>& ahead,
                                 bool all_committed,
                                 SteadyTime now);

    SteadyTime looked() const { return looked_; }

    // One who writes may hang; the others' units are not to wait for him.
    static constexpr std::chrono::seconds kNothingMoves{5};

  private:
    bool is_moving(const std::set<state::TaskId>& ahead);

    std::set<state::TaskId> writes_;
    bool more_to_come_ = true;
    std::optional<SteadyTime> moved_;
    SteadyTime looked_{};
    int looks_ = 0;
};

// By the task that wants the reload.
using ReloadWaits = Guarded<std::map<state::TaskId, ReloadWait>>;

}  // namespace podreeve::handlers
