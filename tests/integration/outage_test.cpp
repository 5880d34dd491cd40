#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

using Cut = fakes::FakePodman::Cut;

constexpr const char* kListing = "^(containers|pods)/json";

class Outage : public ::testing::Test {
  protected:
    void SetUp() override {
        host.write("shop.yaml", to_text(ShopApp{}));
        host.write("clock.yaml", to_text(SingleApp{}));
        host.start();
        host.advance(std::chrono::minutes(1));
        before = host.ids();
        host.podman->clear_journal();
    }

    void expect_unknown() {
        for (const char* app : {"shop", "clock"}) {
            EXPECT_EQ(host.state(app), "Unknown") << app;
            EXPECT_FALSE(host.app(app).message.empty()) << app;
        }
        const supervise::Overview overview = *host.agent->shared_status().lock();
        EXPECT_FALSE(overview.podman_reachable);
        EXPECT_EQ(host.podman->mutations(), std::vector<std::string>{});
    }

    void expect_recovery() {
        host.advance(std::chrono::seconds(31));
        host.converge();
        EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
        EXPECT_EQ(host.state("clock"), "Running") << host.app("clock").message;
        EXPECT_EQ(host.ids(), before);
    }

    Host host;
    std::map<std::string, std::string> before;
};

// What nobody can see did not go.
TEST_F(Outage, AnAppWhoseManifestGoesMeanwhileIsUnknownUntilItIsSeenToBeGone) {
    host.podman->refuse(true);
    host.pass();
    std::filesystem::remove(host.manifests / "clock.yaml");
    host.advance(std::chrono::minutes(2));
    EXPECT_EQ(host.state("clock"), "Unknown");
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    host.podman->refuse(false);
    host.advance(std::chrono::minutes(1));
    host.converge();
    EXPECT_EQ(host.agent->shared_status().lock()->find("clock"), nullptr);
    EXPECT_EQ(host.podman->state_of("clock"), "");
}

TEST_F(Outage, WhilePodmanRefusesNothingIsKnownAndNothingIsDone) {
    host.podman->refuse(true);
    host.pass();
    expect_unknown();
    host.advance(std::chrono::minutes(5));
    expect_unknown();
    host.podman->refuse(false);
    expect_recovery();
    EXPECT_EQ(host.podman->mutations(), std::vector<std::string>{});
}

TEST_F(Outage, WhatBrokeDuringTheOutageIsRepairedAfterIt) {
    host.podman->refuse(true);
    host.pass();
    ASSERT_TRUE(host.podman->kill_process("clock"));
    host.advance(std::chrono::minutes(1));
    host.podman->refuse(false);
    expect_recovery();
    EXPECT_EQ(host.podman->state_of("clock"), "running");
}

TEST_F(Outage, AnAgentThatStartsWithoutPodmanWaitsForIt) {
    host.stop();
    host.podman->refuse(true);
    host.start();
    expect_unknown();
    host.podman->refuse(false);
    expect_recovery();
}

TEST_F(Outage, AnEmptyListThatIsAnErrorRemovesNothing) {
    host.podman->fail_next("GET", kListing, 500, "database is locked", 1000);
    host.pass();
    expect_unknown();
    EXPECT_NE(host.app("clock").message.find("database is locked"), std::string::npos)
        << host.app("clock").message;
}

TEST_F(Outage, APodmanThatAnswersFiveHundredForAWhileIsBelievedAgainAfterIt) {
    host.podman->fail_next("GET", kListing, 500, "database is locked", 3);
    host.pass();
    expect_unknown();
    expect_recovery();
}

TEST_F(Outage, AReplyThatBreaksOffIsNoReply) {
    for (const Cut cut : {Cut::BeforeWork, Cut::BeforeReply, Cut::MiddleOfReply}) {
        host.podman->drop_next("GET", "^containers/json", cut, 2);
        host.pass();
        expect_unknown();
        expect_recovery();
    }
}

