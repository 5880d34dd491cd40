#include <cstring>
#include <signal.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/reconcile/brake_file.h"
#include "runtime/base/atomic_file.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// An app in whose hands the agent dies again and again is set aside: it is left as it is, and the
// others are kept.
namespace podreeve::integration {
namespace {

using std::chrono::minutes;

class Braking : public ::testing::Test {
  protected:
    void SetUp() override {
        host.write("clock.yaml", to_text(SingleApp{}));
        host.write("long.yaml", to_text(SingleApp{.id = "long"}));
        host.start();
        host.advance(minutes(1));
        before = host.ids();
        ASSERT_EQ(host.state("long"), "Running");
    }

    std::optional<std::filesystem::path> hands() const {
        std::error_code error;
        for (const auto& entry :
             std::filesystem::directory_iterator(host.config.paths.runtime_dir, error)) {
            if (entry.path().filename().string().starts_with("hands-")) {
                return entry.path();
            }
        }
        return std::nullopt;
    }

    // The agent dies with that app in hand.
    void die_over(const std::string& app) {
        const auto file = hands();
        ASSERT_TRUE(file);
        {
            const auto opened = reconcile::BrakeFile::open(*file, "a-boot");
            ASSERT_TRUE(opened);
            HandSlot& slot = (*opened)->slots()[0];
            std::memcpy(slot.app, app.data(), app.size());
            slot.length = static_cast<std::uint32_t>(app.size());
            slot.died = host.time.steady_now().time_since_epoch().count();
            slot.signal = SIGSEGV;
        }
        // As it was at the death: the end of an agent in this process removes it.
        const std::filesystem::path kept = host.root / "kept";
        std::filesystem::copy_file(*file, kept);
        host.kill();
        host.podman->release_hung();
        std::filesystem::rename(kept, *file);
        host.time.advance(std::chrono::seconds(1));
        auto made = host.make_agent();
        ASSERT_TRUE(made);
        host.agent = std::move(*made);
        host.agent->on_pass(
            [this](const reconcile::PassReport& report) { host.reports.push_back(report); });
        host.agent->start();
        host.turn();
    }

    void set_aside(const std::string& app) {
        for (int i = 0; i < 3; ++i) {
            die_over(app);
        }
    }

    void expect_clock_repaired() {
        ASSERT_TRUE(host.podman->kill_process("clock"));
        host.pass();
        EXPECT_EQ(host.podman->state_of("clock"), "running");
        EXPECT_EQ(host.state("clock"), "Running");
    }

