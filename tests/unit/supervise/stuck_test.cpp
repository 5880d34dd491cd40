#include "agent/supervise/decide/stuck.h"

#include <gtest/gtest.h>

namespace podreeve::supervise {
namespace {

using podman::ContainerState;
using std::chrono::minutes;
using std::chrono::seconds;

SteadyTime moment(Duration since) {
    return SteadyTime(since);
}

podman::ContainerSummary container(ContainerState state, const std::string& id = "abc") {
    podman::ContainerSummary summary;
    summary.id = id;
    summary.name = "web";
    summary.state = state;
    return summary;
}

TEST(WedgeWatch, AContainerIsWedgedAfterTenSecondsBetweenStates) {
    for (const ContainerState state : {ContainerState::Created, ContainerState::Stopping,
                                       ContainerState::Removing, ContainerState::Initialized}) {
        StuckWatch watch;
        EXPECT_FALSE(watch.is_stuck(container(state), moment(seconds(0)))) << to_string(state);
        EXPECT_FALSE(watch.is_stuck(container(state), moment(seconds(9)))) << to_string(state);
        EXPECT_EQ(watch.next_after(moment(seconds(9))), seconds(1));
        EXPECT_TRUE(watch.is_stuck(container(state), moment(seconds(10)))) << to_string(state);
    }
}

TEST(WedgeWatch, OneThatIsBeingStoppedHasItsGraceBefore) {
    for (const ContainerState state : {ContainerState::Created, ContainerState::Stopping}) {
        const Duration least = seconds(state == ContainerState::Stopping ? 70 : 10);
        StuckWatch watch;
        EXPECT_FALSE(watch.is_stuck(container(state), moment(seconds(0)), seconds(60)));
        EXPECT_EQ(watch.next_after(moment(seconds(0))), least) << to_string(state);
        EXPECT_FALSE(watch.is_stuck(container(state), moment(least - seconds(1)), seconds(60)));
        EXPECT_TRUE(watch.is_stuck(container(state), moment(least), seconds(60)));
    }
}

TEST(WedgeWatch, OneThatWasStoppedToBeRemovedHasThatTimeForItsRemovalToo) {
    StuckWatch watch;
    EXPECT_FALSE(
        watch.is_stuck(container(ContainerState::Stopping), moment(seconds(0)), seconds(60)));
    EXPECT_FALSE(
        watch.is_stuck(container(ContainerState::Removing), moment(seconds(50)), seconds(60)));
    EXPECT_FALSE(
        watch.is_stuck(container(ContainerState::Removing), moment(seconds(59)), seconds(60)));
    EXPECT_TRUE(
        watch.is_stuck(container(ContainerState::Removing), moment(seconds(60)), seconds(60)));
}

TEST(WedgeWatch, OneThatRunsHasEndedOrIsPausedOrUnknownNeverIs) {
    for (const ContainerState state :
         {ContainerState::Running, ContainerState::Exited, ContainerState::Stopped,
          ContainerState::Paused, ContainerState::Unknown}) {
        StuckWatch watch;
        watch.is_stuck(container(state), moment(seconds(0)));
        EXPECT_FALSE(watch.is_stuck(container(state), moment(minutes(100)))) << to_string(state);
        EXPECT_EQ(watch.next_after(moment(seconds(0))), std::nullopt) << to_string(state);
    }
}

TEST(WedgeWatch, MovingOnStartsTheCountAnew) {
    StuckWatch watch;
    watch.is_stuck(container(ContainerState::Stopping), moment(seconds(0)));
    watch.is_stuck(container(ContainerState::Paused), moment(seconds(5)));
    EXPECT_FALSE(watch.is_stuck(container(ContainerState::Stopping), moment(seconds(11))));
}

TEST(WedgeWatch, OneThatIsNeverStartedIsMadeAnewOnce) {
    StuckWatch watch;
    watch.is_stuck(container(ContainerState::Created), moment(seconds(0)));
    ASSERT_TRUE(watch.is_stuck(container(ContainerState::Created), moment(seconds(10))));
    watch.note_recreated("web", moment(seconds(10)));
    for (int after = 11; after < 1800; after += 60) {
        EXPECT_FALSE(
            watch.is_stuck(container(ContainerState::Created, "new"), moment(seconds(after))))
            << after;
    }
    EXPECT_TRUE(watch.is_stuck(container(ContainerState::Created, "new"), moment(minutes(31))));
}

TEST(WedgeWatch, TheBreakerOpensAtFiveRecreationsInHalfAnHour) {
    StuckWatch watch;
    for (int i = 0; i < 4; ++i) {
        watch.note_recreated("web", moment(minutes(i)));
    }
    const WallTime wall{};
    EXPECT_EQ(watch.breaker("web", moment(minutes(5)), wall), std::nullopt);
    watch.note_recreated("web", moment(minutes(5)));
    const auto open = watch.breaker("web", moment(minutes(6)), wall);
    ASSERT_TRUE(open);
    EXPECT_NE(open->find("web was recreated 5 times in 30m"), std::string::npos) << *open;
    EXPECT_NE(open->find("1970-01-01T00:24:00"), std::string::npos) << *open;
    EXPECT_EQ(watch.breaker("db", moment(minutes(6)), wall), std::nullopt);
    EXPECT_EQ(watch.breaker("web", moment(minutes(31)), wall), std::nullopt)
        << "the first has aged out";
}

TEST(WedgeWatch, APersonClosesTheBreaker) {
    StuckWatch watch;
    for (const char* name : {"web", "db"}) {
        for (int i = 0; i < 5; ++i) {
            watch.note_recreated(name, moment(minutes(i)));
        }
    }
    watch.reset(std::set<std::string>{"web"});
    EXPECT_EQ(watch.open_for("web", moment(minutes(5))), std::nullopt);
    EXPECT_EQ(watch.open_for("db", moment(minutes(5))), minutes(25));
    watch.reset(std::nullopt);
    EXPECT_EQ(watch.open_for("db", moment(minutes(5))), std::nullopt);
}

TEST(WedgeWatch, APodWhoseInfraContainerNeverComesUpCannotBeStarted) {
    StuckWatch watch;
    const auto down = container(ContainerState::Exited);
    const auto up = container(ContainerState::Running);
    watch.note_pod_start("web", false);
    EXPECT_FALSE(watch.cannot_start("web", &down));
    watch.note_pod_start("web", false);
    EXPECT_TRUE(watch.cannot_start("web", &down));
    EXPECT_FALSE(watch.cannot_start("db", &down));
    watch.note_pod_start("web", true);
    EXPECT_FALSE(watch.cannot_start("web", &down));
}

TEST(WedgeWatch, APodInWhichAContainerWasRefusedCanBeStarted) {
    StuckWatch watch;
    const auto down = container(ContainerState::Exited);
    const auto up = container(ContainerState::Running);
    watch.note_pod_start("web", false);
    watch.note_pod_start("web", false);
    EXPECT_FALSE(watch.cannot_start("web", &up)) << "its infra container came up";
    EXPECT_FALSE(watch.cannot_start("web", &down)) << "and went down for another reason";
}

// Who looks back sees that nothing of them is kept.
TEST(WedgeWatch, ForgetsRecreationsThatCountNoMore) {
    StuckWatch watch;
    for (int i = 0; i < 5; ++i) {
        watch.note_recreated("web", moment(minutes(i)));
    }
    ASSERT_TRUE(watch.breaker("web", moment(minutes(6)), WallTime{}));
    watch.keep_only({}, {}, moment(minutes(35)));
    EXPECT_EQ(watch.breaker("web", moment(minutes(6)), WallTime{}), std::nullopt);
}

TEST(WedgeWatch, ForgetsPodsThatAreGone) {
    StuckWatch watch;
    const auto down = container(ContainerState::Exited);
    for (const char* pod : {"web", "db"}) {
        watch.note_pod_start(pod, false);
        watch.note_pod_start(pod, false);
    }
    watch.keep_only({}, {"db"}, moment(seconds(0)));
    EXPECT_FALSE(watch.cannot_start("web", &down)) << "another pod of that name";
    EXPECT_TRUE(watch.cannot_start("db", &down));
}

TEST(WedgeWatch, ForgetsContainersThatAreGone) {
    StuckWatch watch;
    watch.is_stuck(container(ContainerState::Stopping), moment(seconds(0)));
    watch.keep_only({}, {}, moment(seconds(0)));
    EXPECT_FALSE(watch.is_stuck(container(ContainerState::Stopping), moment(seconds(20))));
}

}  // namespace
}  // namespace podreeve::supervise
