#pragma once

#include <ctime>

#include "runtime/base/clock.h"

namespace podreeve::fakes {

// What this thread has computed so far: a bound on it says how much is done, and not how busy the
// machine is with others meanwhile.
inline Duration cpu_time() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace podreeve::fakes
