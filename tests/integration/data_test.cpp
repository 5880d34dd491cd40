#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// What holds people's data or work is never emptied, replaced or removed by mistake.
namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;
using std::chrono::seconds;
using supervise::Verb;

// A pod "web" whose container mounts a volume of podman's called "data", a claim or a ConfigMap.
std::string web_with(bool claim, const std::string& pull = "IfNotPresent") {
    const char* object = claim ? "apiVersion: v1\nkind: PersistentVolumeClaim\n"
                                 "metadata: {name: data}\n"
                                 "spec: {accessModes: [ReadWriteOnce], "
                                 "resources: {requests: {storage: 1Gi}}}\n"
                               : "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: data}\n"
                                 "data: {k: v}\n";
    const char* source =
        claim ? "persistentVolumeClaim: {claimName: data}" : "configMap: {name: data}";
    return fmt::format(
        "{}---\napiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n"
        "  volumes:\n    - name: data\n      {}\n"
        "  containers:\n    - name: main\n      image: localhost/busybox:latest\n"
        "      imagePullPolicy: {}\n      command: [serve]\n"
        "      volumeMounts: [{{name: data, mountPath: /d}}]\n",
        object, source, pull);
}

fs::path in_volume(const Host& host, const std::string& volume, const std::string& file) {
    return fs::path(host.podman->directory()) / "volumes" / volume / "_data" / file;
}

std::string infra_of(const Host& host, const std::string& pod) {
    return host.podman->id_of(pod).substr(0, 12) + "-infra";
}

class DataKept : public ::testing::Test {
  protected:
    void start(const std::string& file, const std::string& text) {
        host.write(file, text);
        host.start();
        host.advance(minutes(1));
        before = host.ids();
    }

    std::set<std::string> replaced() { return changed(before, host.ids()); }

    Host host;
    std::map<std::string, std::string> before;
};

TEST_F(DataKept, AClaimThatBecomesAConfigMapIsAConflictAndTheVersionBeforeIsKeptUp) {
    start("web.yaml", web_with(true));
    const fs::path precious = in_volume(host, "data", "precious");
    std::ofstream(precious) << "mine";
    host.write("web.yaml", web_with(false));
    host.pass();
    host.advance(minutes(2));
    EXPECT_TRUE(fs::exists(precious));
    EXPECT_FALSE(fs::exists(in_volume(host, "data", "k")));
    EXPECT_EQ(replaced(), std::set<std::string>{});
    EXPECT_NE(host.condition("web", "Conflict")
                  .find("volume data is a claim, and is wanted as a ConfigMap"),
              std::string::npos)
        << host.condition("web", "Conflict");
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;

    ASSERT_TRUE(host.podman->remove_behind_back("web-main"));
    host.pass();
    host.advance(seconds(1));
    EXPECT_EQ(host.podman->state_of("web-main"), "running") << "the version before is kept up";
    EXPECT_TRUE(fs::exists(precious));
    EXPECT_TRUE(host.has_condition("web", "Conflict"));

    host.write("web.yaml", web_with(true));
    host.pass();
    EXPECT_FALSE(host.has_condition("web", "Conflict"));
    EXPECT_EQ(host.state("web"), "Running");
    EXPECT_TRUE(fs::exists(precious));
}

TEST_F(DataKept, AConfigMapThatBecomesAClaimDoesNotGoWithItsApp) {
    start("web.yaml", web_with(false));
    host.write("web.yaml", web_with(true));
    host.pass();
    host.advance(minutes(1));
    EXPECT_NE(host.condition("web", "Conflict")
                  .find("volume data is a ConfigMap, and is wanted as a claim"),
              std::string::npos)
        << host.condition("web", "Conflict");
    EXPECT_EQ(replaced(), std::set<std::string>{});
    EXPECT_TRUE(fs::exists(in_volume(host, "data", "k")));
}

TEST_F(DataKept, APausedContainerIsLeftForAsLongAsItIsPaused) {
    start("clock.yaml", to_text(SingleApp{}));
    for (const char* state : {"paused", "bogus"}) {
        ASSERT_TRUE(host.podman->wedge("clock", state));
        host.pass();
        host.advance(minutes(45));
        EXPECT_EQ(replaced(), std::set<std::string>{}) << state;
        EXPECT_EQ(host.podman->state_of("clock"), state);
    }
    EXPECT_TRUE(host.has_condition("clock", "Unknown"));
    ASSERT_TRUE(host.podman->wedge("clock", "paused"));
    host.pass();
    EXPECT_TRUE(host.has_condition("clock", "Paused"));
    ASSERT_TRUE(host.podman->wedge("clock", "running"));
    host.pass();
    EXPECT_EQ(replaced(), std::set<std::string>{});
    EXPECT_EQ(host.state("clock"), "Running");
}

TEST_F(DataKept, APersonsStopAndUpdateWakeWhatIsPaused) {
    start("clock.yaml", to_text(SingleApp{}));
    ASSERT_TRUE(host.podman->wedge("clock", "paused"));
    host.wish("clock", Verb::Stop);
    EXPECT_EQ(host.podman->state_of("clock"), "exited");
    host.wish("clock", Verb::Start);
    EXPECT_EQ(replaced(), std::set<std::string>{});
    ASSERT_TRUE(host.podman->wedge("clock", "paused"));
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET"}));
    host.pass();
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "CET");
}

