#pragma once

#include <deque>

#include "runtime/base/clock.h"

namespace podreeve::reconcile {

// How close passes may follow each other: after the third in a second, 50 ms from the begin of one
// to that of the next, so that a flood of events keeps neither a core nor podman's list busy. By
// the steady clock, which is given.
class Pace {
  public:
    explicit Pace(Duration pause = std::chrono::milliseconds(50)) : pause_(pause) {}

    void began(SteadyTime now);
    // How long the next is to be put off; zero: not at all.
    Duration put_off(SteadyTime now) const;

    static constexpr std::size_t kFree = 3;
    static constexpr std::chrono::seconds kWithin{1};

  private:
    Duration pause_;
    std::deque<SteadyTime> begins_;  // the last kFree
};

}  // namespace podreeve::reconcile
