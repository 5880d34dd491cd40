#include <vector>

#include <gtest/gtest.h>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// A flood of events costs a pass every 50 ms, and a process that was seen to die waits for none.
namespace podreeve::integration {
namespace {

using std::chrono::milliseconds;
using When = reconcile::Reconciler::When;

class Flood : public ::testing::Test {
  protected:
    void SetUp() override {
        host.config.flood_pause = milliseconds(50);
        host.write("clock.yaml", to_text(SingleApp{}));
        host.start();
        host.advance(std::chrono::minutes(1));
        host.pass();
        host.advance(std::chrono::seconds(2));
    }

    void ask(When when = When::InPace) {
        host.agent->reconciler().request("an event", when);
        host.turn();
    }

    // The third pass in a second, and no more.
    std::size_t after_three() {
        for (int i = 0; i < 3; ++i) {
            ask();
        }
        return host.reports.size();
    }

    Host host;
};

TEST_F(Flood, ThreePassesAreMadeAtOnceAndTheNextAfterAPause) {
    const std::size_t before = host.reports.size();
    const std::size_t three = after_three();
    EXPECT_EQ(three, before + 3);
    ask();
    ask();
    EXPECT_EQ(host.reports.size(), three);
    host.advance(milliseconds(49));
    EXPECT_EQ(host.reports.size(), three);
    host.advance(milliseconds(1));
    EXPECT_EQ(host.reports.size(), three + 1) << "one, for both";
}

TEST_F(Flood, OfASecondCostsTwentyPasses) {
    const std::size_t before = host.reports.size();
    for (int i = 0; i < 1000; ++i) {
        ask();
        host.advance(milliseconds(1));
    }
    EXPECT_LE(host.reports.size() - before, 23U);
    EXPECT_GE(host.reports.size() - before, 18U);
}

TEST_F(Flood, DelaysNoRepairOfWhatWasSeenToDie) {
    const std::size_t three = after_three();
    ask();
    ASSERT_EQ(host.reports.size(), three);
    ASSERT_TRUE(host.podman->kill_process("clock"));
    ask(When::AtOnce);
    EXPECT_GT(host.reports.size(), three);
    EXPECT_EQ(host.podman->state_of("clock"), "running");
}

TEST_F(Flood, OfOnesThatAreOverLeavesTheRhythmAsItWas) {
    after_three();
    ask();
    host.advance(std::chrono::seconds(1));
    const std::size_t quiet = host.reports.size();
    host.advance(std::chrono::seconds(28));
    EXPECT_EQ(host.reports.size(), quiet);
    host.advance(std::chrono::seconds(2));
    EXPECT_EQ(host.reports.size(), quiet + 1);
}

// Podman's list can be a moment behind its events: what it tells of `clock` comes after the pass.
class AnEventOfPodmans : public ::testing::Test {
  protected:
    void SetUp() override {
        host.write("clock.yaml", to_text(SingleApp{}));
        host.start();
        host.advance(std::chrono::minutes(1));
        host.pass();
    }

    void is_reported() { host.agent->reconciler().request_twice("an event"); }

    // Nobody tells of it any more.
    void list_shows_the_death() { ASSERT_TRUE(host.podman->kill_process("clock")); }

    Host host;
};

TEST_F(AnEventOfPodmans, IsLookedIntoAgainAlsoWhenAnotherPassComesBetween) {
    host.podman->hang_next("GET", "^containers/json");
    is_reported();
    while (host.podman->hung() == 0) {
        host.turns.run();
    }
    host.agent->request_pass("something else");
    host.podman->release_hung();
    host.turn();
    list_shows_the_death();
    host.advance(milliseconds(199));
    EXPECT_NE(host.podman->state_of("clock"), "running");
    host.advance(milliseconds(1));
    EXPECT_EQ(host.podman->state_of("clock"), "running");
}

TEST_F(AnEventOfPodmans, IsLookedIntoAMomentAfterTheLastOfSeveral) {
    is_reported();
    host.advance(milliseconds(150));
    is_reported();
    host.advance(milliseconds(199));
    list_shows_the_death();
    host.advance(milliseconds(1));
    EXPECT_EQ(host.podman->state_of("clock"), "running");
}

TEST(APassThatHangs, IsToldAfterMinutesAndWhenItEndsAfterAll) {
    Host host;
    host.start();
    std::vector<bool> reported;
    host.agent->reconciler().on_hang([&](bool hangs) { reported.push_back(hangs); });
    host.pass();
    host.advance(std::chrono::minutes(10));
    EXPECT_TRUE(reported.empty()) << "of passes that end";
    host.podman->hang_next("GET", "^containers/json");
    host.agent->request_pass("the test asked");
    while (host.podman->hung() == 0) {
        host.turns.run();
    }
    host.time.advance(std::chrono::minutes(3) - std::chrono::seconds(1));
    EXPECT_TRUE(reported.empty());
    host.time.advance(std::chrono::seconds(1));
    EXPECT_EQ(reported, std::vector<bool>{true});
    host.podman->release_hung();
    host.turn();
    EXPECT_EQ(reported, (std::vector<bool>{true, false}));
}

}  // namespace
}  // namespace podreeve::integration
