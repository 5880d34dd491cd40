#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/unit/supervise/decide/given.h"

// Who may start and who goes down, by how those are that it depends on.
namespace podreeve::supervise {
namespace {

using manifests::DependencyKind;
using podman::ContainerState;

struct HoldRow {
    const char* name;
    std::optional<ContainerState> db = {};  // nothing: no container of it is there
    int exit_code = 0;
    DependencyKind is = DependencyKind::Started;
    bool ready = true;
    bool stopped = false;  // db, on request
    bool is_declared = true;
    const char* why_expected = "";  // how the reason of the hold begins; empty: it may start
};

const HoldRow kHoldRows[] = {
    {.name = "NothingOfItIsThere", .why_expected = "waits for db to be started"},
    {.name = "ItRuns", .db = ContainerState::Running},
    {.name = "ItRunsAndIsNotReady",
     .db = ContainerState::Running,
     .is = DependencyKind::Healthy,
     .ready = false,
     .why_expected = "waits for db to be healthy (db is Running but not ready"},
    {.name = "ItRunsAndIsReady", .db = ContainerState::Running, .is = DependencyKind::Healthy},
    {.name = "ItRunsAndHasToEnd",
     .db = ContainerState::Running,
     .is = DependencyKind::Finished,
     .why_expected = "waits for db to be finished"},
    {.name = "ItHasEndedWell", .db = ContainerState::Exited, .is = DependencyKind::Finished},
    {.name = "ItHasFailed",
     .db = ContainerState::Exited,
     .exit_code = 3,
     .is = DependencyKind::Finished,
     .why_expected = "blocked by db: 1 of 1 containers failed"},
    {.name = "ItHasFailedAsItHasTo",
     .db = ContainerState::Exited,
     .exit_code = 3,
     .is = DependencyKind::Failed},
    {.name = "ItWasStopped", .stopped = true, .why_expected = "blocked by db: stopped on request"},
    {.name = "NoManifestDeclaresIt",
     .is_declared = false,
     .why_expected = "blocked by db: no manifest declares it"},
};

class DependencyHolds : public ::testing::TestWithParam<HoldRow> {};

TEST_P(DependencyHolds, HoldBack) {
    const HoldRow& row = GetParam();
    Given given;
    if (row.is_declared) {
        manifests::AppSpec db = Given::app("db");
        db.containers[0].restart = manifests::RestartPolicy::Never;
        given.wants(db);
        given.remembers("db").record.stopped = row.stopped;
    }
    if (row.db) {
        given.has("db", *row.db).exit_code = row.exit_code;
    }
    given.readiness = [&](auto&&...) { return PartHealth{row.ready, "", ""}; };
    manifests::AppSpec web = Given::app("web");
    manifests::Dependency on;
    on.app = "db";
    on.is = row.is;
    web.depends_on.push_back(on);
    given.wants(web);
    const Decisions decided = given.decisions();
    const plan::AppPolicy& policy = decided.prepared.policy.apps.at("web");
    const std::string why = row.why_expected;
    EXPECT_EQ(policy.hold_start, !why.empty()) << policy.why;
    EXPECT_EQ(policy.why.substr(0, why.size()), why);
    EXPECT_EQ(decided.found.blockers.at("web").empty(), why.empty());
}

INSTANTIATE_TEST_SUITE_P(Decide,
                         DependencyHolds,
                         ::testing::ValuesIn(kHoldRows),
                         [](const auto& info) { return std::string(info.param.name); });

// web needs db, and api needs web.
Given chain() {
    Given given;
    given.wants(Given::app("db"));
    std::string provider = "db";
    for (const char* name : {"web", "api"}) {
        manifests::AppSpec spec = Given::app(name);
        manifests::Dependency on;
        on.app = std::exchange(provider, name);
        spec.depends_on.push_back(on);
        given.wants(spec);
    }
    for (const char* name : {"db", "web", "api"}) {
        given.has(name, ContainerState::Running);
        given.remembers(name);
    }
    return given;
}

TEST(Stops, TakeThoseAlongThatNeedItAndTheseGoFirst) {
    Given given = chain();
    given.stored.at("db").record.stopped = true;
    const Decisions decided = given.decisions();
    EXPECT_EQ(decided.memory.down.size(), 3U);
    const auto& apps = decided.prepared.policy.apps;
    for (const char* name : {"db", "web", "api"}) {
        EXPECT_TRUE(apps.at(name).stopped) << name;
    }
    EXPECT_TRUE(apps.at("db").hold_stop);
    EXPECT_TRUE(apps.at("web").hold_stop);
    EXPECT_FALSE(apps.at("api").hold_stop);
}

TEST(Stops, OfAllAreOrderedAlikeWhenTheHostGoesDown) {
    Given given = chain();
    given.shutting_down = true;
    const Decisions decided = given.decisions();
    EXPECT_EQ(decided.memory.down.at("api"), "the host goes down");
    EXPECT_EQ(decided.found.stop_waits.size(), 2U);
}

TEST(Restarts, AreOverTheirFirstHalfOnceNothingRuns) {
    Given given = chain();
    given.stored.at("api").memory.restart = 4;
    EXPECT_EQ(given.decisions().edits.at("api").app.memory.restart, 4);
    given.observed.containers.pop_back();
    const RecordEdit edit = given.decisions().edits.at("api");
    EXPECT_EQ(edit.app.memory.restart, 0);
    EXPECT_TRUE(edit.numbered) << "what was decided before is in the same edit";
}

TEST(AppParts, ThatThrowLeaveThatAppAlone) {
    Given given = chain();
    given.readiness = [](const std::string& app, auto&&...) {
        if (app == "web") {
            throw std::runtime_error("no such probe");
        }
        return PartHealth{};
    };
    const Decisions decided = given.decisions();
    const auto& apps = decided.prepared.policy.apps;
    EXPECT_EQ(apps.at("web").trouble, "no such probe");
    EXPECT_EQ(apps.at("db").trouble + apps.at("api").trouble, "");
    EXPECT_FALSE(apps.at("api").stopped) << "what runs stays up";
    EXPECT_EQ(decided.found.dependency_statuses.at("web").state, ServiceState::Unknown);
}

TEST(AppParts, WhoseInputsCouldNotBeMadeAreLeftToo) {
    Given given = chain();
    given.trouble["web"] = "cannot read it";
    const Decisions decided = given.decisions();
    EXPECT_EQ(decided.prepared.policy.apps.at("web").trouble, "cannot read it");
    EXPECT_FALSE(decided.edits.contains("web"));
    EXPECT_TRUE(decided.edits.contains("db"));
}

TEST(AppParts, ThatAreSetAsideAreNotLookedAt) {
    Given given = chain();
    given.aside["web"] = {"it has crashed podreeve", {}};
    given.readiness = [](const std::string& app, auto&&...) {
        EXPECT_NE(app, "web");
        return PartHealth{};
    };
    const Decisions decided = given.decisions();
    EXPECT_EQ(decided.prepared.policy.apps.at("web").set_aside, "it has crashed podreeve");
    EXPECT_FALSE(decided.edits.contains("web"));
}

}  // namespace
}  // namespace podreeve::supervise
