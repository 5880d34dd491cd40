#pragma once

#include <stop_token>
#include <utility>

#include "runtime/base/clock.h"

namespace podreeve::systemd {

// How long a call may take (Timeout) and what ends it early (Cancelled). Every call has both.
struct Call {
    template <class Rep, class Period>
    Call(std::chrono::duration<Rep, Period> within, std::stop_token until = {})
        : timeout(within), stop(std::move(until)) {}

    Duration timeout;
    std::stop_token stop;
};

}  // namespace podreeve::systemd
