#include "runtime/base/clock.h"

#include <cstdint>
#include <ctime>
#include <string_view>

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
    // Whole seconds as nanoseconds would be beyond what is held, of the earliest time there is.
    const auto since = floor<milliseconds>(time.time_since_epoch());
    const auto whole = floor<seconds>(since);
    const auto fraction = (since - whole).count();
    const std::time_t stamp = static_cast<std::time_t>(whole.count());
    std::tm parts{};
    gmtime_r(&stamp, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                       fraction);
}

namespace {

// What is left of a text that is read from its front. Once something did not fit, nothing does.
struct TimeReader {
    std::string_view rest;
    bool failed = false;

    bool take(char c) {
        const bool there = !failed && rest.starts_with(c);
        rest.remove_prefix(there ? 1 : 0);
        return there;
    }

    void expect(char c) { failed = !take(c) || failed; }

    bool at_digit() const { return !rest.empty() && rest.front() >= '0' && rest.front() <= '9'; }

    // A number of exactly so many digits, within bounds.
    unsigned number(int digits, unsigned least, unsigned most) {
        unsigned value = 0;
        for (int i = 0; i < digits && !failed; ++i) {
            failed = !at_digit();
            if (!failed) {
                value = value * 10 + static_cast<unsigned>(rest.front() - '0');
                rest.remove_prefix(1);
            }
        }
        failed = failed || value < least || value > most;
        return value;
    }

    // ".123456789", or nothing; what is finer than nanoseconds is cut off.
    nanoseconds fraction() {
        if (!take('.')) {
            return nanoseconds(0);
        }
        failed = failed || !at_digit();
        std::int64_t value = 0;
        std::int64_t scale = 1'000'000'000;
        for (; at_digit(); rest.remove_prefix(1)) {
            if (scale > 1) {
                value = value * 10 + (rest.front() - '0');
                scale /= 10;
            }
        }
        return nanoseconds(value * scale);
    }

    seconds offset() {
        if (take('Z')) {
            return seconds(0);
        }
        const bool west = take('-');
        if (!west) {
            expect('+');
        }
        const hours whole(number(2, 0, 23));
        expect(':');
        const minutes part(number(2, 0, 59));
        return west ? -(whole + part) : whole + part;
    }
};

sys_days read_date(TimeReader& reader) {
    const year y(static_cast<int>(reader.number(4, 0, 9999)));
    reader.expect('-');
    const month m(reader.number(2, 1, 12));
    reader.expect('-');
    const day d(reader.number(2, 1, 31));
    const year_month_day date(y, m, d);
    reader.failed = reader.failed || !date.ok();
    return reader.failed ? sys_days() : sys_days(date);
}

seconds read_time_of_day(TimeReader& reader) {
    const hours h(reader.number(2, 0, 23));
    reader.expect(':');
    const minutes m(reader.number(2, 0, 59));
    reader.expect(':');
    // 60 is a leap second, which counts as the first of the next minute.
    const seconds s(reader.number(2, 0, 60));
    return h + m + s;
}

}  // namespace

Result<WallTime> parse_rfc3339(const std::string& text) {
    TimeReader reader{text};
    const sys_days date = read_date(reader);
    reader.expect('T');
    const seconds time_of_day = read_time_of_day(reader);
    const nanoseconds fraction = reader.fraction();
    const seconds offset = reader.offset();
    if (reader.failed || !reader.rest.empty()) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot read the time '{}': write it as 2024-12-31T23:59:59Z",
                                text.substr(0, 40)));
    }
    const sys_seconds whole = sys_seconds(date) + time_of_day - offset;
    // The nanoseconds since 1970 that fit into 64 bits, less a second for the fraction.
    if (whole < floor<seconds>(WallTime::min()) + seconds(2) ||
        whole > floor<seconds>(WallTime::max()) - seconds(2)) {
        return fail(
            Code::InvalidArgument,
            fmt::format("cannot hold the time '{}': it is not between 1678 and 2262", text));
    }
    return WallTime(whole) + fraction;
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
