#include "runtime/base/clock.h"

#include <gtest/gtest.h>

namespace podreeve {
namespace {

using namespace std::chrono;

WallTime at(std::int64_t ns) {
    return WallTime(nanoseconds(ns));
}

TEST(WallTimeText, IsRfc3339InUtcWithMilliseconds) {
    EXPECT_EQ(to_rfc3339(at(0)), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(to_rfc3339(at(1'735'689'599'123'999'999)), "2024-12-31T23:59:59.123Z");
    EXPECT_EQ(to_rfc3339(at(-1)), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(to_rfc3339(WallTime::min()), "1677-09-21T00:12:43.145Z");
    EXPECT_EQ(to_rfc3339(WallTime::max()), "2262-04-11T23:47:16.854Z");
}

TEST(WallTimeText, IsReadBack) {
    const std::pair<std::string, std::int64_t> rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.5Z", 500'000'000},
        {"1970-01-01T00:00:00.000000001Z", 1},
        {"1970-01-01T00:00:00.0000000019Z", 1},  // finer than a nanosecond
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1969-12-31T23:59:59.999Z", -1'000'000},
        {"2024-02-29T12:00:00Z", 1'709'208'000'000'000'000},
        {"2026-11-21T10:20:30.123456789+01:00", 1'795'252'830'123'456'789},
        {"1970-01-01T00:00:60Z", 60'000'000'000},  // a leap second
    };
    for (const auto& [text, ns] : rows) {
        const auto time = parse_rfc3339(text);
        ASSERT_TRUE(time) << text << ": " << time.error().message;
        EXPECT_EQ(time->time_since_epoch().count(), ns) << text;
    }
    const WallTime now = floor<milliseconds>(SystemClock().system_now());
    EXPECT_EQ(parse_rfc3339(to_rfc3339(now)).value(), now);
}

TEST(WallTimeText, IsRefusedWhenItIsNotExactlyThat) {
    for (const char* text : {"",
                             "now",
                             "2024-01-01",
                             "2024-01-01T00:00:00",
                             "2024-01-01T00:00:00Zx",
                             "2024-01-01T00:00:00+1:00",
                             "2024-01-01T00:00:00+01",
                             "2024-01-01T00:00:00 +01:00",
                             "2024-01-01 00:00:00Z",
                             "2024-1-01T00:00:00Z",
                             " 2024-01-01T00:00:00Z",
                             "2024-13-01T00:00:00Z",
                             "2024-00-01T00:00:00Z",
                             "2024-02-30T00:00:00Z",
                             "2023-02-29T00:00:00Z",
                             "2024-01-01T24:00:00Z",
                             "2024-01-01T00:60:00Z",
                             "2024-01-01T00:00:61Z",
                             "2024-01-01T00:00:00.Z",
                             "2024-01-01T00:00:00+24:00",
                             "-024-01-01T00:00:00Z",
                             "2024-01-01T00:00:00-",
                             "99999-01-01T00:00:00Z"}) {
        const auto time = parse_rfc3339(text);
        ASSERT_FALSE(time) << text;
        EXPECT_EQ(time.error().code, Code::InvalidArgument) << text;
    }
}

TEST(WallTimeText, IsRefusedWhereNanosecondsWouldOverflow) {
    for (const char* text : {"0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
                             "1677-09-21T00:12:43Z", "2262-04-11T23:47:17Z"}) {
        const auto time = parse_rfc3339(text);
        ASSERT_FALSE(time) << text;
        EXPECT_EQ(time.error().code, Code::InvalidArgument);
    }
    EXPECT_TRUE(parse_rfc3339("1678-01-01T00:00:00Z"));
    EXPECT_TRUE(parse_rfc3339("2262-01-01T00:00:00.999999999Z"));
}

TEST(WallTimeText, QuotesLittleOfWhatItCannotRead) {
    const auto time = parse_rfc3339(std::string(100'000, 'x'));
    ASSERT_FALSE(time);
    EXPECT_LT(time.error().message.size(), 200U);
}

TEST(ShortText, IsOneUnitTheLargestThatFits) {
    const std::pair<Duration, std::string> rows[] = {{nanoseconds(0), "0s"},
                                                     {nanoseconds(-5), "0s"},
                                                     {nanoseconds(7), "7ns"},
                                                     {milliseconds(350), "350ms"},
                                                     {milliseconds(999), "999ms"},
                                                     {seconds(1), "1s"},
                                                     {milliseconds(12'900), "12s"},
                                                     {seconds(59), "59s"},
                                                     {seconds(60), "1m"},
                                                     {seconds(3599), "59m"},
                                                     {hours(3), "3h"},
                                                     {hours(23), "23h"},
                                                     {hours(24), "1d"},
                                                     {hours(24 * 365), "365d"}};
    for (const auto& [duration, text] : rows) {
        EXPECT_EQ(to_short_text(duration), text);
    }
}

TEST(TimerHandle, CancelsOnceAndOnlyItsOwn) {
    int a = 0;
    int b = 0;
    {
        TimerHandle first([&] { ++a; });
        TimerHandle second([&] { ++b; });
        first = std::move(second);
        EXPECT_EQ(a, 1);
        EXPECT_EQ(b, 0);
        first.reset();
        first.reset();
        EXPECT_EQ(b, 1);
        TimerHandle empty;
        empty.reset();
    }
    EXPECT_EQ(a, 1);
    EXPECT_EQ(b, 1);
}

TEST(SystemClock, NeverGoesBack) {
    const SystemClock clock;
    const SteadyTime first = clock.steady_now();
    EXPECT_GE(clock.steady_now(), first);
}

}  // namespace
}  // namespace podreeve
