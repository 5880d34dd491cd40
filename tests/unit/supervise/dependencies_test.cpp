#include "agent/supervise/decide/dependencies.h"

#include <gtest/gtest.h>

namespace podreeve::supervise {
namespace {

using manifests::DependencyKind;

struct DependencyRow {
    DependencyKind is;
    ServiceState state;
    bool stopped;
    bool met;
};

TEST(Dependencies, AreMetByTheStateTheyAskFor) {
    const DependencyRow rows[] = {
        {DependencyKind::Started, ServiceState::Running, false, true},
        {DependencyKind::Started, ServiceState::Finished, false, true},
        {DependencyKind::Started, ServiceState::Finished, true, false},
        {DependencyKind::Started, ServiceState::Starting, false, false},
        {DependencyKind::Started, ServiceState::Unknown, false, false},
        {DependencyKind::Healthy, ServiceState::Running, false, true},
        {DependencyKind::Healthy, ServiceState::Finished, false, false},
        {DependencyKind::Finished, ServiceState::Finished, false, true},
        {DependencyKind::Finished, ServiceState::Finished, true, false},
        {DependencyKind::Finished, ServiceState::Running, false, false},
        {DependencyKind::Failed, ServiceState::Failed, false, true},
        {DependencyKind::Failed, ServiceState::Running, false, false},
    };
    for (const DependencyRow& row : rows) {
        const std::map<std::string, DependencyStatus> dependency_statuses{
            {"db", {row.state, "", row.stopped}}};
        EXPECT_EQ(!blocker_of({"db", row.is, {}}, dependency_statuses).has_value(), row.met)
            << manifests::to_string(row.is) << " " << to_string(row.state);
    }
}

manifests::AppSpec waiting_for(std::vector<manifests::Dependency> on) {
    manifests::AppSpec app;
    app.depends_on = std::move(on);
    return app;
}

struct TextRow {
    const char* name;
    DependencyKind is;
    DependencyStatus db;
    const char* text;
    bool blocked;
};

TEST(Dependencies, SayWhatIsWaitedForOrWhatIsInTheWayForGood) {
    const Blocker by_disk{"disk", "started", true, "disk", "image not found", ""};
    const Blocker by_slow{"slow", "started", false, "slow", "Pull image", ""};
    const TextRow rows[] = {
        {"failed",
         DependencyKind::Started,
         {ServiceState::Failed, "image not found"},
         "blocked by db: image not found",
         true},
        {"crash loop",
         DependencyKind::Started,
         {ServiceState::CrashLoop, "ended with 3"},
         "blocked by db: ended with 3",
         true},
        {"stopped",
         DependencyKind::Started,
         {ServiceState::Finished, "stopped on request", true},
         "blocked by db: stopped on request",
         true},
        {"not ready",
         DependencyKind::Healthy,
         {ServiceState::Running, "db is not ready: refused", false, false},
         "waits for db to be healthy (db is Running but not ready: db is not ready: refused)",
         false},
        {"on its way",
         DependencyKind::Started,
         {ServiceState::Preparing, "Pull image a"},
         "waits for db to be started (db is Preparing: Pull image a)",
         false},
        {"the root is further down",
         DependencyKind::Started,
         {ServiceState::Waiting, "x", false, true, by_disk},
         "blocked by disk: image not found",
         true},
        {"the root further down only needs time",
         DependencyKind::Started,
         {ServiceState::Waiting, "x", false, true, by_slow},
         "waits for db to be started (db is Waiting: x)",
         false},
    };
    for (const TextRow& row : rows) {
        const auto blocker = blocker_of({"db", row.is, {}}, {{"db", row.db}});
        ASSERT_TRUE(blocker) << row.name;
        EXPECT_EQ(blocker->text, row.text) << row.name;
        EXPECT_EQ(blocker->blocked, row.blocked) << row.name;
    }
}

TEST(Dependencies, OnAnAppThatNobodyDeclaresAreBlocked) {
    const auto all = blockers_of(waiting_for({{"db", DependencyKind::Started, {}}}), {});
    EXPECT_EQ(to_text(all), "blocked by db: no manifest declares it");
}

TEST(Dependencies, ARootThatBlocksTwiceIsToldOnce) {
    const Blocker root{"disk", "started", true, "disk", "full", ""};
    const DependencyStatus held{ServiceState::Waiting, "x", false, true, root};
    const auto all = blockers_of(
        waiting_for({{"a", DependencyKind::Started, {}}, {"b", DependencyKind::Started, {}}}),
        {{"a", held}, {"b", held}});
    EXPECT_EQ(to_text(all), "blocked by disk: full");
}

TEST(Dependencies, AnAppWithoutAnyMayStart) {
    EXPECT_TRUE(blockers_of(manifests::AppSpec{}, {}).empty());
}

}  // namespace
}  // namespace podreeve::supervise
