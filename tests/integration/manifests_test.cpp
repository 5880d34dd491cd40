#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

// A good app beside the bad one: nothing may happen to it.
class BadInput : public ::testing::Test {
  protected:
    void SetUp() override {
        host.write("good.yaml", to_text(SingleApp{.id = "good"}));
        host.write("web.yaml", to_text(SingleApp{.id = "web", .port = 28090}));
        host.start();
        host.advance(std::chrono::minutes(1));
        before = host.ids();
    }

    void expect_untouched() {
        EXPECT_EQ(host.ids(), before);
        EXPECT_EQ(host.state("good"), "Running");
        EXPECT_EQ(host.podman->state_of("good"), "running");
    }

    Host host;
    std::map<std::string, std::string> before;
};

TEST_F(BadInput, ABrokenManifestKeepsItsLastGoodVersionRunning) {
    for (const char* broken : {"app: [", "app:\n  id: web\n  imagee: x\n", "", "just words"}) {
        host.write("web.yaml", broken);
        host.pass();
        expect_untouched();
        EXPECT_EQ(host.state("web"), "Running") << broken;
        EXPECT_TRUE(host.has_condition("web", "ManifestError")) << broken;
    }
    host.write("web.yaml", to_text(SingleApp{.id = "web", .port = 28090}));
    host.pass();
    EXPECT_FALSE(host.has_condition("web", "ManifestError"));
    expect_untouched();
}

TEST_F(BadInput, AMisspeltFieldIsToldWithFileLineAndColumn) {
    host.write("web.yaml", to_text(SingleApp{.id = "web", .more = "  restrat: always\n"}));
    host.pass();
    const std::string message = host.condition("web", "ManifestError");
    EXPECT_NE(message.find("web.yaml:10:3"), std::string::npos) << message;
    EXPECT_NE(message.find("restrat"), std::string::npos) << message;
    EXPECT_NE(message.find("restart"), std::string::npos) << message;
}

TEST_F(BadInput, TheLastGoodVersionIsKeptOverARestartAndIsRepaired) {
    host.write("web.yaml", "app: [");
    host.restart();
    expect_untouched();
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_TRUE(host.has_condition("web", "ManifestError"));
    ASSERT_TRUE(host.podman->remove_behind_back("web"));
    host.pass();
    EXPECT_EQ(host.podman->state_of("web"), "running");
}

TEST_F(BadInput, AManifestThatWasNeverGoodIsShownAndDisturbsNobody) {
    host.write("new.yaml", "app:\n  id: new\n  naem: x\n");
    host.pass();
    expect_untouched();
    EXPECT_EQ(host.state("new"), "Failed");
    EXPECT_NE(host.app("new").message.find("new.yaml"), std::string::npos)
        << host.app("new").message;
}

TEST_F(BadInput, AnUnknownDependencyIsRefusedAndNamed) {
    host.write("new.yaml", to_text(SingleApp{.id = "new", .more = "  depends_on: [nobody]\n"}));
    host.pass();
    expect_untouched();
    EXPECT_EQ(host.state("new"), "Failed");
    EXPECT_NE(host.app("new").message.find("nobody"), std::string::npos) << host.app("new").message;
    host.write("web.yaml",
               to_text(SingleApp{.id = "web", .port = 28090, .more = "  depends_on: [nobody]\n"}));
    host.pass();
    expect_untouched();
    EXPECT_EQ(host.state("web"), "Running");
    EXPECT_TRUE(host.has_condition("web", "ManifestError"));
}

TEST_F(BadInput, ACycleOfDependenciesIsRefusedAndItsPathIsTold) {
    host.write("one.yaml", to_text(SingleApp{.id = "one", .more = "  depends_on: [two]\n"}));
    host.write("two.yaml", to_text(SingleApp{.id = "two", .more = "  depends_on: [one]\n"}));
    host.pass();
    expect_untouched();
    for (const char* app : {"one", "two"}) {
        EXPECT_EQ(host.state(app), "Failed") << app;
        EXPECT_NE(host.app(app).message.find("one"), std::string::npos) << host.app(app).message;
        EXPECT_NE(host.app(app).message.find("two"), std::string::npos) << host.app(app).message;
    }
}

TEST_F(BadInput, ACycleThroughARunningAppLeavesItRunning) {
    host.write("one.yaml", to_text(SingleApp{.id = "one", .more = "  depends_on: [web]\n"}));
    host.write("web.yaml",
               to_text(SingleApp{.id = "web", .port = 28090, .more = "  depends_on: [one]\n"}));
    host.pass();
    EXPECT_EQ(host.podman->id_of("web"), before["web"]);
    EXPECT_EQ(host.podman->state_of("web"), "running");
    EXPECT_TRUE(host.has_condition("web", "ManifestError"));
}

