#include "runtime/systemd/notify.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include "runtime/base/clock.h"
#include "runtime/base/contained.h"

namespace podreeve::systemd {
namespace {

using std::chrono::ceil;
using std::chrono::duration_cast;
using std::chrono::microseconds;

// words: gives what is to be said. What throws is an error like any other: to tell systemd is worth
// no more.
template <class Words>
Status notify(Words words) {
    int notified = 0;
    if (const auto thrown = contained([&] { notified = sd_notify(0, words().c_str()); })) {
        return fail(Code::Internal, "cannot notify systemd: internal error: " + *thrown);
    }
    return notified < 0 ? errno_error("notify systemd", -notified) : Status();
}

Status notify_line(const char* line) {
    return notify([line] { return std::string(line); });
}

}  // namespace

Status notify_ready() {
    return notify_line("READY=1");
}

Status notify_status(std::string_view text) {
    return notify([text] {
        // A line break would start another assignment of the protocol.
        std::string line = fmt::format("STATUS={}", text);
        std::replace_if(
            line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r' || c == '\0'; },
            ' ');
        return line;
    });
}

Status notify_reloading() {
    // With Type=notify-reload systemd waits for a time of the message later than its signal.
    const auto now = SystemClock().steady_now().time_since_epoch();
    return notify([now] {
        return fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                           duration_cast<microseconds>(now).count());
    });
}

Status notify_stopping() {
    return notify_line("STOPPING=1");
}

Status notify_watchdog() {
    return notify_line("WATCHDOG=1");
}

Status notify_extend_timeout(Duration longer) {
    return notify([longer] {
        return fmt::format("EXTEND_TIMEOUT_USEC={}",
                           std::max<std::int64_t>(0, ceil<microseconds>(longer).count()));
    });
}

}  // namespace podreeve::systemd
