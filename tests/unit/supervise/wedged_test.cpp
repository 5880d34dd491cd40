#include "agent/supervise/wedged.h"

#include <gtest/gtest.h>

namespace podreeve::supervise {
namespace {

using podman::ContainerState;
using std::chrono::minutes;
using std::chrono::seconds;

podman::ContainerSummary container(ContainerState state) {
    podman::ContainerSummary summary;
    summary.id = "abc";
    summary.name = "web";
    summary.state = state;
    return summary;
}

TEST(WedgeWatch, AContainerIsWedgedAfterTenSecondsBetweenStates) {
    for (const ContainerState state :
         {ContainerState::Created, ContainerState::Stopping, ContainerState::Removing,
          ContainerState::Paused, ContainerState::Initialized, ContainerState::Unknown}) {
        WedgeWatch watch;
        EXPECT_FALSE(watch.is_wedged(container(state), WallTime(seconds(0)))) << to_string(state);
        EXPECT_FALSE(watch.is_wedged(container(state), WallTime(seconds(9)))) << to_string(state);
        EXPECT_EQ(watch.next_after(WallTime(seconds(9))), WallTime(seconds(10)));
        EXPECT_TRUE(watch.is_wedged(container(state), WallTime(seconds(10)))) << to_string(state);
    }
}

TEST(WedgeWatch, ARunningOrEndedContainerNeverIs) {
    for (const ContainerState state :
         {ContainerState::Running, ContainerState::Exited, ContainerState::Stopped}) {
        WedgeWatch watch;
        watch.is_wedged(container(state), WallTime(seconds(0)));
        EXPECT_FALSE(watch.is_wedged(container(state), WallTime(seconds(100)))) << to_string(state);
    }
}

TEST(WedgeWatch, MovingOnStartsTheCountAnew) {
    WedgeWatch watch;
    watch.is_wedged(container(ContainerState::Stopping), WallTime(seconds(0)));
    watch.is_wedged(container(ContainerState::Running), WallTime(seconds(5)));
    EXPECT_FALSE(watch.is_wedged(container(ContainerState::Stopping), WallTime(seconds(11))));
}

TEST(WedgeWatch, TheBreakerOpensAtFiveRecreationsInHalfAnHour) {
    WedgeWatch watch;
    for (int i = 0; i < 4; ++i) {
        watch.note_recreated("web", WallTime(minutes(i)));
    }
    EXPECT_EQ(watch.breaker("web", WallTime(minutes(5))), std::nullopt);
    watch.note_recreated("web", WallTime(minutes(5)));
    const auto open = watch.breaker("web", WallTime(minutes(6)));
    ASSERT_TRUE(open);
    EXPECT_NE(open->find("web was recreated 5 times in 30m"), std::string::npos) << *open;
    EXPECT_EQ(watch.breaker("db", WallTime(minutes(6))), std::nullopt);
    EXPECT_EQ(watch.breaker("web", WallTime(minutes(31))), std::nullopt)
        << "the first has aged out";
}

TEST(WedgeWatch, ForgetsContainersThatAreGone) {
    WedgeWatch watch;
    watch.is_wedged(container(ContainerState::Stopping), WallTime(seconds(0)));
    watch.keep_only({});
    EXPECT_FALSE(watch.is_wedged(container(ContainerState::Stopping), WallTime(seconds(20))));
}

}  // namespace
}  // namespace podreeve::supervise
