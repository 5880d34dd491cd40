#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "runtime/podman/client.h"
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

TEST_F(DataKept, AClaimThatPodmanHasNoLongerIsMadeAgainAndSaidToBeEmpty) {
    start("web.yaml", web_with(true));
    const auto reported = [&] {
        const auto story = host.story("web");
        return std::ranges::count(story, "VolumeLost");
    };
    EXPECT_EQ(reported(), 0);
    ASSERT_TRUE(host.podman->remove_behind_back("web"));
    podman::Client client(host.podman->socket_path());
    ASSERT_TRUE(client.remove_volumes_with("io.podreeve.app", "web", {}));
    host.pass();
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_TRUE(fs::exists(in_volume(host, "data", "").parent_path()));
    EXPECT_EQ(reported(), 1);

    // What is made anew with its data in place is none of it.
    ASSERT_TRUE(host.podman->remove_behind_back("web"));
    host.pass();
    EXPECT_EQ(reported(), 1);
}

// A claim "data" and a ConfigMap "conf", in one container.
const std::string kWithBoth =
    "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n"
    "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n"
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {k: v}\n"
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"
    "  volumes:\n    - name: data\n      persistentVolumeClaim: {claimName: data}\n"
    "    - name: conf\n      configMap: {name: conf}\n"
    "  containers:\n    - name: main\n      image: localhost/busybox:latest\n"
    "      command: [serve]\n"
    "      volumeMounts: [{name: data, mountPath: /d}, {name: conf, mountPath: /c}]\n";

TEST_F(DataKept, VolumesThatGoInTheMidstOfARepairAreMadeAgainAsTheyWere) {
    start("web.yaml", kWithBoth);
    ASSERT_EQ(host.state("web"), "Running") << host.app("web").message;
    bool went = false;
    host.podman->on_request(
        [&](const fakes::FakePodman::Entry& entry) {
            if (entry.path.find("containers/create") != std::string::npos &&
                !std::exchange(went, true)) {
                podman::Client person(host.podman->socket_path());
                EXPECT_TRUE(person.remove_volumes_with("io.podreeve.app", "web", {}));
            }
        },
        nullptr);
    ASSERT_TRUE(host.podman->remove_behind_back("web"));
    host.pass();
    host.advance(minutes(2));
    ASSERT_TRUE(went);
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_EQ(host.podman->state_of("web-main"), "running");
    podman::Client client(host.podman->socket_path());
    for (const char* name : {"data", "conf"}) {
        const auto volume = client.inspect_volume(name, {});
        ASSERT_TRUE(volume) << name;
        EXPECT_EQ(volume->labels.count("io.podreeve.owner"), 1U) << name;
    }
    EXPECT_TRUE(fs::exists(in_volume(host, "conf", "k")));
    const auto story = host.story("web");
    EXPECT_EQ(std::ranges::count(story, "VolumeLost"), 1);
}

// podman's storage is on a disk of its own, which may be late at boot.
class StorageOnADisk : public DataKept {
  protected:
    StorageOnADisk() {
        host.config.proc = host.root / "proc";
        fs::create_directories(host.config.proc / "self");
        mount(true);
    }

    fs::path volumes() const { return fs::path(host.podman->directory()) / "volumes"; }

    void mount(bool there) {
        std::ofstream table(host.config.proc / "self/mountinfo");
        table << "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
        if (there) {
            table << "30 20 8:2 / " << host.podman->directory() << " rw - ext4 /dev/sdb1 rw\n";
        }
    }

    // All that podman had of the app is elsewhere; the file is what its claim holds.
    void lose_storage() {
        podman::Client client(host.podman->socket_path());
        ASSERT_TRUE(host.podman->remove_behind_back("web"));
        ASSERT_TRUE(client.remove_volumes_with("io.podreeve.app", "web", {}));
    }

    bool has_volume() {
        podman::Client client(host.podman->socket_path());
        return client.inspect_volume("data", {}).has_value();
    }
};