TEST_F(Outage, AListOfPodsThatBreaksOffIsNoListEither) {
    host.podman->drop_next("GET", "^pods/json", Cut::MiddleOfReply, 2);
    host.pass();
    expect_unknown();
    expect_recovery();
}

TEST_F(Outage, AReplyThatIsNoJsonIsNoReply) {
    for (const char* body : {"", "null", "{}", "[{]", "<html>busy</html>"}) {
        host.podman->answer_next("GET", "^containers/json", 200, body, 1);
        host.pass();
        EXPECT_EQ(host.podman->mutations(), std::vector<std::string>{}) << body;
        expect_recovery();
    }
}

TEST_F(Outage, APodmanThatHangsHoldsUpNothingButThePass) {
    host.podman->hang_next("GET", "^containers/json", 1);
    // A reply that never began is asked for once more.
    host.podman->drop_next("GET", "^containers/json", Cut::BeforeWork, 1);
    host.agent->request_pass("the test asked");
    host.turns.run();
    ASSERT_TRUE(host.podman->wait_until([&](const auto& journal) {
        return !journal.empty() && journal.back().path.starts_with("containers/json");
    }));
    EXPECT_EQ(host.state("clock"), "Running") << "what was known before";
    EXPECT_TRUE(host.agent->shared_status().lock()->pass_since) << "and that it is";
    host.podman->release_hung();  // its connection breaks
    host.converge();
    expect_unknown();
    EXPECT_FALSE(host.agent->shared_status().lock()->pass_since);
    expect_recovery();
}

TEST_F(Outage, AnAgentEndsAlsoWhilePodmanHangs) {
    host.podman->hang_next("GET", "^containers/json", 1);
    host.agent->request_pass("the test asked");
    host.turns.run();
    ASSERT_TRUE(host.podman->wait_until([&](const auto& journal) {
        return !journal.empty() && journal.back().path.starts_with("containers/json");
    }));
    host.stop();
    host.start();
    expect_recovery();
}

TEST_F(Outage, ADeployGoesOnWherePodmanLeftIt) {
    host.podman->drop_next("POST", "^containers/create", Cut::BeforeReply, 1);
    host.podman->drop_next("POST", "/start", Cut::BeforeReply, 1);
    host.write("new.yaml", to_text(SingleApp{.id = "new"}));
    host.pass();
    EXPECT_EQ(host.state("new"), "Running") << host.app("new").message;
    EXPECT_EQ(changed(before, host.ids()), std::set<std::string>{"new"});
}

TEST_F(Outage, ADeployThatCannotGoOnLeavesItsAppUnknownUntilPodmanIsRead) {
    host.podman->hang_next("POST", "^containers/create", 1);
    host.write("new.yaml", to_text(SingleApp{.id = "new"}));
    host.agent->request_pass("the test asked");
    const auto is_created = [](const auto& journal) {
        return std::ranges::any_of(journal, [](const auto& request) {
            return request.path.starts_with("containers/create");
        });
    };
    while (!host.podman->wait_until(is_created, std::chrono::milliseconds(10))) {
        host.turns.run();
    }
    host.podman->refuse(true);
    host.advance(std::chrono::minutes(2));
    EXPECT_EQ(host.state("new"), "Unknown");
    const std::vector<std::string> story = host.story("new");
    EXPECT_EQ(std::ranges::count(story, "Unknown"), 1);
    EXPECT_EQ(story.back(), "Unknown");
    host.podman->refuse(false);
    host.advance(std::chrono::seconds(31));
    host.converge();
    EXPECT_EQ(host.state("new"), "Running") << host.app("new").message;
}

TEST_F(Outage, ADeployOutlivesAPodmanThatIsAwayInTheMiddleOfIt) {
    host.podman->drop_next("POST", "^containers/create", Cut::BeforeWork, 5);
    host.write("new.yaml", to_text(SingleApp{.id = "new"}));
    host.pass();
    EXPECT_EQ(host.state("new"), "Running") << host.app("new").message;
}

}  // namespace
}  // namespace podreeve::integration
