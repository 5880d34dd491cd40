#include "agent/supervise/overview.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace podreeve::supervise {
namespace {

using std::chrono::seconds;

AppStatus app_in(ServiceState state, WallTime since = {}) {
    AppStatus app;
    app.name = "web";
    app.state = state;
    app.since = since;
    return app;
}

TEST(Overview, AnUnchangedStateKeepsItsSince) {
    AppView view;
    view.name = "web";
    view.facts.up = view.facts.ready = view.facts.total = 1;
    const AppStatus before = app_in(ServiceState::Running, WallTime(seconds(5)));
    EXPECT_EQ(make_status(view, &before, WallTime(seconds(50))).since, WallTime(seconds(5)));
    const AppStatus other = app_in(ServiceState::Starting, WallTime(seconds(5)));
    EXPECT_EQ(make_status(view, &other, WallTime(seconds(50))).since, WallTime(seconds(50)));
}

TEST(Overview, AConditionThatStaysKeepsItsSinceAndIsOneEvent) {
    AppView view;
    view.name = "web";
    view.conditions = {{"DeployFailed", "ChangeFailed", "cannot pull; next try at 1", ""}};
    Overview first;
    first.apps.push_back(make_status(view, nullptr, WallTime(seconds(1))));
    view.conditions[0].message = "cannot pull; next try at 2";
    Overview second;
    second.apps.push_back(make_status(view, &first.apps[0], WallTime(seconds(2))));
    EXPECT_EQ(second.apps[0].conditions[0].since, WallTime(seconds(1)));
    EXPECT_EQ(events_between({}, first).size(), 2U) << "the state, and the condition";
    EXPECT_TRUE(events_between(first, second).empty());
}

TEST(Overview, TheEndOfAConditionIsAnEventUnlessTheStateTellsIt) {
    Overview broken, well;
    broken.apps = {app_in(ServiceState::Running)};
    broken.apps[0].conditions = {{"ManifestError", "Invalid", "web.yaml:3:5: …", "", true, {}}};
    well.apps = {app_in(ServiceState::Running)};
    const auto events = events_between(broken, well);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].state, "Over");
    EXPECT_EQ(events[0].message, "ManifestError no longer holds");
    Overview otherwise = broken;
    otherwise.apps[0].conditions[0].reason = "Unreadable";
    for (const state::Event& event : events_between(broken, otherwise)) {
        EXPECT_EQ(event.state, "ManifestError") << "it goes on";
    }
    broken.apps[0].conditions[0].type = "DeployFailed";
    well.apps[0].change = 7;
    EXPECT_TRUE(events_between(broken, well).empty()) << "the change has events of its own";
    well.apps[0].state = ServiceState::Unknown;
    ASSERT_EQ(events_between(broken, well).size(), 1U);
    EXPECT_EQ(events_between(broken, well)[0].state, "Unknown");
}

TEST(Overview, TheEndOfATroubleWithAManifestIsAlwaysAnEvent) {
    Overview broken, well;
    broken.apps = {app_in(ServiceState::Running)};
    broken.apps[0].conditions = {{"ManifestError", "Invalid", "web.yaml:3:5: …", "", true, {}}};
    well.apps = {app_in(ServiceState::Starting)};
    well.apps[0].change = 7;
    const auto events = events_between(broken, well);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].state, "Over");
    EXPECT_EQ(events[1].state, "Starting") << "the newest, since people see that one";
}

TEST(Overview, AConditionThatIsRecalledIsTheSameWhenItSaysTheSame) {
    AppStatus recalled = app_in(ServiceState::Running);
    const WallTime then{seconds(1)};
    recall_condition(recalled, {1, then, "web", "Unhealthy", "web: liveness"});
    EXPECT_TRUE(recalled.conditions.empty()) << "of a manifest alone";
    recall_condition(recalled, {2, {}, "web", "ManifestError", "web.yaml:3:5: …"});
    recall_condition(recalled, {3, {}, "web", "Over", "ManifestError no longer holds"});
    EXPECT_TRUE(recalled.conditions.empty());
    recall_condition(recalled, {4, then, "web", "ManifestError", "web.yaml:9:5: …"});

    AppView view;
    view.name = "web";
    view.conditions = {{"ManifestError", "Invalid", "web.yaml:9:5: …", ""}};
    const AppStatus same = make_status(view, &recalled, WallTime(seconds(9)));
    EXPECT_EQ(same.conditions[0].since, then);
    view.conditions[0].message = "web.yaml:1:1: …";
    const AppStatus other = make_status(view, &recalled, WallTime(seconds(9)));
    EXPECT_EQ(other.conditions[0].since, WallTime(seconds(9)));
}

TEST(Overview, TheLastEventOfAnAppIsItsNewest) {
    Overview overview;
    overview.apps = {app_in(ServiceState::Running)};
    const WallTime when{seconds(9)};
    show_last_events(overview, {{1, {}, "web", "ManifestError", "web.yaml:3:5: …"},
                                {2, when, "web", "Unhealthy", "web: liveness"},
                                {3, {}, "db", "Running", ""}});
    EXPECT_EQ(overview.apps[0].last_event, "Unhealthy: web: liveness");
    EXPECT_EQ(overview.apps[0].last_event_at, when);
}

TEST(Overview, TransitionsAndRemovalsAreEvents) {
    Overview before, after;
    before.apps = {app_in(ServiceState::Starting)};
    after.apps = {app_in(ServiceState::Running)};
    ASSERT_EQ(events_between(before, after).size(), 1U);
    EXPECT_EQ(events_between(before, after)[0].state, "Running");
    ASSERT_EQ(events_between(after, {}).size(), 1U);
    EXPECT_EQ(events_between(after, {})[0].state, "Removed");
    Overview trouble;
    trouble.apps = {app_in(ServiceState::Failed)};
    trouble.apps[0].name = "/home/app/.config/podreeve/apps";
    ASSERT_EQ(events_between(trouble, {}).size(), 1U);
    EXPECT_EQ(events_between(trouble, {})[0].state, "WellAgain") << "it is no app";
    EXPECT_TRUE(events_between(after, after).empty());
}

TEST(Overview, TheFirstErrorOfAManifestAndHowManyFollow) {
    manifests::AppProblem problem;
    problem.diagnostics = {{{"web.yaml", 3, 5}, "app.imge", "unknown field", "", "image", {}},
                           {{"web.yaml", 4, 5}, "app.x", "unknown field", "", "", {}}};
    const std::string text = first_error(problem);
    EXPECT_NE(text.find("web.yaml:3:5"), std::string::npos) << text;
    EXPECT_NE(text.find("(and 1 more)"), std::string::npos) << text;
}

TEST(Overview, TheJsonCountsWhatIsUp) {
    Overview overview;
    overview.apps = {app_in(ServiceState::Running), app_in(ServiceState::Failed),
                     app_in(ServiceState::Unknown)};
    const nlohmann::json json = to_json(overview);
    EXPECT_EQ(json["summary"]["total"], 3);
    EXPECT_EQ(json["summary"]["up"], 1);
    EXPECT_EQ(json["summary"]["failed"], 1);
    EXPECT_EQ(json["summary"]["unknown"], 1);
    EXPECT_EQ(json["apps"][0]["state"], "Running");
}

}  // namespace
}  // namespace podreeve::supervise
