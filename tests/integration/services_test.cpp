#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/supervise/why.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// Dependencies, conditions, requests and the way down, over whole apps.
namespace podreeve::integration {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using supervise::Verb;
using Lives = std::vector<std::string>;

std::string depends(const std::string& list) {
    return "  depends_on: [" + list + "]\n";
}

// Lets the agent work until a request of it hangs, of which nobody tells.
void run_until_hung(Host& host) {
    while (host.podman->hung() == 0) {
        host.turns.run();
        std::this_thread::yield();
    }
}

// web needs api, api needs db.
class ThreeApps : public ::testing::Test {
  protected:
    void write_all(const std::string& policy = "stay") {
        host.write(
            "web.yaml",
            to_text(SingleApp{.id = "web",
                              .more = depends("{app: api, is: healthy, policy: " + policy + "}")}));
        host.write(
            "api.yaml",
            to_text(SingleApp{.id = "api",
                              .more = depends("{app: db, is: healthy, policy: " + policy + "}")}));
        host.write("db.yaml", to_text(SingleApp{.id = "db"}));
    }

    void start_all(const std::string& policy = "stay") {
        write_all(policy);
        host.start();
        host.advance(minutes(1));
        expect_all_run();
        mark();
    }

    void expect_all_run() {
        for (const char* app : {"db", "api", "web"}) {
            EXPECT_EQ(host.state(app), "Running") << app << ": " << host.app(app).message;
        }
    }

    void mark() { seen = host.podman->events().size(); }

    Lives lives() const { return host.lives(seen); }

