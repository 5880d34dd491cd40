#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "runtime/podman/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

using Names = std::set<std::string>;

// A host on which both kinds of app run.
class Repairing : public ::testing::Test {
  protected:
    void SetUp() override {
        host.write("shop.yaml", to_text(ShopApp{}));
        host.write("clock.yaml", to_text(SingleApp{.port = 28090}));
        host.start();
        // So long that what runs has had a good run, and nothing backs off.
        host.advance(std::chrono::minutes(1));
        before = host.ids();
    }

    void expect_all_up() {
        EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
        EXPECT_EQ(host.state("clock"), "Running") << host.app("clock").message;
        for (const auto& [name, id] : host.ids()) {
            const std::string state = host.podman->state_of(name);
            EXPECT_TRUE(state == "running" || state == "Running") << name << " is " << state;
        }
        EXPECT_EQ(host.ids().size(), before.size());
    }

    // The names whose ids changed, but for infra containers, which are named by their pod's id.
    Names replaced() {
        Names names = changed(before, host.ids());
        std::erase_if(names, [](const std::string& name) { return name.ends_with("-infra"); });
        return names;
    }

    Host host;
    std::map<std::string, std::string> before;
};

TEST_F(Repairing, AKilledContainerRunsAgainAndIsTheSame) {
    for (const char* name : {"clock", "shop-db-db", "shop-web-web"}) {
        ASSERT_TRUE(host.podman->kill_process(name));
        host.pass();
        EXPECT_EQ(host.podman->state_of(name), "running") << name;
    }
    expect_all_up();
    EXPECT_EQ(replaced(), Names{});
    EXPECT_EQ(host.app("clock").restarts, 1);
}

TEST_F(Repairing, AContainerThatSomebodyRenamedGetsItsNameBackAndRunsOn) {
    podman::Client client(host.podman->socket_path());
    for (const std::string name : {"clock", "shop-web-web"}) {
        const std::size_t starts = host.starts_of(name);
        ASSERT_TRUE(client.rename_container(name, "mine", {}));
        host.pass();
        EXPECT_EQ(host.podman->state_of(name), "running") << name;
        EXPECT_EQ(host.starts_of(name), starts) << name;
    }
    expect_all_up();
    EXPECT_EQ(replaced(), Names{});
}

TEST_F(Repairing, ARenamedContainerWhoseNameSomebodyTookIsAConflictAndRunsOn) {
    podman::Client client(host.podman->socket_path());
    ASSERT_TRUE(client.rename_container("clock", "mine", {}));
    host.podman->create_behind_back(
        {{"name", "clock"}, {"image", "localhost/busybox:latest"}, {"command", {"serve"}}});
    host.pass();
    EXPECT_NE(host.condition("clock", "Conflict").find("container clock"), std::string::npos)
        << host.condition("clock", "Conflict");
    EXPECT_EQ(host.podman->state_of("mine"), "running");

    ASSERT_TRUE(host.podman->remove_behind_back("clock"));
    host.pass();
    EXPECT_EQ(host.podman->id_of("clock"), before.at("clock"));
    EXPECT_EQ(host.condition("clock", "Conflict"), "");
}

TEST_F(Repairing, AKilledServiceContainerRunsAgain) {
    ASSERT_TRUE(host.podman->kill_process(host.service_of("shop")));
    host.pass();
    expect_all_up();
    EXPECT_EQ(replaced(), Names{});
}

TEST_F(Repairing, ARemovedContainerIsMadeAnewAndAllElseStays) {
    ASSERT_TRUE(host.podman->remove_behind_back("clock"));
    host.pass();
    expect_all_up();
    EXPECT_EQ(replaced(), Names{"clock"});
}

TEST_F(Repairing, ARemovedContainerOfAPodIsMadeAnewInsideThatPod) {
    ASSERT_TRUE(host.podman->remove_behind_back("shop-web-web"));
    host.pass();
    expect_all_up();
    EXPECT_EQ(replaced(), Names{"shop-web-web"});
}

TEST_F(Repairing, ARemovedPodIsMadeAnewWithItsContainersAlone) {
    ASSERT_TRUE(host.podman->remove_behind_back("shop-web"));
    host.pass();
    expect_all_up();
    EXPECT_EQ(replaced(), (Names{"shop-web", "shop-web-web"}));
}

TEST_F(Repairing, AllPodsRemovedAtOnceAreMadeAnew) {
    ASSERT_TRUE(host.podman->remove_behind_back("shop-web"));
    ASSERT_TRUE(host.podman->remove_behind_back("shop-db"));
    host.pass();
    expect_all_up();
    EXPECT_FALSE(replaced().contains("clock"));
}

