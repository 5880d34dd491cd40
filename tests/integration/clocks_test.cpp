#include <atomic>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// The wall clock is set, by a little or by years, under an agent that runs: steady time decides.
namespace podreeve::integration {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr hours kTenYears{24 * 3652};

class ClockSet : public ::testing::TestWithParam<hours> {
  protected:
    void set_clock() { host.time.set_wall(host.time.system_now() + GetParam()); }

    // web is restarted with db.
    void start_web_with_its_provider() {
        host.write("db.yaml", to_text(SingleApp{.id = "db"}));
        host.write("web.yaml",
                   to_text(SingleApp{.id = "web",
                                     .more = "  depends_on: [{app: db, policy: restart}]\n"}));
        host.start();
        host.advance(minutes(1));
    }

    Host host;
};

INSTANTIATE_TEST_SUITE_P(By,
                         ClockSet,
                         ::testing::Values(hours(-3), hours(3), hours(8), -kTenYears, kTenYears));

TEST_P(ClockSet, RestartsNothing) {
    host.write("shop.yaml", to_text(ShopApp{}));
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.advance(minutes(1));
    const auto before = host.ids();
    const std::size_t events = host.podman->events().size();
    set_clock();
    host.advance(minutes(10));
    EXPECT_EQ(host.ids(), before);
    EXPECT_EQ(host.lives(events), std::vector<std::string>{});
    host.restart();
    host.advance(minutes(10));
    EXPECT_EQ(host.ids(), before);
    EXPECT_EQ(host.lives(events), std::vector<std::string>{});
}

TEST_P(ClockSet, RestartsADependentWithItsProviderAndForNothingElse) {
    start_web_with_its_provider();
    set_clock();
    ASSERT_TRUE(host.podman->kill_process("web"));
    host.pass();
    host.advance(hours(4));
    EXPECT_EQ(host.starts_of("web"), 2U) << "once for its own end";
    ASSERT_TRUE(host.podman->kill_process("db"));
    host.pass();
    host.advance(minutes(1));
    EXPECT_EQ(host.starts_of("db"), 2U);
    EXPECT_EQ(host.starts_of("web"), 3U) << "with its provider";
}

TEST_P(ClockSet, RightAfterAStartMakesNoOtherStartOfIt) {
    start_web_with_its_provider();
    std::atomic<bool> set = false;
    host.podman->on_request(nullptr, [&](const fakes::FakePodman::Entry& request) {
        if (request.path.ends_with("/start") && !set.exchange(true)) {
            set_clock();
        }
    });
    ASSERT_TRUE(host.podman->kill_process("web"));
    host.pass();
    host.podman->on_request(nullptr, nullptr);
    ASSERT_TRUE(set);
    host.advance(hours(4));
    EXPECT_EQ(host.starts_of("web"), 2U) << "once for its own end";
    ASSERT_TRUE(host.podman->kill_process("db"));
    host.pass();
    host.advance(minutes(1));
    EXPECT_EQ(host.starts_of("web"), 3U) << "with its provider";
}

TEST_P(ClockSet, KeepsAFailedDeployNoLongerThanItsOwnDelay) {
    host.write("clock.yaml", to_text(SingleApp{.image = "localhost/late:1"}));
    host.start();
    host.advance(minutes(2));
    ASSERT_EQ(host.podman->state_of("clock"), "");
    set_clock();
    host.podman->add_image("localhost/late:1");
    host.advance(minutes(5));
    EXPECT_EQ(host.state("clock"), "Running") << host.app("clock").message;
}

TEST_P(ClockSet, KeepsAFailedDeployNoLongerOverARestartEither) {
    host.write("clock.yaml", to_text(SingleApp{.image = "localhost/late:1"}));
    host.start();
    host.advance(minutes(2));
    host.stop();
    set_clock();
    host.podman->add_image("localhost/late:1");
    host.start();
    host.advance(minutes(5));
    EXPECT_EQ(host.state("clock"), "Running") << host.app("clock").message;
}

TEST_P(ClockSet, KeepsACrashingContainerNoLongerThanItsOwnBackoff) {
    host.podman->add_image("localhost/crash:1");
    host.podman->set_program("localhost/crash:1", program_that_exits(3));
    host.write("crash.yaml", to_text(SingleApp{.id = "crash", .image = "localhost/crash:1"}));
    host.start();
    host.advance(minutes(2));
    std::size_t starts = host.starts_of("crash");
    set_clock();
    host.advance(minutes(6));
    EXPECT_GT(host.starts_of("crash"), starts);
    EXPECT_LE(host.starts_of("crash"), starts + 4)
        << "the backoff is not cut short again and again";
    starts = host.starts_of("crash");
    host.stop();
    set_clock();
    host.start();
    host.advance(minutes(6));
    EXPECT_GT(host.starts_of("crash"), starts);
}

TEST_P(ClockSet, DeclaresNothingStuck) {
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.advance(minutes(1));
    const auto before = host.ids();
    ASSERT_TRUE(host.podman->wedge("clock", "stopping"));
    host.pass();
    set_clock();
    host.pass();
    host.advance(seconds(5));
    EXPECT_EQ(host.ids(), before);
    host.advance(minutes(1));
    EXPECT_NE(host.ids(), before) << "what really is stuck is made anew all the same";
    EXPECT_EQ(host.podman->state_of("clock"), "running");
}

}  // namespace
}  // namespace podreeve::integration
