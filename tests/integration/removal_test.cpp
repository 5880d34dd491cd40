#include <algorithm>
#include <fstream>
#include <future>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "runtime/base/log.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

TEST(Removing, ADeletedManifestTakesAllOfItsAppButItsVolumes) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    const std::string clock = host.podman->id_of("clock");
    host.erase("shop.yaml");
    host.pass();
    EXPECT_EQ(host.podman->container_names(), std::vector<std::string>{"clock"});
    EXPECT_EQ(host.podman->pod_names(), std::vector<std::string>{});
    EXPECT_EQ(host.podman->id_of("clock"), clock);
    const std::string snapshot = host.snapshot();
    EXPECT_NE(snapshot.find("volume shop-data"), std::string::npos) << snapshot;
    EXPECT_EQ(snapshot.find("secret "), std::string::npos) << snapshot;
    EXPECT_EQ(snapshot.find("shop-pages"), std::string::npos) << snapshot;
    EXPECT_EQ(snapshot.find("app shop"), std::string::npos) << snapshot;
    EXPECT_FALSE(host.agent->state().app("shop"));
}

TEST(Removing, TheServiceContainerIsTheLastToStop) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    const std::size_t from = host.podman->events().size();
    host.erase("shop.yaml");
    host.pass();
    const auto events = host.podman->events();
    std::vector<std::string> died;
    for (std::size_t i = from; i < events.size(); ++i) {
        if (events[i].action == "died") {
            died.push_back(events[i].attributes.at("name"));
        }
    }
    ASSERT_FALSE(died.empty());
    EXPECT_EQ(died.back(), host.service_of("shop"));
}

TEST(Removing, AnAppWhoseManifestCameBackFindsItsVolumeAgain) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    const std::string before = host.snapshot();
    host.erase("shop.yaml");
    host.pass();
    host.write("shop.yaml", to_text(ShopApp{}));
    host.pass();
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
}

TEST(Removing, AVanishedManifestDirectoryRemovesNothing) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    const auto ids = host.ids();
    std::filesystem::rename(host.manifests, host.root / "away");
    std::ofstream(host.manifests) << "not a directory";
    host.pass();
    EXPECT_EQ(host.ids(), ids);
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    std::filesystem::remove(host.manifests);
    std::filesystem::rename(host.root / "away", host.manifests);
    host.pass();
    EXPECT_EQ(host.ids(), ids);
    EXPECT_EQ(host.state("clock"), "Running");
}

TEST(Removing, AMissingManifestDirectoryRemovesNothingAndSaysSoOnce) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.advance(std::chrono::minutes(1));
    const auto ids = host.ids();
    std::filesystem::rename(host.manifests, host.root / "away");
    host.pass();
    host.advance(std::chrono::minutes(20));
    EXPECT_EQ(host.ids(), ids);
    EXPECT_EQ(host.state("clock"), "Running");
    const std::string held = host.condition("clock", "RemovalHeld");
    EXPECT_NE(held.find(host.manifests.string()), std::string::npos) << held;
    const auto story = host.story("clock");
    EXPECT_EQ(std::count(story.begin(), story.end(), "RemovalHeld"), 1);
    ASSERT_TRUE(host.podman->kill_process("clock"));
    host.pass();
    EXPECT_EQ(host.podman->state_of("clock"), "running") << "it is kept as ever";
    std::filesystem::rename(host.root / "away", host.manifests);
    host.pass();
    EXPECT_EQ(host.ids(), ids);
    EXPECT_FALSE(host.has_condition("clock", "RemovalHeld"));
}

