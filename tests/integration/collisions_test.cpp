#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

// An app whose first deploy hangs in its pull.
class HangingDeploy : public ::testing::Test {
  protected:
    void SetUp() override {
        host.podman->add_to_registry("localhost/slow:1");
        host.podman->hang_next("POST", "images/pull");
        host.config.gone_after = Duration{};  // time stands still while the pull hangs
        host.write("other.yaml", to_text(SingleApp{.id = "other"}));
        host.start();
        host.write("clock.yaml", to_text(SingleApp{.image = "localhost/slow:1"}));
        host.agent->request_pass("the test asked");
        for (int turn = 0; turn < 10'000'000 && host.podman->hung() == 0; ++turn) {
            host.turns.run();
            std::this_thread::yield();
        }
        ASSERT_EQ(host.podman->hung(), 1U);
        first = host.agent->state().active_change_of("clock")->id;
    }

    state::ChangeView change() { return *host.agent->state().change(first); }

    Host host;
    state::ChangeId first = 0;
};

TEST_F(HangingDeploy, MakesWayForANewerManifest) {
    host.write("clock.yaml", to_text(SingleApp{}));
    host.pass();
    EXPECT_EQ(host.state("clock"), "Running") << host.app("clock").message;
    EXPECT_EQ(host.app("clock").generation, 2);
    EXPECT_TRUE(change().is_ready);
    EXPECT_NE(change().status, state::TaskStatus::Done);
    bool reported = false;
    for (const state::TaskView& task : change().tasks) {
        reported =
            reported || (!task.log.empty() && task.log[0].text == "aborted: generation 2 is there");
    }
    EXPECT_TRUE(reported);
}

TEST_F(HangingDeploy, MakesWayForAManifestThatIsTakenAway) {
    host.erase("clock.yaml");
    host.pass();
    EXPECT_EQ(host.podman->state_of("clock"), "");
    EXPECT_TRUE(change().is_ready);
    EXPECT_EQ(host.state("other"), "Running");
}

TEST_F(HangingDeploy, MakesWayForTheWishThatItStops) {
    host.request("clock", supervise::Verb::Stop);
    EXPECT_TRUE(change().is_ready);
    EXPECT_EQ(host.podman->state_of("clock"), "");
    EXPECT_EQ(host.state("other"), "Running");
    host.request("clock", supervise::Verb::Start);
    EXPECT_EQ(host.state("clock"), "Running");
}

TEST_F(HangingDeploy, IsLeftAloneByAPassThatFindsNothingNew) {
    host.agent->request_pass("the test asked");
    for (int turn = 0; turn < 1000; ++turn) {
        host.turns.run();
        std::this_thread::yield();
    }
    EXPECT_FALSE(change().is_ready);
    host.podman->release_hung();
    host.converge();
    EXPECT_TRUE(change().is_ready);
}

TEST(UndoneDeploy, GivesBackTheVersionBeforeUntilTheManifestChanges) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET"}));
    host.pass();
    ASSERT_EQ(host.podman->inspect("clock")["env"]["TZ"], "CET");
    const state::ChangeId update = host.agent->state().changes(1).at(0).id;
    const auto undo = host.agent->state().undo_change(update);
    ASSERT_TRUE(undo) << undo.error().message;
    host.converge();
    EXPECT_EQ(host.agent->state().change(*undo)->status, state::TaskStatus::Undone)
        << host.agent->state().change(*undo)->error;
    host.advance(std::chrono::minutes(20));
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "UTC");
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    EXPECT_TRUE(host.has_condition("clock", "DeployFailed"));
    EXPECT_NE(host.condition("clock", "DeployFailed").find("it was undone by change"),
              std::string::npos)
        << host.condition("clock", "DeployFailed");
    host.restart();
    host.advance(std::chrono::minutes(20));
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "UTC") << "a restart forgets the undo";
    host.write("clock.yaml", to_text(SingleApp{.zone = "EET"}));
    host.pass();
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "EET");
    EXPECT_FALSE(host.has_condition("clock", "DeployFailed"));
}

TEST(UndoneDeploy, IsNotReversedByAPassThatHasPlannedBeforeIt) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    const std::string former = host.app("clock").deployed_spec;
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET"}));
    host.pass();
    const state::ChangeId update = host.agent->state().changes(1).at(0).id;
    const auto is_back = [&] { return host.agent->state().app("clock")->deployed_spec == former; };
    // A pass that plans another app asks for the volumes once all apps are planned for.
    bool begun = false;
    host.podman->on_request(
        [&](const fakes::FakePodman::Entry& entry) {
            if (!begun && entry.path.find("volumes/json") != std::string::npos) {
                begun = true;
                ASSERT_TRUE(host.agent->state().undo_change(update));
                for (int i = 0; i < 10'000'000 && !is_back(); ++i) {
                    std::this_thread::yield();
                }
            }
        },
        nullptr);
    host.write("other.yaml", to_text(SingleApp{.id = "other"}));
    host.pass();
    ASSERT_TRUE(begun);
    host.advance(std::chrono::minutes(1));
    EXPECT_TRUE(is_back());
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "UTC");
    EXPECT_EQ(host.podman->state_of("clock"), "running");
}

TEST_F(HangingDeploy, ThatAPersonAbortsIsNotTriedAgainUntilItIsAskedFor) {
    ASSERT_TRUE(host.agent->state().abort_change(first));
    host.converge();
    host.advance(std::chrono::minutes(20));
    EXPECT_EQ(host.podman->state_of("clock"), "");
    EXPECT_NE(host.condition("clock", "DeployFailed").find("`podreeve reconcile` deploys it again"),
              std::string::npos)
        << host.condition("clock", "DeployFailed");
    host.restart();
    host.advance(std::chrono::minutes(20));
    EXPECT_EQ(host.podman->state_of("clock"), "") << "a restart forgets the abort";
    host.request("clock", supervise::Verb::Start);
    EXPECT_EQ(host.state("clock"), "Running");
    EXPECT_EQ(host.state("other"), "Running");
}

TEST(UndoneDeploy, StaysUndoneWhenTheVersionBeforeIsRestarted) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET"}));
    host.pass();
    ASSERT_TRUE(host.agent->state().undo_change(host.agent->state().changes(1).at(0).id));
    host.converge();
    host.request("clock", supervise::Verb::Restart);
    host.advance(std::chrono::minutes(1));
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "UTC");
}

TEST(UndoneDeploy, OfTheFirstVersionLeavesNothingButTheData) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    ASSERT_EQ(host.state("shop"), "Running");
    const state::ChangeId deploy = host.agent->state().changes(1).at(0).id;
    ASSERT_TRUE(host.agent->state().undo_change(deploy));
    host.converge();
    host.advance(std::chrono::minutes(20));
    EXPECT_EQ(host.podman->container_names(), std::vector<std::string>{});
    EXPECT_EQ(host.podman->pod_names(), std::vector<std::string>{});
    EXPECT_NE(host.snapshot().find("volume "), std::string::npos) << "the data is gone";
}

}  // namespace
}  // namespace podreeve::integration