TEST_F(BadInput, ATakenHostPortIsToldAndTriedAgainUntilItIsFree) {
    host.podman->occupy_port(28099);
    host.write("new.yaml", to_text(SingleApp{.id = "new", .port = 28099}));
    host.pass();
    EXPECT_EQ(changed(before, host.ids()), std::set<std::string>{});
    EXPECT_EQ(host.state("new"), "Failed");
    EXPECT_NE(host.app("new").message.find("28099"), std::string::npos) << host.app("new").message;
    host.podman->occupy_port(28099, false);
    host.advance(std::chrono::minutes(1));
    host.converge();
    EXPECT_EQ(host.state("new"), "Running") << host.app("new").message;
}

TEST_F(BadInput, APortThatAnotherAppHasIsRefusedAndTheOtherKeepsIt) {
    host.write("xtra.yaml", to_text(SingleApp{.id = "xtra", .port = 28090}));
    host.pass();
    expect_untouched();
    EXPECT_EQ(host.state("xtra"), "Failed");
    EXPECT_NE(host.app("xtra").message.find("28090"), std::string::npos)
        << host.app("xtra").message;
}

TEST_F(BadInput, AnImageThatDoesNotExistIsToldAndTheOldVersionKeepsRunning) {
    host.write("new.yaml", to_text(SingleApp{.id = "new", .image = "registry.example/none:1"}));
    host.write("web.yaml",
               to_text(SingleApp{.id = "web", .image = "registry.example/none:2", .port = 28090}));
    host.pass();
    expect_untouched();
    EXPECT_EQ(host.state("new"), "Failed");
    EXPECT_NE(host.app("new").message.find("registry.example/none:1"), std::string::npos)
        << host.app("new").message;
    EXPECT_EQ(host.state("web"), "Running");
    EXPECT_TRUE(host.has_condition("web", "DeployFailed"));
}

TEST_F(BadInput, AForeignContainerOfTheSameNameIsAConflictAndIsLeftAlone) {
    const std::string foreign = host.podman->create_behind_back(
        {{"name", "new"}, {"image", "localhost/busybox:latest"}, {"command", {"serve"}}});
    host.write("new.yaml", to_text(SingleApp{.id = "new"}));
    host.pass();
    EXPECT_EQ(host.state("new"), "Failed");
    EXPECT_TRUE(host.has_condition("new", "Conflict"));
    EXPECT_EQ(host.podman->id_of("new"), foreign);
    EXPECT_EQ(host.podman->state_of("new"), "running");
    ASSERT_TRUE(host.podman->remove_behind_back("new"));
    host.pass();
    EXPECT_EQ(host.state("new"), "Running") << host.app("new").message;
    EXPECT_FALSE(host.has_condition("new", "Conflict"));
}

// For want of inotify's objects.
TEST_F(BadInput, ManifestsThatCannotBeWatchedAreReadByTheNextPassAndSaidToBe) {
    const auto conditions = [&] { return host.agent->shared_status().lock()->agent_conditions; };
    host.agent->note_unwatched("fs.inotify.max_user_instances is used up");
    host.pass();
    ASSERT_EQ(conditions().size(), 1U);
    const supervise::StatusCondition reported = conditions().front();
    EXPECT_EQ(reported.type, "ManifestsUnwatched");
    EXPECT_EQ(reported.message.find("fs.inotify.max_user_instances is used up"), 0U)
        << reported.message;
    EXPECT_NE(reported.message.find("within 30s"), std::string::npos) << reported.message;
    host.write("new.yaml", to_text(SingleApp{.id = "new"}));
    host.advance(std::chrono::seconds(31));
    EXPECT_EQ(host.podman->state_of("new"), "running");
    host.agent->note_unwatched("fs.inotify.max_user_watches is used up");
    host.pass();
    ASSERT_EQ(conditions().size(), 1U);
    EXPECT_EQ(conditions().front().since, reported.since) << "since then changes go unseen";
    host.agent->note_unwatched("");
    host.pass();
    EXPECT_TRUE(conditions().empty());
}

TEST_F(BadInput, AFailingAppDelaysNoRepairOfAnother) {
    host.write("new.yaml", to_text(SingleApp{.id = "new", .image = "registry.example/none:1"}));
    host.pass();
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(host.podman->kill_process("good"));
        host.pass();
        EXPECT_EQ(host.podman->state_of("good"), "running");
        host.advance(std::chrono::seconds(15));
    }
    EXPECT_EQ(host.state("new"), "Failed");
}

}  // namespace
}  // namespace podreeve::integration
