#pragma once

#include <functional>

#include "agent/daemon/agent.h"
#include "runtime/base/result.h"

namespace podreeve::daemon {

// systemd's watchdog over this process, as the loop feeds it.
struct Watchdog {
    // From now on, for as long as the loop turns; false: nobody asked for it.
    std::function<Result<bool>()> feed;
    // No more, until feed().
    std::function<Status()> starve;
    // This once; from any thread.
    std::function<Status()> feed_once;
};

// Has it fed from now on, but not while a pass hangs (a file on a network that is gone): that is
// nothing the agent can end. systemd ends the agent, and the next one starts where this one stands.
// A disk that does not answer holds the loop, and there an abort would not help: the next agent
// would stand at the same place, in the middle of the same task. So it is fed while somebody waits
// for one. Before the agent starts, on its loop's thread; the agent does not outlive what is
// called.
Result<bool> guard(Agent& agent, Watchdog watchdog);

}  // namespace podreeve::daemon
