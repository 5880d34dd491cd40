#include "agent/supervise/governor.h"

#include <algorithm>

namespace podreeve::supervise {

void Governor::refill(SteadyTime now) {
    if (begun_ && now > last_) {
        const double passed = std::chrono::duration<double>(now - last_).count();
        tokens_ = std::min(burst_, tokens_ + passed * per_second_);
    }
    last_ = now;
    begun_ = true;
}

bool Governor::take(SteadyTime now) {
    refill(now);
    if (tokens_ < 1) {
        return false;
    }
    tokens_ -= 1;
    return true;
}

Duration Governor::until_next(SteadyTime now) {
    refill(now);
    if (tokens_ >= 1) {
        return Duration::zero();
    }
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>((1 - tokens_) / per_second_));
}

}  // namespace podreeve::supervise
