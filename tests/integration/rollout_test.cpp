#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

using Names = std::set<std::string>;

class RollingOut : public ::testing::Test {
  protected:
    void SetUp() override {
        host.podman->add_image("localhost/web:2");
        host.write("shop.yaml", to_text(ShopApp{}));
        host.write("clock.yaml", to_text(SingleApp{.port = 28090}));
        host.start();
        host.advance(std::chrono::minutes(1));
        before = host.ids();
    }

    Names replaced() {
        Names names = changed(before, host.ids());
        std::erase_if(names, [](const std::string& name) { return name.ends_with("-infra"); });
        return names;
    }

    void expect_rolled_out(const std::string& app, const Names& names) {
        EXPECT_EQ(host.state(app), "Running") << host.app(app).message;
        EXPECT_EQ(replaced(), names);
        EXPECT_EQ(host.app(app).generation, 2);
        EXPECT_EQ(host.app(app).spec, host.app(app).deployed_spec);
        EXPECT_EQ(host.ids().size(), before.size()) << "something was left over";
    }

    Host host;
    std::map<std::string, std::string> before;
};

TEST_F(RollingOut, AnEditedImageReplacesThatContainerAlone) {
    host.write("clock.yaml", to_text(SingleApp{.image = "localhost/web:2", .port = 28090}));
    host.pass();
    expect_rolled_out("clock", {"clock"});
    EXPECT_EQ(host.podman->inspect("clock")["image"], "localhost/web:2");
}

// Each failure is held for itself: one of the other version says nothing of it.
TEST_F(RollingOut, TwoVersionsThatBothFailAreBothTriedMoreAndMoreSeldom) {
    ASSERT_TRUE(host.podman->remove_behind_back("clock"));
    host.podman->occupy_port(28090);
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET", .port = 28090}));
    host.pass();
    host.advance(std::chrono::minutes(5));
    const auto changes = host.agent->state().changes(1000);
    EXPECT_LE(std::ranges::count(changes, "clock", &state::ChangeView::subject), 14)
        << "with the one that deployed it";
    host.podman->occupy_port(28090, false);
    host.advance(std::chrono::minutes(10));
    EXPECT_EQ(host.state("clock"), "Running") << host.app("clock").message;
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "CET");
}

TEST_F(RollingOut, AnEditedImageInAPodReplacesThatContainerAlone) {
    host.write("shop.yaml", to_text(ShopApp{.web_image = "localhost/web:2"}));
    host.pass();
    expect_rolled_out("shop", {"shop-web-web"});
}

TEST_F(RollingOut, AnEditedVariableReplacesThatContainerAlone) {
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET", .port = 28090}));
    host.write("shop.yaml", to_text(ShopApp{.web_zone = "CET"}));
    host.pass();
    expect_rolled_out("clock", {"clock", "shop-web-web"});
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "CET");
    EXPECT_EQ(host.podman->inspect("shop-web-web")["env"]["TZ"], "CET");
}

TEST_F(RollingOut, AnEditedPortOfAContainerReplacesItAlone) {
    host.write("clock.yaml", to_text(SingleApp{.port = 28091}));
    host.pass();
    expect_rolled_out("clock", {"clock"});
}

TEST_F(RollingOut, AnEditedPortOfAPodReplacesThatPodAlone) {
    host.write("shop.yaml", to_text(ShopApp{.port = 28081}));
    host.pass();
    expect_rolled_out("shop", {"shop-web", "shop-web-web"});
}

TEST_F(RollingOut, AnEditedConfigMapReplacesTheContainerThatReadsIt) {
    host.write("shop.yaml", to_text(ShopApp{.db_name = "bazaar"}));
    host.pass();
    expect_rolled_out("shop", {"shop-db-db"});
}