    Host host;
    std::size_t seen = 0;
};

// Each of the three counts as ready when it has run for a second.
constexpr Duration kUntilReady = std::chrono::seconds(5);

const Lives kUp{"start db", "start api", "start web"};
const Lives kDown{"died web", "died api", "died db"};

TEST_F(ThreeApps, ComeUpInOrder) {
    write_all();
    host.start();
    host.advance(kUntilReady);
    expect_all_run();
    EXPECT_EQ(lives(), kUp);
}

TEST_F(ThreeApps, ComeUpInOrderAfterAReboot) {
    start_all();
    host.stop();
    host.podman->reboot();
    mark();
    host.start();
    host.advance(seconds(5));
    expect_all_run();
    EXPECT_EQ(lives(), kUp);
}

TEST_F(ThreeApps, AProviderThatWasRemovedComesBackAndTheOthersStay) {
    start_all();
    host.podman->remove_behind_back("db");
    mark();
    host.pass();
    expect_all_run();
    EXPECT_EQ(lives(), Lives{"start db"});
}

TEST_F(ThreeApps, AllThatDiedAtOnceComesBackInOrder) {
    start_all();
    for (const char* name : {"web", "api", "db"}) {
        host.podman->kill_process(name);
    }
    mark();
    host.pass();
    host.advance(kUntilReady);
    expect_all_run();
    EXPECT_EQ(lives(), kUp);
}

TEST_F(ThreeApps, StoppingTheRootStopsWhatNeedsItFirstAndTellsSoBeforehand) {
    start_all();
    const auto report = host.agent->supervisor().request("db", {Verb::Stop});
    ASSERT_TRUE(report);
    EXPECT_EQ(report->levels, (std::vector<std::vector<std::string>>{{"web"}, {"api"}, {"db"}}));
    EXPECT_EQ(report->at_most, seconds(3 * 25));
    host.pass();
    EXPECT_EQ(lives(), kDown);
    EXPECT_EQ(host.state("db"), "Finished");
    EXPECT_EQ(host.state("web"), "Waiting") << host.app("web").message;
    EXPECT_EQ(host.story("db").back(), "Finished");
    mark();
    host.request("db", Verb::Start);
    host.advance(kUntilReady);
    expect_all_run();
    EXPECT_EQ(lives(), kUp);
}

TEST_F(ThreeApps, AStopAloneLeavesWhatStays) {
    start_all();
    host.request("db", Verb::Stop, true);
    EXPECT_EQ(lives(), Lives{"died db"});
    EXPECT_EQ(host.state("web"), "Running");
}

TEST_F(ThreeApps, ARestartRestartsThatAppAlone) {
    start_all();
    host.request("db", Verb::Restart);
    expect_all_run();
    EXPECT_EQ(lives(), (Lives{"died db", "start db"}));
}

TEST_F(ThreeApps, ARestartIsFinishedByTheNextAgent) {
    start_all();
    ASSERT_TRUE(host.agent->supervisor().request("db", {Verb::Restart}));
    host.restart();
    host.advance(seconds(5));
    expect_all_run();
    EXPECT_EQ(lives(), (Lives{"died db", "start db"}));
}

TEST_F(ThreeApps, ThePolicyStopFollowsAProviderDownAndBackUp) {
    start_all("stop");
    host.request("db", Verb::Stop, true);
    EXPECT_NE(host.podman->state_of("web"), "running");
    EXPECT_NE(host.podman->state_of("api"), "running");
    mark();
    host.request("db", Verb::Start);
    host.advance(seconds(5));
    expect_all_run();
    EXPECT_EQ(lives(), kUp);
}

TEST_F(ThreeApps, ThePolicyRestartRestartsOnceTheProviderIsBack) {
    start_all("restart");
    host.podman->kill_process("db");
    mark();
    host.pass();
    host.advance(seconds(5));
    expect_all_run();
    EXPECT_EQ(lives(), (Lives{"start db", "died api", "start api", "died web", "start web"}));
    mark();
    host.advance(minutes(3));
    EXPECT_EQ(lives(), Lives{}) << "once is enough";
}

TEST_F(ThreeApps, GoDownInReverseWhenTheHostDoesAndThatIsNotRemembered) {
    start_all();
    const auto report = host.agent->supervisor().shut_down(true);
    EXPECT_EQ(report.levels.size(), 3U);
    host.pass();
    EXPECT_EQ(lives(), kDown);
    host.advance(minutes(2));
    EXPECT_EQ(lives(), kDown) << "nothing comes back while the host goes down";
    for (const Verb verb : {Verb::Start, Verb::Restart}) {
        const auto started = host.agent->request("db", {verb});
        ASSERT_FALSE(started);
        EXPECT_NE(started.error().message.find("podreeve shutdown --undo"), std::string::npos);
    }
    mark();
    host.restart();
    host.advance(seconds(5));
    expect_all_run();
    EXPECT_EQ(lives(), kUp);
}

TEST_F(ThreeApps, WhatIsStillBeingStoppedHoldsUpTheStopOfWhatItNeeds) {
    start_all();
    ASSERT_TRUE(host.podman->wedge("web", "stopping"));
    host.request("db", Verb::Stop);
    host.advance(seconds(8));
    EXPECT_EQ(lives(), Lives{}) << "podman stops web for somebody else, with a long grace";
    ASSERT_TRUE(host.podman->wedge("web", "exited"));
    host.pass();
    EXPECT_EQ(lives(), (Lives{"died api", "died db"}));
}

TEST_F(ThreeApps, OneThatPodmanIsStuckStoppingHoldsUpNobodyForEver) {
    start_all();
    ASSERT_TRUE(host.podman->wedge("web", "stopping"));
    host.request("db", Verb::Stop);
    host.advance(seconds(18));
    EXPECT_EQ(lives(), Lives{}) << "its grace of 10 s may have been all used";
    host.advance(seconds(4));
    EXPECT_EQ(lives(), (Lives{"died api", "died db"}));
}

TEST_F(ThreeApps, OneThatIsPausedIsStoppedBeforeWhatItNeeds) {
    start_all();
    ASSERT_TRUE(host.podman->wedge("web", "paused"));
    host.request("db", Verb::Stop);
    EXPECT_EQ(lives(), kDown);
}

TEST_F(ThreeApps, AreRemovedInReverse) {
    start_all();
    for (const char* other : {"other", "another", "third"}) {
        host.write(std::string(other) + ".yaml", to_text(SingleApp{.id = other}));
    }
    host.pass();
    mark();
    for (const char* app : {"db", "api", "web"}) {
        host.erase(std::string(app) + ".yaml");
    }
    host.pass();
    host.advance(seconds(5));
    EXPECT_EQ(lives(), kDown);
}

TEST_F(ThreeApps, ABlockedChainNamesItsRoot) {
    host.podman->fail_pulls_of("registry.example/db:1", "manifest unknown");
    write_all();
    host.write("db.yaml", to_text(SingleApp{.id = "db", .image = "registry.example/db:1"}));
    host.start();
    host.advance(seconds(20));
    EXPECT_EQ(host.state("web"), "Waiting");
    const std::string message = host.app("web").message;
    EXPECT_EQ(message.find("blocked by db: "), 0U) << message;
    EXPECT_NE(message.find("manifest unknown"), std::string::npos) << message;
    const supervise::Overview overview = *host.agent->shared_status().lock();
    const auto chain = supervise::why(overview, "web");
    ASSERT_EQ(chain.size(), 3U);
    EXPECT_EQ(chain[2].app, "db");
    EXPECT_TRUE(chain[2].next_attempt.has_value());
    EXPECT_TRUE(lives().empty());
}

TEST_F(ThreeApps, WhatAnAppNeedsIsLookedAtOnceMoreRightBeforeItIsStarted) {
    host.write("db.yaml", to_text(SingleApp{.id = "db"}));
    host.start();
    host.write("api.yaml", to_text(SingleApp{.id = "api", .more = depends("db")}));
    // db was up when the start of api was planned, and dies before it is carried out.
    host.podman->hang_next("POST", "containers/create");
    host.agent->request_pass("the test asked");
    run_until_hung(host);
    host.podman->kill_process("db");
    host.podman->release_hung();
    host.pass();
    EXPECT_EQ(host.state("api"), "Running") << host.app("api").message;
    EXPECT_EQ(lives(), (Lives{"start db", "died db", "start db", "start api"}));
}

TEST_F(ThreeApps, WhatAConditionNamesIsLookedAtOnceMoreRightBeforeTheStart) {
    host.write("db.yaml", to_text(SingleApp{.id = "db"}));
    host.start();
    host.write("api.yaml", to_text(SingleApp{.id = "api", .more = "  conditions: [{app: db}]\n"}));
    host.podman->hang_next("POST", "containers/create");
    host.agent->request_pass("the test asked");
    run_until_hung(host);
    while (!host.agent->reconciler().idle()) {
        host.turns.run();
    }
    host.podman->kill_process("db");
    host.podman->release_hung();
    host.pass();
    EXPECT_EQ(host.state("api"), "Running") << host.app("api").message;
    EXPECT_EQ(lives(), (Lives{"start db", "died db", "start db", "start api"}));
}

TEST_F(ThreeApps, TheStoryOfAServiceIsExact) {
    write_all();
    host.start();
    host.advance(kUntilReady);
    EXPECT_EQ(host.story("db"), (Lives{"Preparing", "Starting", "Running"}));
    // Its image and its network are there already.
    EXPECT_EQ(host.story("api"), (Lives{"Waiting", "Blocked", "Starting", "Running"}));
    host.advance(minutes(1));
    host.request("db", Verb::Stop);
    EXPECT_EQ(host.story("db"),
              (Lives{"Preparing", "Starting", "Running", "Stopping", "Blocked", "Finished"}));
    host.restart();
    EXPECT_EQ(host.story("db").size(), 6U) << "kept over a restart of the agent, and no new one";
}

TEST(Wishes, AStopThatComesLateDoesNotUndoTheStartAfterIt) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.advance(minutes(1));
    // The stop is planned, and before its step is carried out the start is asked for.
    ASSERT_TRUE(host.agent->supervisor().request("clock", {Verb::Stop}));
    host.podman->hang_next("GET", "containers/[^/]+/json");
    host.agent->request_pass("the test asked");
    run_until_hung(host);
    ASSERT_TRUE(host.agent->supervisor().request("clock", {Verb::Start}));
    host.podman->release_hung();
    host.pass();
    host.advance(seconds(5));
    EXPECT_EQ(host.state("clock"), "Running") << host.app("clock").message;
    EXPECT_EQ(host.podman->state_of("clock"), "running");
}

