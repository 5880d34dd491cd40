#include "runtime/probe/suspects.h"

#include <gtest/gtest.h>

namespace podreeve::probe {
namespace {

TEST(Suspects, AllThatWereUnderWayAreUntilTheyAreAnswered) {
    Suspects suspects;
    suspects.prober_lost({1, 2}, 0);
    EXPECT_TRUE(suspects.is_suspect(1) && suspects.is_suspect(2));
    EXPECT_FALSE(suspects.is_suspect(3));
    suspects.replied(1);
    EXPECT_FALSE(suspects.is_suspect(1));
    EXPECT_FALSE(suspects.is_convicted(2));
}

TEST(Suspects, OnlyTheOneThatIsTriedIsConvicted) {
    Suspects suspects;
    suspects.prober_lost({1, 2, 3}, 0);
    suspects.prober_lost({2, 4}, 2);
    EXPECT_TRUE(suspects.is_convicted(2));
    EXPECT_FALSE(suspects.is_suspect(2));
    for (const std::uint32_t other : {1U, 3U, 4U}) {
        EXPECT_TRUE(suspects.is_suspect(other)) << other;
        EXPECT_FALSE(suspects.is_convicted(other)) << other;
    }
}

TEST(Suspects, OneThatWasAnsweredBetweenTwoHangsIsNotConvicted) {
    Suspects suspects;
    suspects.prober_lost({1}, 0);
    suspects.replied(1);
    suspects.prober_lost({1}, 0);
    EXPECT_TRUE(suspects.is_suspect(1));
    EXPECT_FALSE(suspects.is_convicted(1));
}

TEST(Suspects, AreForgotten) {
    Suspects suspects;
    suspects.prober_lost({1, 2}, 0);
    suspects.prober_lost({1}, 1);
    suspects.forget(1);
    suspects.forget(2);
    EXPECT_FALSE(suspects.is_convicted(1) || suspects.is_suspect(2));
}

}  // namespace
}  // namespace podreeve::probe