TEST_F(StorageOnADisk, NothingEmptyTakesThePlaceOfAClaimWhileTheDiskIsNotMounted) {
    start("web.yaml", web_with(true));
    ASSERT_EQ(host.state("web"), "Running") << host.app("web").message;
    host.stop();
    lose_storage();
    mount(false);
    host.start();
    host.advance(minutes(10));
    EXPECT_EQ(host.state("web"), "Waiting") << host.app("web").message;
    for (const char* words : {"volume data no longer", "is not mounted", "podreeve prune"}) {
        EXPECT_NE(host.app("web").message.find(words), std::string::npos)
            << host.app("web").message;
    }
    EXPECT_FALSE(has_volume());

    // Neither a person's start nor a new version is one who lets the data go.
    host.request("web", Verb::Stop);
    host.request("web", Verb::Start);
    host.write("web.yaml", web_with(true) + "      env: [{name: A, value: b}]\n");
    host.pass();
    host.advance(minutes(10));
    EXPECT_EQ(host.state("web"), "Waiting") << host.app("web").message;
    EXPECT_FALSE(has_volume());

    mount(true);
    podman::Client client(host.podman->socket_path());
    podman::VolumeDetails data;
    data.name = "data";
    ASSERT_TRUE(client.create_volume(data, {}));
    std::ofstream(in_volume(host, "data", "kept")) << "x";
    host.pass();
    host.advance(minutes(1));
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_TRUE(fs::exists(in_volume(host, "data", "kept")));
}

TEST_F(StorageOnADisk, PruneLetsTheDataGo) {
    start("web.yaml", web_with(true));
    lose_storage();
    mount(false);
    host.pass();
    ASSERT_EQ(host.state("web"), "Waiting") << host.app("web").message;
    host.agent->let_go({}, {"web"});
    host.pass();
    host.advance(minutes(1));
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_TRUE(has_volume());

    // It is known again where they are: on what is mounted now.
    mount(true);
    lose_storage();
    host.pass();
    EXPECT_EQ(host.state("web"), "Waiting") << host.app("web").message;
}

TEST_F(StorageOnADisk, WhatIsGoneWhereTheDiskIsMountedIsMadeAnew) {
    start("web.yaml", web_with(true));
    lose_storage();
    host.pass();
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    const auto story = host.story("web");
    EXPECT_EQ(std::ranges::count(story, "VolumeLost"), 1);
}

TEST_F(StorageOnADisk, ThePlaceIsLookedUpOnceForAVersion) {
    start("web.yaml", web_with(true));
    const auto asked = [&] {
        std::size_t count = 0;
        for (const fakes::FakePodman::Entry& entry : host.podman->journal()) {
            count += entry.path.find("volumes/json") != std::string::npos ? 1 : 0;
        }
        return count;
    };
    host.pass();
    const std::size_t before = asked();
    for (int i = 0; i < 5; ++i) {
        host.pass();
    }
    EXPECT_EQ(asked(), before);
    host.restart();
    host.pass();
    EXPECT_EQ(asked(), before) << "it is kept over a restart";
}

TEST_F(DataKept, AStoppedAppSaysThatPodmanHasItsClaimNoLonger) {
    start("web.yaml", web_with(true));
    host.request("web", Verb::Stop);
    EXPECT_EQ(host.condition("web", "VolumeLost"), "");
    ASSERT_TRUE(host.podman->remove_behind_back("web"));
    podman::Client client(host.podman->socket_path());
    ASSERT_TRUE(client.remove_volumes_with("io.podreeve.app", "web", {}));
    host.pass();
    EXPECT_NE(host.condition("web", "VolumeLost").find("volume data"), std::string::npos)
        << host.condition("web", "VolumeLost");
    host.request("web", Verb::Start);
    EXPECT_EQ(host.condition("web", "VolumeLost"), "");
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
}

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

const std::string kWithoutVolume =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"
    "  containers:\n    - name: main\n      image: localhost/busybox:latest\n"
    "      command: [serve]\n";