// As where the manifests are on a disk of their own, which comes later than the agent.
TEST(Removing, ABootBeforeTheManifestDirectoryIsMountedRemovesAndRestartsNothing) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    host.advance(std::chrono::minutes(1));
    const auto ids = host.ids();
    host.stop();
    host.podman->reboot();
    host.proc.reboot("another boot");
    std::filesystem::rename(host.manifests, host.root / "not mounted yet");
    testing::internal::CaptureStderr();
    log::init(log::Sink::Terminal, "info");
    host.start();
    host.advance(std::chrono::seconds(40));
    const std::string journal = testing::internal::GetCapturedStderr();
    log::init(log::Sink::Terminal, "error");
    EXPECT_EQ(host.ids(), ids);
    for (const char* app : {"clock", "shop"}) {
        EXPECT_EQ(host.state(app), "Running") << app << ": " << host.app(app).message;
        const std::string held = host.condition(app, "RemovalHeld");
        EXPECT_NE(held.find(host.manifests.string()), std::string::npos) << held;
        EXPECT_NE(held.find("is not there any more"), std::string::npos) << held;
        const auto story = host.story(app);
        EXPECT_EQ(std::ranges::count(story, "RemovalHeld"), 1) << app;
    }
    EXPECT_NE(journal.find(host.manifests.string() + " is not there any more"), std::string::npos)
        << journal;
    const std::string row = host.manifests.string();
    EXPECT_NE(host.app(row).message.find("is not there any more"), std::string::npos)
        << host.app(row).message;

    const std::size_t starts = host.starts_of("clock");
    std::filesystem::copy(host.root / "not mounted yet", host.manifests);
    host.pass();
    EXPECT_EQ(host.ids(), ids);
    EXPECT_EQ(host.starts_of("clock"), starts);
    EXPECT_FALSE(host.has_condition("clock", "RemovalHeld"));
    EXPECT_FALSE(host.has_condition("shop", "RemovalHeld"));
    EXPECT_EQ(host.app(row).name, "") << "its row is gone";
    const auto story = host.story(row);
    EXPECT_EQ(std::ranges::count(story, "Removed"), 0);
}

// An agent tells neither again what the one before it has told, nor keeps silent on what is over.
TEST(Removing, AHoldIsToldOnceOverRestartsAndSoIsItsEndWhileTheAgentWasDown) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.write("wrong.yaml", to_text(SingleApp{.id = "wrong"}));
    host.start();
    std::filesystem::rename(host.manifests, host.root / "away");
    host.advance(std::chrono::minutes(1));
    ASSERT_TRUE(host.has_condition("clock", "RemovalHeld"));
    const WallTime since = host.app("clock").conditions.front().since;
    host.advance(std::chrono::minutes(1));
    host.restart();
    ASSERT_TRUE(host.has_condition("clock", "RemovalHeld"));
    EXPECT_EQ(host.app("clock").conditions.front().since, since);
    const auto count = [&](const char* app, const char* state) {
        return std::ranges::count(host.story(app), state);
    };
    EXPECT_EQ(count("clock", "RemovalHeld"), 1);
    EXPECT_EQ(count("clock", "Over"), 0);
    host.stop();
    std::filesystem::rename(host.root / "away", host.manifests);
    host.start();
    EXPECT_EQ(count("clock", "RemovalHeld"), 1);
    EXPECT_EQ(count("clock", "Over"), 1);
    host.restart();
    EXPECT_EQ(count("clock", "Over"), 1);

    std::filesystem::rename(host.manifests, host.root / "away");
    host.advance(std::chrono::minutes(1));
    ASSERT_EQ(count("clock", "RemovalHeld"), 2) << "another one";
    host.podman->refuse(true);
    host.advance(std::chrono::minutes(1));
    EXPECT_EQ(host.state("clock"), "Unknown");
    EXPECT_TRUE(host.has_condition("clock", "RemovalHeld")) << "podman has nothing to do with it";
    host.podman->refuse(false);
    host.advance(std::chrono::minutes(1));
    EXPECT_EQ(host.state("clock"), "Running");
    EXPECT_EQ(count("clock", "RemovalHeld"), 2);
    EXPECT_EQ(count("clock", "Over"), 1);
    std::filesystem::rename(host.root / "away", host.manifests);
    host.advance(std::chrono::minutes(1));
    EXPECT_EQ(count("clock", "Over"), 2);

    host.write("wrong.yaml", "apiVersion: podreeve.io/v1\nkind: App\nnosuch: 1\n");
    host.pass();
    ASSERT_TRUE(host.has_condition("wrong", "ManifestError"));
    host.restart();
    EXPECT_EQ(count("wrong", "ManifestError"), 1);
    host.stop();
    host.write("wrong.yaml", to_text(SingleApp{.id = "wrong", .command = "[\"serve\", \"2\"]"}));
    host.start();
    EXPECT_FALSE(host.has_condition("wrong", "ManifestError"));
    EXPECT_EQ(count("wrong", "Over"), 3) << "of two holds, and of the error beside its update";
    host.restart();
    EXPECT_EQ(count("wrong", "Over"), 3);
}

