#pragma once

#include "runtime/base/clock.h"

namespace podreeve::supervise {

// How far the wall clock was set since the agent began. What decides goes by a clock that began as
// the wall clock did and goes on evenly, however that is set.
struct WallShift {
    Duration by{};      // as of the last pass
    Duration before{};  // the same before it was set last

    // Finds out whether the clock was set; what drifts is no news.
    void note(WallTime wall, WallTime now);

    // A time of the even clock, as the wall clock will show it.
    WallTime shown(WallTime time) const;

    // A time of the wall clock, as the even clock will have it.
    WallTime as_shown(WallTime time) const { return time - by; }
};

}  // namespace podreeve::supervise
