#include "runtime/systemd/notify.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include "runtime/base/clock.h"

namespace podreeve::systemd {
namespace {

using std::chrono::ceil;
using std::chrono::duration_cast;
using std::chrono::microseconds;

Status notify(const std::string& state) {
    if (const int r = sd_notify(0, state.c_str()); r < 0) {
        return errno_error("notify systemd", -r);
    }
    return {};
}

}  // namespace

Status notify_ready() {
    return notify("READY=1");
}

Status notify_status(std::string_view text) {
    // A line break would start another assignment of the protocol.
    std::string line = fmt::format("STATUS={}", text);
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r' || c == '\0'; }, ' ');
    return notify(line);
}

Status notify_reloading() {
    // With Type=notify-reload systemd waits for a time of the message later than its signal.
    const auto now = SystemClock().steady_now().time_since_epoch();
    return notify(
        fmt::format("RELOADING=1\nMONOTONIC_USEC={}", duration_cast<microseconds>(now).count()));
}

Status notify_stopping() {
    return notify("STOPPING=1");
}

Status notify_extend_timeout(Duration longer) {
    return notify(fmt::format("EXTEND_TIMEOUT_USEC={}",
                              std::max<std::int64_t>(0, ceil<microseconds>(longer).count())));
}

}  // namespace podreeve::systemd
