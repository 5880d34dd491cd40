#include "agent/supervise/why.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace podreeve::supervise {
namespace {

using std::chrono::seconds;

AppStatus app_called(const char* name, ServiceState state, const char* message = "") {
    AppStatus app;
    app.name = name;
    app.state = state;
    app.message = message;
    app.since = WallTime(seconds(100));
    return app;
}

AppStatus waiting(const char* name, const char* on, const char* is, bool blocked) {
    AppStatus app = app_called(name, ServiceState::Waiting, "blocked");
    app.blockers = {{on, is, blocked, on, "", ""}};
    return app;
}

TEST(Why, FollowsTheChainToTheRootCause) {
    Overview overview;
    AppStatus db = app_called("db", ServiceState::Failed, "image not found");
    db.next_attempt = WallTime(seconds(200));
    overview.apps = {waiting("web", "api", "healthy", true), waiting("api", "db", "started", true),
                     db};
    const auto chain = why(overview, "web");
    ASSERT_EQ(chain.size(), 3U);
    EXPECT_EQ(chain[0].reason, "waits for api to be healthy");
    EXPECT_EQ(chain[0].next, "is started once api is healthy");
    EXPECT_EQ(chain[1].wanted, "healthy");
    EXPECT_EQ(chain[2].app, "db");
    EXPECT_EQ(chain[2].reason, "image not found");
    EXPECT_EQ(chain[2].next, "is tried again at " + to_rfc3339(WallTime(seconds(200))));
    const nlohmann::json json = to_json(chain);
    EXPECT_EQ(json[2]["state"], "Failed");
    EXPECT_EQ(json[2]["since"], to_rfc3339(WallTime(seconds(100))));
}

TEST(Why, TheBlockerThatWillNotComeIsTheOneThatIsFollowed) {
    Overview overview;
    AppStatus web = app_called("web", ServiceState::Waiting);
    web.blockers = {{"slow", "started", false, "slow", "", ""},
                    {"gone", "started", true, "gone", "", ""}};
    overview.apps = {web, app_called("slow", ServiceState::Preparing)};
    const auto chain = why(overview, "web");
    ASSERT_EQ(chain.size(), 2U);
    EXPECT_EQ(chain[1].app, "gone");
    EXPECT_EQ(chain[1].reason, "no manifest declares it");
}

TEST(Why, AnAppWhoseRemovalIsHeldSaysSo) {
    Overview overview;
    AppStatus web = app_called("web", ServiceState::Running);
    web.healthy = true;
    web.conditions = {{"RemovalHeld", "ManyRemovals", "so many went", "", true, {}}};
    overview.apps = {web};
    const auto chain = why(overview, "web");
    ASSERT_EQ(chain.size(), 1U);
    EXPECT_EQ(chain[0].reason, "so many went");
    web.down_because = "its manifest is gone";
    overview.apps = {web};
    EXPECT_EQ(why(overview, "web")[0].next, "") << "the hold says what ends it";
}

TEST(Why, AnAppThatIsDownWithItsHostSaysWhatLetsItRunAgain) {
    Overview overview;
    AppStatus web = app_called("web", ServiceState::Waiting, "the host goes down");
    web.down_because = "the host goes down";
    overview.apps = {web};
    EXPECT_NE(why(overview, "web")[0].next.find("`podreeve shutdown --undo`"), std::string::npos);
}

TEST(Why, AnAppThatRunsHasNothingToExplain) {
    Overview overview;
    AppStatus web = app_called("web", ServiceState::Running);
    web.healthy = true;
    // Its dependency has gone since, and it stayed.
    web.blockers = {{"db", "started", true, "db", "", ""}};
    overview.apps = {web};
    const auto chain = why(overview, "web");
    ASSERT_EQ(chain.size(), 1U);
    EXPECT_EQ(chain[0].reason, "runs as its manifest says");
}

TEST(Why, AnAppThatRunsAndIsNotAsItsManifestSaysNamesAllThatIsWrong) {
    Overview overview;
    AppStatus web = app_called("web", ServiceState::Running);
    web.healthy = true;
    web.conditions = {{"ManifestError", "Invalid", "web.yaml:3: unknown field", "", true, {}},
                      {"Conflict", "Port", "port 80 is taken by app a", "", true, {}}};
    overview.apps = {web};
    const auto chain = why(overview, "web");
    ASSERT_EQ(chain.size(), 1U);
    EXPECT_EQ(chain[0].reason, "runs, but not all is as its manifest says");
    EXPECT_EQ(chain[0].conditions,
              (std::vector<std::string>{"ManifestError: web.yaml:3: unknown field",
                                        "Conflict: port 80 is taken by app a"}));
}

TEST(Why, WhatTheChainSaysIsNoConditionBesideIt) {
    Overview overview;
    AppStatus web = waiting("web", "db", "started", true);
    web.conditions = {{"Blocked", "Dependency", "blocked by db: image not found", "", true, {}}};
    overview.apps = {web, app_called("db", ServiceState::Failed, "image not found")};
    EXPECT_TRUE(why(overview, "web")[0].conditions.empty());
}

TEST(Why, ConditionsAreTold) {
    Overview overview;
    AppStatus web = app_called("web", ServiceState::Waiting, "waits for path /a to exist");
    web.pending = {"waits for path /a to exist"};
    overview.apps = {web};
    EXPECT_EQ(why(overview, "web")[0].next, "is started as soon as that holds");
}

TEST(Why, ACircleEnds) {
    Overview overview;
    overview.apps = {waiting("a", "b", "started", false), waiting("b", "a", "started", false)};
    EXPECT_EQ(why(overview, "a").size(), 2U);
}

TEST(Why, AnAppNobodyKnowsHasNoChain) {
    EXPECT_TRUE(why({}, "web").empty());
}

}  // namespace
}  // namespace podreeve::supervise
