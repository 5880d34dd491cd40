#include "agent/reconcile/pace.h"

#include <algorithm>

namespace podreeve::reconcile {

void Pace::began(SteadyTime now) {
    begins_.push_back(now);
    if (begins_.size() > kFree) {
        begins_.pop_front();
    }
}

Duration Pace::put_off(SteadyTime now) const {
    if (begins_.size() < kFree || now - begins_.front() >= kWithin) {
        return {};
    }
    return std::max<Duration>(begins_.back() + pause_ - now, Duration::zero());
}

}  // namespace podreeve::reconcile