    Host host;
    std::map<std::string, std::string> before;
};

TEST_F(Braking, TwoDeathsOverAnAppAreRepairedFromLikeAny) {
    die_over("long");
    die_over("long");
    EXPECT_FALSE(host.has_condition("long", "SetAside"));
    ASSERT_TRUE(host.podman->kill_process("long"));
    host.pass();
    EXPECT_EQ(host.podman->state_of("long"), "running");
}

TEST_F(Braking, ThreeSetItAsideAndTheOthersAreKept) {
    set_aside("long");
    EXPECT_TRUE(host.has_condition("long", "SetAside"));
    EXPECT_NE(host.condition("long", "SetAside").find("crashed 3 times"), std::string::npos);
    EXPECT_EQ(host.state("long"), "Unknown");
    EXPECT_EQ(host.app("long").message, host.condition("long", "SetAside"));
    ASSERT_TRUE(host.app("long").next_attempt);
    EXPECT_LE(*host.app("long").next_attempt, host.time.system_now() + minutes(10));
    EXPECT_EQ(host.ids(), before);
    ASSERT_TRUE(host.podman->kill_process("long"));
    host.advance(minutes(5));
    EXPECT_EQ(host.podman->state_of("long"), "exited") << "left as it is";
    expect_clock_repaired();
    const auto story = host.story("long");
    EXPECT_EQ(std::ranges::count(story, "SetAside"), 1) << "told once";
}

TEST_F(Braking, ItIsTriedOnceEveryTenMinutes) {
    set_aside("long");
    ASSERT_TRUE(host.podman->kill_process("long"));
    host.advance(minutes(9));
    EXPECT_EQ(host.podman->state_of("long"), "exited");
    host.advance(minutes(2));
    EXPECT_EQ(host.podman->state_of("long"), "running");
    EXPECT_EQ(host.state("long"), "Running");
    EXPECT_FALSE(host.has_condition("long", "SetAside"));
    die_over("long");
    EXPECT_TRUE(host.has_condition("long", "SetAside")) << "one death on trial is enough";
}

TEST_F(Braking, AWallClockThatIsSetChangesNothing) {
    set_aside("long");
    ASSERT_TRUE(host.podman->kill_process("long"));
    host.time.set_wall(host.time.system_now() + std::chrono::hours(24 * 365));
    host.advance(minutes(5));
    EXPECT_TRUE(host.has_condition("long", "SetAside"));
    host.time.set_wall(host.time.system_now() - std::chrono::hours(24 * 730));
    host.advance(minutes(6));
    EXPECT_FALSE(host.has_condition("long", "SetAside"));
    EXPECT_EQ(host.podman->state_of("long"), "running");
}

TEST_F(Braking, ItIsTriedWhenItsManifestChanges) {
    set_aside("long");
    host.write("long.yaml", to_text(SingleApp{.id = "long", .zone = "Mars"}));
    host.pass();
    EXPECT_FALSE(host.has_condition("long", "SetAside"));
    EXPECT_EQ(host.state("long"), "Running");
    EXPECT_NE(host.ids().at("long"), before.at("long"));
}

TEST_F(Braking, ItIsTriedWhenItsManifestIsRemoved) {
    set_aside("long");
    host.erase("long.yaml");
    host.pass();
    EXPECT_EQ(host.podman->state_of("long"), "");
}

TEST_F(Braking, ItIsTriedWhenAPersonAsks) {
    set_aside("long");
    ASSERT_TRUE(host.podman->kill_process("long"));
    host.pass();
    ASSERT_EQ(host.podman->state_of("long"), "exited");
    host.agent->reconciler().request("nobody's asking");
    host.converge();
    EXPECT_TRUE(host.has_condition("long", "SetAside"));
    ASSERT_TRUE(host.agent->request("long", {supervise::Verb::Start}));
    host.converge();
    EXPECT_FALSE(host.has_condition("long", "SetAside"));
    EXPECT_EQ(host.podman->state_of("long"), "running");
}

TEST_F(Braking, WhatWasBegunForItWaitsToo) {
    set_aside("long");
    host.write("long.yaml", to_text(SingleApp{.id = "long", .zone = "Mars"}));
    // Tried, for the new manifest: it dies in the middle of the change, and with it in hand.
    host.podman->hang_next("POST", "containers/create");
    host.agent->request_pass("the test asked");
    while (host.podman->hung() == 0) {
        host.turns.run();
    }
    die_over("long");
    EXPECT_TRUE(host.has_condition("long", "SetAside"));
    ASSERT_TRUE(host.agent->state().active_change_of("long")) << "begun, and not ended";
    const std::size_t made = host.podman->mutations().size();
    host.advance(minutes(9));
    EXPECT_EQ(host.podman->mutations().size(), made);
    EXPECT_TRUE(host.agent->state().active_change_of("long"));
    ASSERT_TRUE(host.podman->kill_process("clock"));
    host.agent->request_pass("the test asked");
    host.turn();
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    host.advance(minutes(2));
    EXPECT_FALSE(host.agent->state().active_change_of("long")) << "gone on with when it is tried";
    EXPECT_EQ(host.state("long"), "Running");
    EXPECT_NE(host.ids().at("long"), before.at("long"));
}

TEST_F(Braking, AQuietPassWritesNothing) {
    const auto stamp = [&] {
        return std::filesystem::last_write_time(host.config.paths.state_dir / "state.db-wal");
    };
    host.pass();
    const auto file = hands();
    ASSERT_TRUE(file);
    const auto text = read_file(*file, 1'000'000);
    const auto at = stamp();
    host.pass();
    EXPECT_EQ(stamp(), at);
    EXPECT_EQ(read_file(*file, 1'000'000).value(), text.value());
}

TEST_F(Braking, AnotherBootBlamesNobody) {
    set_aside("long");
    host.proc.reboot("another-boot");
    host.restart();
    EXPECT_FALSE(host.has_condition("long", "SetAside"));
}

}  // namespace
}  // namespace podreeve::integration
