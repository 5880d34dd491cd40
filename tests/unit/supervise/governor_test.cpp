#include "agent/supervise/decide/governor.h"

#include <gtest/gtest.h>

namespace podreeve::supervise {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

SteadyTime at(Duration since) {
    return SteadyTime(seconds(1000)) + since;
}

TEST(Governor, GivesItsBurstAtOnceAndThenWaitsUntilItIsFullAgain) {
    Governor governor(3, 2);
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(governor.take(at({})));
    }
    EXPECT_FALSE(governor.take(at({})));
    EXPECT_EQ(governor.until_next(at({})), milliseconds(1500));
    EXPECT_FALSE(governor.take(at(milliseconds(1400))));
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(governor.take(at(milliseconds(1500))));
    }
    EXPECT_FALSE(governor.take(at(milliseconds(1600))));
}

TEST(Governor, NeverSavesMoreThanItsBurst) {
    Governor governor(3, 2);
    EXPECT_TRUE(governor.take(at({})));
    int given = 0;
    while (governor.take(at(seconds(3600)))) {
        ++given;
    }
    EXPECT_EQ(given, 3);
}

TEST(Governor, WithATokenLeftNobodyWaits) {
    Governor governor(1, 1);
    EXPECT_EQ(governor.until_next(at({})), Duration::zero());
}

}  // namespace
}  // namespace podreeve::supervise