TEST_F(DataKept, AVolumeThatSomebodyElseUsesIsLeftBehindAndTheUpdateStays) {
    start("web.yaml", web_with(false));
    host.podman->create_behind_back({{"name", "mine"},
                                     {"image", "localhost/busybox:latest"},
                                     {"command", {"serve"}},
                                     {"volumes", {{{"Name", "data"}, {"Dest", "/x"}}}}},
                                    false);
    host.write("web.yaml", kWithoutVolume);
    host.pass();
    before = host.ids();
    host.advance(minutes(5));
    EXPECT_EQ(replaced(), std::set<std::string>{}) << "the update is undone and done again";
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_EQ(host.app("web").deployed_spec, host.app("web").spec);
    EXPECT_TRUE(fs::exists(in_volume(host, "data", "k")));
    const auto story = host.story("web");
    EXPECT_EQ(std::ranges::count(story, "LeftBehind"), 1);

    ASSERT_TRUE(host.podman->remove_behind_back("mine"));
    host.write("web.yaml", kWithoutVolume + "      env: [{name: A, value: b}]\n");
    host.pass();
    EXPECT_FALSE(fs::exists(in_volume(host, "data", "k"))) << "the next update clears it away";
}

TEST_F(DataKept, AFormerContainerThatCannotBeRemovedTakesNoUpdateBack) {
    start("web.yaml", kWithoutVolume);
    host.podman->fail_next("DELETE", "containers/" + host.podman->id_of("web-main"), 500,
                           "device or resource busy", 2);
    host.write("web.yaml", kWithoutVolume + "      env: [{name: A, value: b}]\n");
    host.pass();
    EXPECT_EQ(host.podman->inspect("web-main")["env"]["A"], "b");
    EXPECT_EQ(host.app("web").deployed_spec, host.app("web").spec);
    host.advance(minutes(1));
    EXPECT_EQ(host.ids().size(), before.size()) << "the next pass removes it";
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
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
    host.request("clock", Verb::Stop);
    EXPECT_EQ(host.podman->state_of("clock"), "exited");
    host.request("clock", Verb::Start);
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

// What is stuck again and again is left alone, until a person asks for it.
class BreakerOpen : public DataKept {
  protected:
    void SetUp() override {
        start("clock.yaml", to_text(SingleApp{}));
        for (int i = 0; i < 5; ++i) {
            get_stuck();
            ASSERT_EQ(replaced(), std::set<std::string>{"clock"});
            before = host.ids();
        }
        get_stuck();
        ASSERT_EQ(replaced(), std::set<std::string>{});
        const std::string why = host.app("clock").message;
        ASSERT_NE(why.find("was recreated 5 times"), std::string::npos) << why;
        const std::string reported = host.condition("clock", "BackingOff");
        EXPECT_NE(reported.find("was recreated 5 times in 30m"), std::string::npos) << reported;
        EXPECT_FALSE(host.has_condition("clock", "Transitioning"))
            << host.condition("clock", "Transitioning");
    }

    void get_stuck() {
        ASSERT_TRUE(host.podman->wedge("clock", "stopping"));
        host.pass();
        host.advance(minutes(1));
    }

    void expect_made_anew() {
        EXPECT_EQ(replaced(), std::set<std::string>{"clock"});
        EXPECT_EQ(host.podman->state_of("clock"), "running");
    }
};

TEST_F(BreakerOpen, IsClosedByAStart) {
    host.request("clock", Verb::Start);
    expect_made_anew();
}

TEST_F(BreakerOpen, IsClosedByAReconcile) {
    auto asked = std::async(std::launch::async,
                            [&] { return host.agent->reconciler().pass_now(minutes(1)); });
    while (asked.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
        host.converge();
    }
    ASSERT_TRUE(asked.get());
    host.converge();
    expect_made_anew();
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
         {std::string("shop-web-web"), infra_of(host, "shop-db"), host.service_of("shop")}) {
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
    ASSERT_TRUE(host.podman->wedge(host.service_of("shop"), "stopping"));
    host.pass();
    host.advance(minutes(1));
    EXPECT_TRUE(replaced().contains(host.service_of("shop")));
    EXPECT_EQ(host.podman->state_of(host.service_of("shop")), "running");
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
    host.request("clock", Verb::Start);
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