TEST_F(DataKept, AStartThatKeepsFailingIsNoReasonToRecreateEachTimeOrToGiveUp) {
    start("clock.yaml", to_text(SingleApp{}));
    host.podman->set_program("serve", program_that_cannot_start("exec format error"));
    ASSERT_TRUE(host.podman->remove_behind_back("clock"));
    host.pass();
    host.advance(minutes(12));
    const auto made = host.podman->mutations();
    EXPECT_LE(std::count_if(made.begin(), made.end(),
                            [](const std::string& call) {
                                return call.starts_with("POST containers/create");
                            }),
              3)
        << "the first, the one put back, and one more try with a new one";
    host.podman->set_program("serve", {});
    host.advance(minutes(6));
    EXPECT_EQ(host.podman->state_of("clock"), "running") << host.app("clock").message;
}

TEST_F(DataKept, WhatIsGoneWithoutPodmansKnowledgeRunsAgain) {
    start("clock.yaml", to_text(SingleApp{}));
    host.show_processes();
    host.pass();
    host.kill_with_conmon("clock");
    ASSERT_EQ(host.podman->state_of("clock"), "running") << "podman says so";
    const std::size_t starts = host.starts_of("clock");
    host.pass();
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    EXPECT_EQ(host.starts_of("clock"), starts + 1);
    EXPECT_EQ(replaced(), std::set<std::string>{});
}

TEST_F(DataKept, WhatIsGoneOfAPodWithoutPodmansKnowledgeRunsAgain) {
    start("shop.yaml", to_text(ShopApp{}));
    for (const std::string& name :
         {std::string("shop-web-web"), infra_of(host, "shop-db"), std::string("shop-service")}) {
        host.show_processes();
        host.pass();
        host.kill_with_conmon(name);
        host.pass();
        host.advance(seconds(5));
        for (const auto& run : host.podman->running()) {
            EXPECT_FALSE(run.gone) << name;
        }
        EXPECT_EQ(host.state("shop"), "Running") << name << ": " << host.app("shop").message;
        EXPECT_EQ(replaced(), std::set<std::string>{}) << name;
        host.advance(minutes(1));
    }
}

TEST_F(DataKept, WhatCannotBeSeenIsNotGone) {
    start("clock.yaml", to_text(SingleApp{}));
    const std::size_t starts = host.starts_of("clock");
    host.pass();
    host.advance(minutes(5));
    EXPECT_EQ(host.starts_of("clock"), starts);
}

TEST_F(DataKept, AStuckInfraContainerIsMadeAnewWithItsPodAlone) {
    start("shop.yaml", to_text(ShopApp{}));
    ASSERT_TRUE(host.podman->wedge(infra_of(host, "shop-db"), "stopping"));
    host.pass();
    host.advance(minutes(1));
    auto names = replaced();
    std::erase_if(names, [](const std::string& name) { return name.ends_with("-infra"); });
    EXPECT_EQ(names, (std::set<std::string>{"shop-db", "shop-db-db"}));
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
}

TEST_F(DataKept, AStuckServiceContainerIsMadeAnewWithItsPods) {
    start("shop.yaml", to_text(ShopApp{}));
    ASSERT_TRUE(host.podman->wedge("shop-service", "stopping"));
    host.pass();
    host.advance(minutes(1));
    EXPECT_TRUE(replaced().contains("shop-service"));
    EXPECT_EQ(host.podman->state_of("shop-service"), "running");
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
}

TEST_F(DataKept, APodThatPodmanCannotStartAnyMoreIsMadeAnew) {
    start("shop.yaml", to_text(ShopApp{}));
    ASSERT_TRUE(host.podman->stop_behind_back("shop-db"));
    const std::string id = host.podman->id_of("shop-db");
    host.podman->fail_next("POST", "pods/" + id + "/start", 500, "netns is gone", 1000);
    host.pass();
    host.advance(minutes(2));
    EXPECT_TRUE(replaced().contains("shop-db"));
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
}

TEST_F(DataKept, WhatRanComesBackWithoutTheRegistry) {
    host.podman->add_to_registry("localhost/busybox:latest");
    start("web.yaml", web_with(true, "Always"));
    ASSERT_EQ(host.state("web"), "Running") << host.app("web").message;
    host.podman->fail_pulls_of("localhost/busybox:latest", "no route to host");
    ASSERT_TRUE(host.podman->remove_behind_back("web-main"));
    host.pass();
    EXPECT_EQ(host.podman->state_of("web-main"), "running") << host.app("web").message;
    EXPECT_EQ(host.state("web"), "Running");
}

TEST_F(DataKept, WhatAPersonStartedIsNotStoppedWhenTheStoreIsLost) {
    start("clock.yaml", to_text(SingleApp{.more = "  autostart: false\n"}));
    host.wish("clock", Verb::Start);
    ASSERT_EQ(host.podman->state_of("clock"), "running");
    before = host.ids();
    host.stop();
    std::ofstream(host.config.paths.state_dir / "state.db", std::ios::trunc) << "not a database";
    host.start();
    host.advance(minutes(1));
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    EXPECT_EQ(replaced(), std::set<std::string>{});
}

}  // namespace
}  // namespace podreeve::integration
