#include "agent/reconcile/failure_log.h"

#include <gtest/gtest.h>

namespace podreeve::reconcile {
namespace {

using Lines = std::vector<std::string>;

TEST(FailureLog, TellsATroubleOnceAgainWhenItChangesAndAtItsEndHowOften) {
    FailureLog log;
    EXPECT_EQ(log.lines({{"web", "no space"}}), Lines{"web: no space"});
    for (int i = 0; i < 168; ++i) {
        EXPECT_EQ(log.lines({{"web", "no space"}}), Lines{});
    }
    EXPECT_EQ(log.lines({{"web", "read-only"}}), Lines{"web: read-only"});
    EXPECT_EQ(log.lines({{"web", "read-only"}}), Lines{});
    EXPECT_EQ(log.lines({}), Lines{"web: over, after 2 passes: read-only"});
    EXPECT_EQ(log.lines({}), Lines{});
    EXPECT_EQ(log.lines({{"web", "read-only"}}), Lines{"web: read-only"}) << "the next is another";
    EXPECT_EQ(log.lines({}), Lines{}) << "met once, told once";
}

TEST(FailureLog, TellsApartTheAppsAndAllThatOneHas) {
    FailureLog log;
    EXPECT_EQ(log.lines({{"web", "a"}, {"db", "b"}, {"web", "c"}}), (Lines{"db: b", "web: a; c"}));
    EXPECT_EQ(log.lines({{"web", "a"}, {"db", "b"}, {"web", "c"}}), Lines{});
    EXPECT_EQ(log.lines({{"web", "a"}, {"db", "b"}}), Lines{"web: a"});
}

}  // namespace
}  // namespace podreeve::reconcile