TEST(Conditions, AnAppStartsOnceItsPathIsThere) {
    Host host;
    const std::string path = host.root / "ready";
    host.write("clock.yaml",
               to_text(SingleApp{.more = "  conditions:\n    - path: " + path + "\n"}));
    host.start();
    host.advance(seconds(10));
    EXPECT_EQ(host.state("clock"), "Waiting");
    EXPECT_EQ(host.app("clock").message, "waits for path " + path + " to exist");
    EXPECT_EQ(host.podman->state_of("clock"), "");
    std::ofstream(path) << "x";
    host.advance(seconds(2));
    EXPECT_EQ(host.state("clock"), "Running") << host.app("clock").message;
    std::filesystem::remove(path);
    host.advance(minutes(2));
    EXPECT_EQ(host.state("clock"), "Running") << "a condition is for the start alone";
}

TEST(Conditions, ATimeIsWaitedForToTheMoment) {
    Host host;
    const std::string at = to_rfc3339(host.time.system_now() + minutes(10));
    host.write("clock.yaml",
               to_text(SingleApp{.more = "  conditions:\n    - time: \"" + at + "\"\n"}));
    host.start();
    host.advance(minutes(9) + seconds(59));
    EXPECT_EQ(host.starts_of("clock"), 0U);
    host.advance(seconds(2));
    EXPECT_EQ(host.starts_of("clock"), 1U);
}

