#pragma once

#include <functional>

#include "runtime/base/clock.h"

namespace podreeve::loop {

// Makes one call of many: fn runs once it has been quiet for `quiet`, and at the latest `longest`
// after the first touch since the last call. Belongs to the loop thread.
class Debounce {
  public:
    Debounce(Clock& clock,
             Scheduler& scheduler,
             Duration quiet,
             Duration longest,
             std::function<void()> fn);

    void touch();

  private:
    void look();

    Clock& clock_;
    Scheduler& scheduler_;
    Duration quiet_;
    Duration longest_;
    std::function<void()> fn_;
    bool waiting_ = false;
    SteadyTime first_{};
    SteadyTime last_{};
    TimerHandle timer_;
};

}  // namespace podreeve::loop
