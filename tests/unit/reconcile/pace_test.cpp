#include "agent/reconcile/pace.h"

#include <gtest/gtest.h>

namespace podreeve::reconcile {
namespace {

using std::chrono::milliseconds;

struct Flooded {
    const char* name;
    std::vector<int> begins;  // in milliseconds
    int now;
    int put_off;
};

TEST(Pace, PutsOffWhatComesAfterTheThirdPassInASecond) {
    for (const Flooded& row : {
             Flooded{"the first", {}, 0, 0},
             Flooded{"the third", {0, 1}, 2, 0},
             Flooded{"the fourth waits", {0, 1, 2}, 2, 50},
             Flooded{"for the rest of the time", {0, 1, 2}, 42, 10},
             Flooded{"and no longer", {0, 1, 2}, 52, 0},
             Flooded{"a second after the third last", {0, 500, 990}, 1000, 0},
             Flooded{"still within it", {1, 500, 990}, 1000, 40},
             Flooded{"the last three count", {0, 1, 2, 52, 102}, 110, 42},
             Flooded{"after a rest all is forgotten", {0, 1, 2, 52}, 2000, 0},
         }) {
        Pace pace;
        const SteadyTime zero{std::chrono::hours(1)};
        for (const int begin : row.begins) {
            pace.began(zero + milliseconds(begin));
        }
        EXPECT_EQ(pace.put_off(zero + milliseconds(row.now)), milliseconds(row.put_off))
            << row.name;
    }
}

TEST(Pace, MakesNoMoreThanTwentyPassesASecondOfAFlood) {
    Pace pace;
    SteadyTime now{std::chrono::hours(1)};
    int passes = 0;
    for (const SteadyTime end = now + std::chrono::seconds(10); now < end; now += milliseconds(1)) {
        if (pace.put_off(now) == Duration::zero()) {
            pace.began(now);
            ++passes;
        }
    }
    EXPECT_LE(passes, 203);
    EXPECT_GE(passes, 190);
}

}  // namespace
}  // namespace podreeve::reconcile
