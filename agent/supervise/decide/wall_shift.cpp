#include "agent/supervise/decide/wall_shift.h"

#include "agent/supervise/failures.h"

namespace podreeve::supervise {

void WallShift::note(WallTime wall, WallTime now) {
    const Duration set = wall - now;
    if (std::chrono::abs(set - by) >= std::chrono::seconds(1)) {
        before = by;
        by = set;
    }
}

WallTime WallShift::shown(WallTime time) const {
    return time == kUntilChanged ? time : time + by;
}

}  // namespace podreeve::supervise
