#include "runtime/podman/json_fields.h"

#include <gtest/gtest.h>

namespace podreeve::podman {
namespace {

using std::chrono::seconds;

TEST(TimeFromText, ReadsPodmansTimesAndTakesTheYearOneForNever) {
    EXPECT_FALSE(time_from_text(""));
    EXPECT_FALSE(time_from_text("0001-01-01T00:00:00Z"));
    EXPECT_FALSE(time_from_text("9999-01-01T00:00:00Z"));
    EXPECT_FALSE(time_from_text("2026-99-99 not a time"));
    const auto utc = time_from_text("2026-11-22T01:28:20.032020181Z");
    const auto local = time_from_text("2026-11-22T03:28:20.032020181+02:00");
    ASSERT_TRUE(utc && local);
    EXPECT_EQ(*utc, *local);
    EXPECT_EQ(utc->time_since_epoch().count() % 1'000'000'000, 32020181);
}

TEST(TimeFromSeconds, TakesWhatNoClockCanHoldForNever) {
    EXPECT_FALSE(time_from_seconds(-62135596800));
    EXPECT_FALSE(time_from_seconds(0));
    EXPECT_FALSE(time_from_seconds(INT64_MAX));
    EXPECT_EQ(time_from_seconds(1795310900), WallTime(seconds(1795310900)));
}

TEST(Fields, OfAnythingButAnObjectAreEmpty) {
    for (const char* text : {"null", "7", "\"x\"", "[1]", "{}", R"({"k":null})", R"({"k":[]})"}) {
        const Json value = Json::parse(text);
        EXPECT_EQ(text_in(value, "k"), "") << text;
        EXPECT_EQ(number_in(value, "k"), 0) << text;
        EXPECT_FALSE(flag_in(value, "k")) << text;
        EXPECT_TRUE(texts_in(value, "k").empty()) << text;
        EXPECT_TRUE(text_map_in(value, "k").empty()) << text;
    }
}

}  // namespace
}  // namespace podreeve::podman