// An app of pods, each with one container.
class PodsOfOneApp : public ::testing::Test {
  protected:
    static std::string pod(const std::string& name,
                           const std::string& on,
                           const std::string& more = "") {
        return "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name +
               (on.empty() ? "" : "\n  annotations: {podreeve.io/depends-on: " + on + "}") +
               "\nspec: {" + more +
               "containers: [{name: main, image: localhost/busybox:latest, args: [serve]}]}\n";
    }

    void start_all(const std::string& policy = "") {
        host.write("shop.yaml",
                   pod("web", "api" + policy) + pod("api", "db=healthy" + policy) + pod("db", ""));
        host.start();
        host.advance(minutes(1));
        mark();
    }

    void mark() { seen = host.podman->events().size(); }

    Lives only_mains() const {
        Lives mains;
        for (const std::string& life : host.lives(seen)) {
            if (life.ends_with("-main")) {
                mains.push_back(life);
            }
        }
        return mains;
    }

    Host host;
    std::size_t seen = 0;
};

TEST_F(PodsOfOneApp, StartOneAfterTheOtherAndStopInReverse) {
    start_all();
    seen = 0;
    EXPECT_EQ(only_mains(), (Lives{"start db-main", "start api-main", "start web-main"}));
    mark();
    host.request("shop", Verb::Stop);
    EXPECT_EQ(only_mains(), (Lives{"died web-main", "died api-main", "died db-main"}));
    EXPECT_EQ(host.lives(seen).back(), "died " + host.service_of("shop")) << "last of all";
}

TEST_F(PodsOfOneApp, StayWhenWhatTheyNeedGoesDown) {
    start_all();
    host.podman->kill_process("db-main");
    host.pass();
    host.advance(kUntilReady);
    EXPECT_EQ(only_mains(), (Lives{"died db-main", "start db-main"}));
}

TEST_F(PodsOfOneApp, ThePolicyRestartRestartsThemOnceItIsBack) {
    start_all(":restart");
    host.podman->kill_process("db-main");
    host.pass();
    host.advance(kUntilReady);
    EXPECT_EQ(only_mains(), (Lives{"died db-main", "start db-main", "died api-main",
                                   "start api-main", "died web-main", "start web-main"}));
    mark();
    host.advance(minutes(3));
    EXPECT_EQ(only_mains(), Lives{}) << "once is enough";
}

