#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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

TEST_F(Repairing, AKilledServiceContainerRunsAgain) {
    ASSERT_TRUE(host.podman->kill_process("shop-service"));
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

TEST_F(Repairing, AllRunsAgainAfterAReboot) {
    host.stop();
    host.podman->reboot();
    host.start();
    host.advance(std::chrono::seconds(5));
    host.settle();
    expect_all_up();
    EXPECT_EQ(replaced(), Names{});
}

TEST_F(Repairing, AContainerWedgedBetweenTwoStatesIsRecreatedAndAllElseStays) {
    ASSERT_TRUE(host.podman->wedge("clock", "stopping"));
    host.pass();
    host.advance(std::chrono::minutes(1));
    host.settle();
    expect_all_up();
    EXPECT_EQ(replaced(), Names{"clock"});
}

TEST_F(Repairing, AnEventOfPodmansIsEnoughForARepair) {
    host.agent->watch_podman();
    ASSERT_TRUE(host.podman->wait_until([](const auto& journal) {
        return std::any_of(journal.begin(), journal.end(),
                           [](const auto& entry) { return entry.path.starts_with("events"); });
    }));
    ASSERT_TRUE(host.podman->kill_process("clock"));
    ASSERT_TRUE(host.turns.wait()) << "nobody has noticed";
    host.settle();
    while (host.podman->state_of("clock") != "running" && host.turns.wait()) {
        host.settle();
    }
    expect_all_up();
}

}  // namespace
}  // namespace podreeve::integration
