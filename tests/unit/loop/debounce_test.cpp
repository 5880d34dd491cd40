#include "runtime/loop/debounce.h"

#include <gtest/gtest.h>

#include "tests/unit/loop/fake_time.h"

namespace podreeve::loop {
namespace {

using std::chrono::milliseconds;

class DebounceTest : public testing::Test {
  protected:
    StandingTime time;
    int calls = 0;
    Debounce debounce{time, time, milliseconds(50), milliseconds(500), [this] { ++calls; }};
};

TEST_F(DebounceTest, CallsOnceWhenItHasBeenQuiet) {
    debounce.touch();
    time.advance(milliseconds(49));
    EXPECT_EQ(calls, 0);
    time.advance(milliseconds(1));
    EXPECT_EQ(calls, 1);
    time.advance(std::chrono::minutes(1));
    EXPECT_EQ(calls, 1);
}

TEST_F(DebounceTest, WaitsForTheLastOfABurst) {
    for (int i = 0; i < 5; ++i) {
        debounce.touch();
        time.advance(milliseconds(40));
    }
    EXPECT_EQ(calls, 0);
    time.advance(milliseconds(10));
    EXPECT_EQ(calls, 1);
}

TEST_F(DebounceTest, IsNotPutOffForEver) {
    for (int i = 0; i < 50; ++i) {
        debounce.touch();
        time.advance(milliseconds(10));
    }
    EXPECT_EQ(calls, 1);
}

TEST_F(DebounceTest, StartsAnewAfterACall) {
    debounce.touch();
    time.advance(milliseconds(50));
    debounce.touch();
    time.advance(milliseconds(50));
    EXPECT_EQ(calls, 2);
}

TEST_F(DebounceTest, MakesFewTimersOfABurst) {
    for (int i = 0; i < 1000; ++i) {
        debounce.touch();
    }
    EXPECT_EQ(time.timers_made, 1);
}

TEST_F(DebounceTest, MayBeTouchedFromItsOwnCall) {
    Debounce* self = nullptr;
    int runs = 0;
    Debounce loop(time, time, milliseconds(50), milliseconds(500), [&] {
        if (++runs == 1) {
            self->touch();
        }
    });
    self = &loop;
    loop.touch();
    time.advance(milliseconds(100));
    EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace podreeve::loop
