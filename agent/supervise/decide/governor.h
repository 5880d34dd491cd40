#pragma once

#include "runtime/base/clock.h"

namespace podreeve::supervise {

// Restarts of crash loops over all apps together: five at once, and on average one a second. What
// ran well before it ended is not counted, so fifty containers that keep crashing never slow the
// repair of a healthy one by more than these starts cost. They come in batches, since each start
// ends in looks at everything, and those of one batch are looked at together.
inline constexpr double kGovernorBurst = 5;
inline constexpr double kGovernorPerSecond = 1;

// A token bucket that, once empty, opens again when it is full. One thread.
class Governor {
  public:
    explicit Governor(double burst = kGovernorBurst, double per_second = kGovernorPerSecond)
        : burst_(burst), per_second_(per_second), tokens_(burst) {}

    // Takes a token; false while there is none to be had.
    bool take(SteadyTime now);
    // How long until there is one again; zero when there is.
    Duration until_next(SteadyTime now);

  private:
    void refill(SteadyTime now);

    double burst_, per_second_, tokens_;
    SteadyTime last_{};
    bool begun_ = false;
    bool closed_ = false;
};

}  // namespace podreeve::supervise