TEST_F(RollingOut, AFailingUpdateIsUndoneAndTheOldContainerIsBack) {
    host.podman->add_image("localhost/broken:1");
    host.podman->set_program(
        "localhost/broken:1",
        program_that_cannot_start("crun: executable file `serve` not found in $PATH"));
    host.write("clock.yaml", to_text(SingleApp{.image = "localhost/broken:1", .port = 28090}));
    host.pass();
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    EXPECT_EQ(replaced(), Names{});
    EXPECT_EQ(host.state("clock"), "Running") << "the old version runs";
    EXPECT_TRUE(host.has_condition("clock", "DeployFailed"));
    EXPECT_NE(host.condition("clock", "DeployFailed").find("executable file"), std::string::npos)
        << host.condition("clock", "DeployFailed");
    EXPECT_NE(host.app("clock").spec, host.app("clock").deployed_spec);
}

TEST_F(RollingOut, AFailingUpdateInAPodIsUndoneAndTheOldContainerIsBack) {
    host.podman->add_image("localhost/broken:1");
    host.podman->set_program("localhost/broken:1", program_that_cannot_start("crun: cannot start"));
    host.write("shop.yaml", to_text(ShopApp{.web_image = "localhost/broken:1"}));
    host.pass();
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
    EXPECT_EQ(replaced(), Names{});
    EXPECT_TRUE(host.has_condition("shop", "DeployFailed"));
}

TEST_F(RollingOut, TheOldVersionIsRepairedWhileTheNewOneIsBroken) {
    host.podman->add_image("localhost/broken:1");
    host.podman->set_program("localhost/broken:1", program_that_cannot_start("crun: cannot start"));
    host.write("clock.yaml", to_text(SingleApp{.image = "localhost/broken:1", .port = 28090}));
    host.pass();
    ASSERT_TRUE(host.podman->kill_process("clock"));
    host.pass();
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    EXPECT_EQ(replaced(), Names{});
}

TEST_F(RollingOut, AFailedUpdateIsTriedAgainAfterFiveSecondsThenAfterTen) {
    host.podman->add_image("localhost/broken:1");
    host.podman->set_program("localhost/broken:1", program_that_cannot_start("crun: cannot start"));
    host.write("clock.yaml", to_text(SingleApp{.image = "localhost/broken:1", .port = 28090}));
    const auto tries = [&] {
        std::size_t count = 0;
        for (const state::ChangeView& change : host.agent->state().changes(1000)) {
            count += change.status == state::TaskStatus::Error ? 1 : 0;
        }
        return count;
    };
    host.pass();
    EXPECT_EQ(tries(), 1U);
    host.advance(std::chrono::milliseconds(4900));
    EXPECT_EQ(tries(), 1U);
    host.advance(std::chrono::milliseconds(200));
    EXPECT_EQ(tries(), 2U);
    host.advance(std::chrono::milliseconds(9800));
    EXPECT_EQ(tries(), 2U);
    host.advance(std::chrono::milliseconds(300));
    EXPECT_EQ(tries(), 3U);
    EXPECT_EQ(replaced(), Names{});
}

TEST_F(RollingOut, ABrokenUpdateThatIsMendedGoesThroughAtOnce) {
    host.podman->add_image("localhost/broken:1");
    host.podman->set_program("localhost/broken:1", program_that_cannot_start("crun: cannot start"));
    host.write("clock.yaml", to_text(SingleApp{.image = "localhost/broken:1", .port = 28090}));
    host.pass();
    host.write("clock.yaml", to_text(SingleApp{.image = "localhost/web:2", .port = 28090}));
    host.pass();
    EXPECT_EQ(host.state("clock"), "Running");
    EXPECT_FALSE(host.has_condition("clock", "DeployFailed"));
    EXPECT_EQ(host.podman->inspect("clock")["image"], "localhost/web:2");
}

TEST_F(RollingOut, APartThatIsTakenOutOfTheManifestIsRemoved) {
    const std::string text = to_text(ShopApp{});
    host.write("shop.yaml", text.substr(0, text.rfind("---\n")));
    host.pass();
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
    EXPECT_EQ(replaced(), (Names{"shop-web", "shop-web-web"}));
    EXPECT_EQ(host.podman->pod_names(), std::vector<std::string>{"shop-db"});
}

}  // namespace
}  // namespace podreeve::integration
