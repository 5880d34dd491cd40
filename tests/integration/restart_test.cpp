#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Starts of a container that crashes at once, seen second by second.
class Crashing : public ::testing::Test {
  protected:
    void SetUp() override {
        host.podman->add_image("localhost/crash:1");
        host.podman->set_program("localhost/crash:1", program_that_exits(3));
        host.write("crash.yaml", to_text(SingleApp{.id = "crash", .image = "localhost/crash:1"}));
        host.write("good.yaml", to_text(SingleApp{.id = "good"}));
    }

    // Fake time until the container has been started so often.
    Duration until_starts(std::size_t starts) {
        const SteadyTime from = host.time.steady_now();
        while (host.starts_of("crash") < starts) {
            if (host.time.steady_now() - from > std::chrono::minutes(10)) {
                ADD_FAILURE() << "not started again";
                break;
            }
            host.advance(milliseconds(50));
        }
        return host.time.steady_now() - from;
    }

    void expect_about(Duration took, Duration wanted) {
        EXPECT_GE(took, wanted * 8 / 10 - milliseconds(60)) << took.count();
        EXPECT_LE(took, wanted * 12 / 10 + milliseconds(60)) << took.count();
    }

    Host host;
};

TEST_F(Crashing, AContainerThatCrashesBacksOffFromOneSecondDoublingEachTime) {
    host.start();
    // The first short run is repaired at once.
    EXPECT_EQ(host.starts_of("crash"), 2U);
    std::size_t starts = host.starts_of("crash");
    for (const seconds wanted : {seconds(1), seconds(2), seconds(4), seconds(8), seconds(16)}) {
        expect_about(until_starts(++starts), wanted);
        EXPECT_EQ(host.starts_of("crash"), starts);
    }
    EXPECT_EQ(host.state("good"), "Running");
    EXPECT_EQ(host.starts_of("good"), 1U);
}

TEST_F(Crashing, ThePersonSeesThatItBacksOff) {
    host.start();
    host.advance(seconds(20));
    EXPECT_EQ(host.state("crash"), "CrashLoop") << host.app("crash").message;
    EXPECT_FALSE(host.app("crash").message.empty());
    EXPECT_GE(host.app("crash").restarts, 4);
}

TEST_F(Crashing, ARestartOfTheAgentDoesNotStartTheBackoffAnew) {
    host.start();
    host.advance(seconds(20));
    const std::size_t starts = host.starts_of("crash");
    for (int i = 0; i < 5; ++i) {
        host.restart();
    }
    EXPECT_LE(host.starts_of("crash"), starts + 1);
}

TEST_F(Crashing, AGoodRunClearsTheBackoff) {
    host.start();
    host.advance(seconds(20));
    host.podman->set_program("localhost/crash:1", {});
    const std::size_t starts = host.starts_of("crash");
    until_starts(starts + 1);
    host.advance(seconds(30));
    EXPECT_EQ(host.state("crash"), "Running") << host.app("crash").message;
    ASSERT_TRUE(host.podman->kill_process("crash"));
    host.pass();
    EXPECT_EQ(host.podman->state_of("crash"), "running") << "at once";
}

TEST(PowerCuts, AreNoShortRunsHoweverManyThereAre) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    for (int i = 0; i < 6; ++i) {
        host.advance(std::chrono::minutes(20));
        host.stop();
        host.podman->reboot();
        host.start();
        EXPECT_EQ(host.state("clock"), "Running") << host.app("clock").message;
    }
    EXPECT_EQ(host.starts_of("clock"), 7U);
}

TEST(RestartPolicy, AContainerThatIsDoneIsNotStartedAgainWhereThePolicySaysSo) {
    Host host;
    host.podman->add_image("localhost/job:1");
    host.podman->set_program("localhost/job:1", program_that_exits(0));
    host.write("job.yaml",
               to_text(SingleApp{
                   .id = "job", .image = "localhost/job:1", .more = "  restart: on-failure\n"}));
    host.start();
    host.advance(std::chrono::minutes(5));
    EXPECT_EQ(host.state("job"), "Finished") << host.app("job").message;
    EXPECT_EQ(host.starts_of("job"), 1U);
}

void want_stopped(Host& host, const std::string& app, bool stopped) {
    host.request(app, stopped ? supervise::Verb::Stop : supervise::Verb::Start);
}

TEST(Stopping, WhatAPersonStoppedStaysStoppedOverRestartsAndReboots) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    const auto ids = host.ids();
    want_stopped(host, "shop", true);
    EXPECT_EQ(host.state("shop"), "Finished") << host.app("shop").message;
    EXPECT_NE(host.podman->state_of("shop-db-db"), "running");
    EXPECT_NE(host.podman->state_of("shop-web-web"), "running");
    host.restart();
    host.advance(std::chrono::minutes(2));
    EXPECT_NE(host.podman->state_of("shop-db-db"), "running");
    host.stop();
    host.podman->reboot();
    host.start();
    host.advance(std::chrono::minutes(2));
    EXPECT_EQ(host.state("clock"), "Running");
    EXPECT_EQ(host.state("shop"), "Finished") << host.app("shop").message;
    EXPECT_NE(host.podman->state_of("shop-web-web"), "running");
    want_stopped(host, "shop", false);
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
    EXPECT_EQ(host.ids(), ids);
}

TEST(Stopping, AnAppThatIsNotToStartByItselfIsNotStarted) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{.more = "  autostart: false\n"}));
    host.start();
    host.advance(std::chrono::minutes(2));
    EXPECT_EQ(host.state("clock"), "Skipped") << host.app("clock").message;
    EXPECT_EQ(host.starts_of("clock"), 0U);
    want_stopped(host, "clock", false);
    EXPECT_EQ(host.state("clock"), "Running") << host.app("clock").message;
}

TEST(Stopping, AnAgentThatEndsLeavesItsAppsUpAndTheNextAdoptsThemUnchanged) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    const auto ids = host.ids();
    host.podman->clear_journal();
    host.stop();
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    EXPECT_EQ(host.podman->state_of("shop"), "");
    host.start();
    EXPECT_EQ(host.ids(), ids);
    EXPECT_EQ(host.state("shop"), "Running");
    EXPECT_EQ(host.podman->mutations(), std::vector<std::string>{});
}

}  // namespace
}  // namespace podreeve::integration