TEST_F(PodsOfOneApp, ThePolicyStopTakesThemDownUntilItIsBack) {
    host.podman->add_image("localhost/db:1");
    start_all(":stop");
    host.podman->set_program("db-main", program_that_exits(3));
    host.podman->kill_process("db-main");
    host.pass();
    host.advance(seconds(20));
    EXPECT_NE(host.podman->state_of("web-main"), "running") << "db keeps ending";
    EXPECT_NE(host.podman->state_of("api-main"), "running");
    host.podman->set_program("db-main", {});
    host.advance(minutes(10));
    for (const char* name : {"db-main", "api-main", "web-main"}) {
        EXPECT_EQ(host.podman->state_of(name), "running")
            << name << ": " << host.app("shop").message;
    }
    const Lives lives = only_mains();
    EXPECT_EQ((Lives{lives.end() - 3, lives.end()}),
              (Lives{"start db-main", "start api-main", "start web-main"}));
}

TEST_F(PodsOfOneApp, OneThatWaitsDoesNotKeepWhatItWaitsForFromBeingMended) {
    start_all();
    host.podman->set_program("db-main", program_that_exits(3));
    host.podman->kill_process("api-main");
    host.podman->kill_process("db-main");
    host.pass();
    host.advance(seconds(30));
    EXPECT_GE(host.starts_of("db-main"), 3U) << "it is tried again and again";
    host.podman->set_program("db-main", {});
    host.advance(minutes(10));
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
}

// The pod api is started once the pod db has done its work, which takes long.
class PodsThatWaitLong : public PodsOfOneApp {
  protected:
    void SetUp() override {
        host.write("shop.yaml",
                   pod("api", "db=finished") + pod("db", "", "restartPolicy: Never, "));
        begin();
    }

    // The change goes on, so that nothing settles.
    void begin() {
        auto made = host.make_agent();
        ASSERT_TRUE(made);
        host.agent = std::move(*made);
        host.agent->on_pass([this](const auto& report) { host.reports.push_back(report); });
        host.agent->start();
        host.turn();
    }

    void expect_start_soon() {
        ASSERT_EQ(host.starts_of("api-main"), 0U);
        ASSERT_TRUE(host.podman->kill_process("db-main", 0));
        host.advance(seconds(2));
        EXPECT_EQ(host.starts_of("api-main"), 1U);
    }
};

TEST_F(PodsThatWaitLong, AskPodmanMoreAndMoreSeldom) {
    host.advance(minutes(8));
    host.podman->clear_journal();
    const std::size_t passes = host.reports.size();
    host.advance(seconds(10));
    const auto journal = host.podman->journal();
    const auto lists = std::ranges::count_if(
        journal, [](const auto& entry) { return entry.path.starts_with("containers/json"); });
    EXPECT_LE(static_cast<std::size_t>(lists), 5 + host.reports.size() - passes);
    expect_start_soon();
}

constexpr int kCrashing = 20;

TEST(Governor, CrashLoopsAreThrottledAndAHealthyAppIsMendedAtOnce) {
    Host host;
    host.podman->add_image("localhost/crash:1");
    host.podman->set_program("localhost/crash:1", program_that_exits(3));
    for (int i = 0; i < kCrashing; ++i) {
        host.write(
            fmt::format("crash{}.yaml", i),
            to_text(SingleApp{.id = fmt::format("crash{}", i), .image = "localhost/crash:1"}));
    }
    host.write("good.yaml", to_text(SingleApp{.id = "good"}));
    host.start();
    host.advance(seconds(15));
    const std::size_t before = host.podman->events().size();
    const SteadyTime from = host.time.steady_now();
    host.podman->kill_process("good");
    host.pass();
    EXPECT_EQ(host.podman->state_of("good"), "running")
        << host.state("good") << " " << host.app("good").message;
    EXPECT_LE(host.time.steady_now() - from, seconds(1));
    host.advance(seconds(20));
    std::size_t starts = 0;
    for (const std::string& life : host.lives(before)) {
        starts += life.starts_with("start crash") ? 1 : 0;
    }
    EXPECT_LE(starts, 21 + 5 + 5) << "one a second, and a burst";
    EXPECT_GE(starts, 10U) << "they do have their turns";
}

}  // namespace
}  // namespace podreeve::integration