TEST_F(Repairing, AStopBehindTheAgentsBackIsTakenBack) {
    for (const char* name : {"clock", "shop-db-db"}) {
        ASSERT_TRUE(host.podman->stop_behind_back(name));
        host.pass();
        EXPECT_EQ(host.podman->state_of(name), "running") << name;
    }
    expect_all_up();
    EXPECT_EQ(replaced(), Names{});
}

TEST_F(Repairing, AStoppedPodRunsAgain) {
    ASSERT_TRUE(host.podman->stop_behind_back("shop-web"));
    host.pass();
    expect_all_up();
    EXPECT_EQ(replaced(), Names{});
}

TEST_F(Repairing, APodThatFindsNoRoomToStartIsKeptUntilThereIsSome) {
    ASSERT_TRUE(host.podman->stop_behind_back("shop-web"));
    host.podman->fail_next("POST", "pods/" + before.at("shop-web") + "/start", 500,
                           "write /run/x: no space left on device", 4);
    host.pass();
    host.advance(std::chrono::minutes(5));
    expect_all_up();
    EXPECT_EQ(replaced(), Names{});
}

TEST_F(Repairing, AllRunsAgainAfterAReboot) {
    host.stop();
    host.podman->reboot();
    host.start();
    host.advance(std::chrono::seconds(5));
    host.converge();
    expect_all_up();
    EXPECT_EQ(replaced(), Names{});
}

TEST_F(Repairing, AContainerWedgedBetweenTwoStatesIsRecreatedAndAllElseStays) {
    ASSERT_TRUE(host.podman->wedge("clock", "stopping"));
    host.pass();
    host.advance(std::chrono::minutes(1));
    host.converge();
    expect_all_up();
    EXPECT_EQ(replaced(), Names{"clock"});
}

TEST(StoppedByHand, AContainerHasItsOwnGraceBeforeItCountsAsStuck) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{.more = "  stop_grace_secs: 120\n"}));
    host.start();
    const auto before = host.ids();
    ASSERT_TRUE(host.podman->wedge("clock", "stopping"));
    host.pass();
    host.advance(std::chrono::seconds(125));
    EXPECT_EQ(host.ids(), before);
    ASSERT_TRUE(host.podman->wedge("clock", "exited"));
    host.pass();
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    EXPECT_EQ(host.ids(), before);

    ASSERT_TRUE(host.podman->wedge("clock", "stopping"));
    host.pass();
    host.advance(std::chrono::minutes(3));
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    EXPECT_NE(host.ids(), before) << "what is stuck for good is made anew";
}

TEST_F(Repairing, AnEventOfPodmansIsEnoughForARepair) {
    host.agent->watch_podman();
    ASSERT_TRUE(host.podman->wait_until([](const auto& journal) {
        return std::any_of(journal.begin(), journal.end(),
                           [](const auto& entry) { return entry.path.starts_with("events"); });
    }));
    ASSERT_TRUE(host.podman->kill_process("clock"));
    ASSERT_TRUE(host.turns.wait()) << "nobody has noticed";
    host.converge();
    while (host.podman->state_of("clock") != "running" && host.turns.wait()) {
        host.converge();
    }
    expect_all_up();
}

// As on a disk that is full: what runs is kept up, and the new version comes once there is room.
TEST_F(Repairing, AVersionThatFindsNoRoomKeepsTheOneThatRunsRepaired) {
    host.podman->fail_next("POST", "containers/create", 500, "mkdir /x: no space left on device",
                           8);
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET", .port = 28090}));
    host.pass();
    host.advance(std::chrono::seconds(30));
    EXPECT_NE(host.condition("clock", "DeployFailed").find("no space left"), std::string::npos)
        << host.condition("clock", "DeployFailed");
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(host.podman->kill_process("clock"));
        host.pass();
        EXPECT_EQ(host.podman->state_of("clock"), "running");
        host.advance(std::chrono::seconds(11));
    }
    host.advance(std::chrono::minutes(30));
    EXPECT_EQ(host.state("clock"), "Running") << host.app("clock").message;
    EXPECT_EQ(host.app("clock").deployed_spec, host.app("clock").spec);
}

TEST_F(Repairing, AnEventFromBeforeTheStreamWasOpenIsEnoughToo) {
    ASSERT_TRUE(host.podman->kill_process("clock"));
    host.agent->watch_podman();
    ASSERT_TRUE(host.turns.wait()) << "nobody has noticed";
    host.converge();
    while (host.podman->state_of("clock") != "running" && host.turns.wait()) {
        host.converge();
    }
    expect_all_up();
}

}  // namespace
}  // namespace podreeve::integration
