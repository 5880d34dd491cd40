#include "agent/daemon/watchdog.h"

#include <utility>

#include "runtime/base/log.h"

namespace podreeve::daemon {
namespace {

template <class Outcome>
void note(const Outcome& outcome) {
    if (!outcome) {
        log::warn("{}", outcome.error().message);
    }
}

}  // namespace

Result<bool> guard(Agent& agent, Watchdog watchdog) {
    agent.state().disk().on_turn([feed_once = watchdog.feed_once] { note(feed_once()); });
    agent.reconciler().on_hang([watchdog](bool hangs) {
        if (hangs) {
            note(watchdog.starve());
        } else {
            note(watchdog.feed());
        }
    });
    return watchdog.feed();
}

}  // namespace podreeve::daemon
