#include "runtime/base/clock.h"

#include <ctime>

#include <fmt/format.h>

namespace podreeve {

using namespace std::chrono;

SteadyTime SystemClock::steady_now() const {
    return time_point_cast<Duration>(steady_clock::now());
}

WallTime SystemClock::system_now() const {
    return time_point_cast<Duration>(system_clock::now());
}

std::string to_rfc3339(WallTime time) {
    const auto whole = floor<seconds>(time);
    const auto fraction = duration_cast<milliseconds>(time - whole).count();
    const std::time_t stamp = static_cast<std::time_t>(whole.time_since_epoch().count());
    std::tm parts{};
    gmtime_r(&stamp, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                       fraction);
}

namespace {

// Reads ".123456789" at rest as nanoseconds and moves rest behind it.
nanoseconds take_fraction(const char*& rest) {
    std::int64_t value = 0;
    std::int64_t scale = 1'000'000'000;
    if (*rest != '.') {
        return nanoseconds(0);
    }
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest) {
        if (scale > 1) {
            value = value * 10 + (*rest - '0');
            scale /= 10;
        }
    }
    return nanoseconds(value * scale);
}

}  // namespace

Result<WallTime> parse_rfc3339(const std::string& text) {
    std::tm parts{};
    const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr) {
        return fail(Code::InvalidArgument, fmt::format("cannot read the time '{}'", text));
    }
    const nanoseconds fraction = take_fraction(rest);
    seconds offset(0);
    if (*rest == '+' || *rest == '-') {
        int hours = 0;
        int mins = 0;
        if (std::sscanf(rest + 1, "%2d:%2d", &hours, &mins) != 2) {
            return fail(Code::InvalidArgument, fmt::format("cannot read the time '{}'", text));
        }
        offset = (*rest == '-' ? -1 : 1) * (seconds(hours * 3600) + seconds(mins * 60));
    }
    return WallTime(seconds(timegm(&parts))) - offset + fraction;
}

std::string to_short_text(Duration duration) {
    struct Unit {
        nanoseconds size;
        const char* name;
    };

    static constexpr Unit kUnits[] = {{hours(24), "d"},        {hours(1), "h"},
                                      {minutes(1), "m"},       {seconds(1), "s"},
                                      {milliseconds(1), "ms"}, {nanoseconds(1), "ns"}};
    for (const Unit& unit : kUnits) {
        if (duration >= unit.size) {
            return fmt::format("{}{}", duration / unit.size, unit.name);
        }
    }
    return "0s";
}

}  // namespace podreeve
