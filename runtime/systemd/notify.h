#pragma once

#include <string_view>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace podreeve::systemd {

// What a service of Type=notify tells systemd about itself; see sd_notify(3). Without
// $NOTIFY_SOCKET, which systemd sets for such a service, each does nothing and succeeds. From any
// thread. The watchdog is fed by Loop::feed_watchdog(), as long as the loop turns.

// Up, or done with reloading.
Status notify_ready();
// One line for `systemctl status`; line breaks in it become blanks.
Status notify_status(std::string_view text);
// Reading its configuration anew; notify_ready() must follow.
Status notify_reloading();
Status notify_stopping();
// Feeds the watchdog once, for a loop that is known to stand still for a reason.
Status notify_watchdog();
// Needs up to so much longer, from now, for the start or the stop it is in.
Status notify_extend_timeout(Duration longer);

}  // namespace podreeve::systemd