TEST(Removing, ManyAtOnceAreHeldUntilTheirManifestsAreBack) {
    Host host;
    for (const char* app : {"one", "two", "three", "four"}) {
        host.write(fmt::format("{}.yaml", app), to_text(SingleApp{.id = app}));
    }
    host.start();
    const auto ids = host.ids();
    for (const char* app : {"one", "two", "three"}) {
        host.erase(fmt::format("{}.yaml", app));
    }
    host.pass();
    host.advance(std::chrono::minutes(20));
    host.restart();
    EXPECT_EQ(host.ids(), ids);
    for (const char* app : {"one", "two", "three"}) {
        EXPECT_EQ(host.state(app), "Running") << app;
        EXPECT_TRUE(host.has_condition(app, "RemovalHeld")) << app;
    }
    for (const char* app : {"one", "two"}) {
        host.write(fmt::format("{}.yaml", app), to_text(SingleApp{.id = app}));
    }
    host.pass();
    EXPECT_EQ(host.ids(), ids);
    EXPECT_FALSE(host.has_condition("one", "RemovalHeld"));
    EXPECT_TRUE(host.has_condition("three", "RemovalHeld"));
}

// It could be the manifest that is gone, under another name.
TEST(Removing, ABrokenFileBesideHoldsItUntilThatIsMendedOrRemoved) {
    for (const bool mended : {true, false}) {
        Host host;
        host.write("clock.yaml", to_text(SingleApp{}));
        host.write("other.yaml", to_text(SingleApp{.id = "other"}));
        host.start();
        const auto ids = host.ids();
        host.write("new.yaml", "app: [this is not");
        host.erase("clock.yaml");
        host.pass();
        host.advance(std::chrono::minutes(20));
        host.restart();
        EXPECT_EQ(host.ids(), ids);
        EXPECT_EQ(host.state("clock"), "Running");
        const std::string held = host.condition("clock", "RemovalHeld");
        for (const char* words : {"clock.yaml is gone", "new.yaml is broken and could be it",
                                  "mended or removed", "podreeve prune"}) {
            EXPECT_NE(held.find(words), std::string::npos) << held;
        }
        EXPECT_FALSE(host.has_condition("other", "RemovalHeld"));
        ASSERT_TRUE(host.podman->kill_process("clock"));
        host.pass();
        EXPECT_EQ(host.podman->state_of("clock"), "running") << "it is kept as ever";
        if (mended) {
            host.write("new.yaml", to_text(SingleApp{.id = "new"}));
        } else {
            host.erase("new.yaml");
        }
        host.pass();
        host.advance(std::chrono::minutes(1));
        EXPECT_EQ(host.podman->state_of("clock"), "");
        EXPECT_EQ(host.podman->state_of("other"), "running");
        EXPECT_EQ(host.podman->state_of("new"), mended ? "running" : "");
        EXPECT_FALSE(host.agent->state().app("clock"));
    }
}

// The file is gone by the second look alone.
TEST(Removing, WhoAsksForAPassRightAfterIsToldWhatItRemoves) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.write("other.yaml", to_text(SingleApp{.id = "other"}));
    host.start();
    host.erase("clock.yaml");
    auto asked = std::async(std::launch::async, [&] {
        return host.agent->reconciler().pass_now(std::chrono::minutes(1));
    });
    while (asked.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
        host.converge();
    }
    const auto report = asked.get();
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->apps_changed, std::vector<std::string>{"clock"});
    host.converge();
    EXPECT_EQ(host.podman->container_names(), std::vector<std::string>{"other"});
}

TEST(Removing, AStoppedAppIsRemovedToo) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    state::AppRecord record = *host.agent->state().app("clock");
    record.stopped = true;
    ASSERT_TRUE(host.agent->state().put_app(record));
    host.pass();
    EXPECT_EQ(host.podman->state_of("clock"), "exited");
    host.erase("clock.yaml");
    host.pass();
    EXPECT_EQ(host.podman->container_names(), std::vector<std::string>{});
}

}  // namespace
}  // namespace podreeve::integration
