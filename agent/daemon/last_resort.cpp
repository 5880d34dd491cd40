#include "agent/daemon/last_resort.h"

#include <utility>

#include "runtime/base/contained.h"
#include "runtime/base/log.h"
#include "runtime/base/one_shot.h"
#include "runtime/base/patience.h"
#include "runtime/base/thread.h"

namespace podreeve::daemon {
namespace {

// What throws here keeps nobody from the end.
void end(const LastResort::Calls& calls, const LastResort::Limits& limits) {
    contained_or_logged("ending at once", [&] {
        log::error("ending at once: not all has ended within {}: {}", to_short_text(limits.end),
                   calls.left());
    });
    contained_or_logged("closing the store", [&] {
        Patience patience(limits.close);
        if (!patience.run("the store", calls.close)) {
            log::error("the store could not be closed within {}; what was committed is in it",
                       to_short_text(limits.close));
        }
    });
    calls.exit();
}

}  // namespace

LastResort::LastResort(Calls calls, Limits limits)
    : thread_(begin_stoppable("the last resort",
                              [calls = std::move(calls), limits](std::stop_token stop) {
                                  OneShot<bool> never;
                                  never.wait_for(limits.end, stop);
                                  if (!stop.stop_requested()) {
                                      end(calls, limits);
                                  }
                              })) {}

}  // namespace podreeve::daemon
