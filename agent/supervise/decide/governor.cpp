#include "agent/supervise/decide/governor.h"

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
    closed_ = closed_ ? tokens_ < burst_ : tokens_ < 1;
    if (closed_) {
        return false;
    }
    tokens_ -= 1;
    return true;
}

Duration Governor::until_next(SteadyTime now) {
    refill(now);
    if (!closed_ && tokens_ >= 1) {
        return Duration::zero();
    }
    return std::chrono::ceil<std::chrono::milliseconds>(
        std::chrono::duration<double>((burst_ - tokens_) / per_second_));
}

}  // namespace podreeve::supervise
