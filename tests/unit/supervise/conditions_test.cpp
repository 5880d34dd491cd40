#include "agent/supervise/decide/conditions.h"

#include <gtest/gtest.h>

namespace podreeve::supervise {
namespace {

using manifests::StartCondition;
using Kind = manifests::StartConditionKind;

const WallTime kNow = *parse_rfc3339("2026-11-22T06:00:00Z");

StartCondition leaf(Kind kind, const char* subject) {
    return {kind, subject};
}

StartCondition group(Kind kind, std::vector<StartCondition> of) {
    return {kind, "", manifests::DependencyKind::Started, std::move(of)};
}

struct ConditionRow {
    const char* name;
    StartCondition condition;
    Assessment expected;
};

TEST(Conditions, SayWhetherTheyHoldAndWhatIsPending) {
    const WorldFacts facts{
        {{Kind::Path, "/here"}, {}},
        {{Kind::Path, "/gone"}, {ConditionOutcome::Pending, ""}},
        {{Kind::Unit, "no.service"}, {ConditionOutcome::Failed, "there is no such unit"}}};
    const std::map<std::string, DependencyStatus> dependency_statuses{
        {"db", {ServiceState::Running, ""}}, {"bad", {ServiceState::Failed, "image not found"}}};
    const StartCondition here = leaf(Kind::Path, "/here"), gone = leaf(Kind::Path, "/gone"),
                         no_unit = leaf(Kind::Unit, "no.service");
    const ConditionRow rows[] = {
        {"there", here, {}},
        {"not there", gone, {ConditionOutcome::Pending, "waits for path /gone to exist"}},
        {"not looked at",
         leaf(Kind::Port, "127.0.0.1:1"),
         {ConditionOutcome::Pending, "waits for port 127.0.0.1:1 to be open"}},
        {"will not come",
         no_unit,
         {ConditionOutcome::Failed,
          "waits for unit no.service to be active (there is no such unit)"}},
        {"the time has come", leaf(Kind::Time, "2026-11-22T06:00:00Z"), {}},
        {"the time has not come",
         leaf(Kind::Time, "2026-11-22T06:00:01Z"),
         {ConditionOutcome::Pending, "waits for the time 2026-11-22T06:00:01Z"}},
        {"an app that is up", leaf(Kind::Service, "db"), {}},
        {"an app that failed",
         leaf(Kind::Service, "bad"),
         {ConditionOutcome::Failed, "blocked by bad: image not found"}},
        {"all of them", group(Kind::All, {here, here}), {}},
        {"one of all is pending",
         group(Kind::All, {here, gone}),
         {ConditionOutcome::Pending, "waits for path /gone to exist"}},
        {"one of all has failed",
         group(Kind::All, {gone, no_unit}),
         {ConditionOutcome::Failed,
          "waits for path /gone to exist; waits for unit no.service to be active (there is no such "
          "unit)"}},
        {"any of them", group(Kind::Any, {gone, here}), {}},
        {"any may still come",
         group(Kind::Any, {no_unit, gone}),
         {ConditionOutcome::Pending,
          "waits for unit no.service to be active (there is no such unit), or waits for path /gone "
          "to exist"}},
        {"none can come",
         group(Kind::Any, {no_unit}),
         {ConditionOutcome::Failed,
          "waits for unit no.service to be active (there is no such unit)"}},
    };
    for (const ConditionRow& row : rows) {
        const Assessment found = assess(row.condition, facts, dependency_statuses, kNow);
        EXPECT_EQ(found.outcome, row.expected.outcome) << row.name;
        EXPECT_EQ(found.pending, row.expected.pending) << row.name;
    }
}

TEST(Conditions, OnlyTheLeavesThatAreOutsideAreLookedAt) {
    std::map<LeafKey, const StartCondition*> leaves;
    const std::vector<StartCondition> all = {
        group(Kind::Any, {leaf(Kind::Path, "/a"), group(Kind::All, {leaf(Kind::Path, "/b")})}),
        leaf(Kind::Time, "2026-11-22T06:00:00Z"), leaf(Kind::Service, "db"),
        leaf(Kind::Path, "/a")};
    collect_leaves(all, leaves);
    EXPECT_EQ(leaves.size(), 2U);
    EXPECT_TRUE(leaves.contains({Kind::Path, "/b"}));
}

TEST(Conditions, TheNextTimeIsTheEarliestThatHasNotCome) {
    const std::vector<StartCondition> all = {
        leaf(Kind::Time, "2026-11-22T05:00:00Z"),
        group(Kind::Any, {leaf(Kind::Time, "2026-11-22T08:00:00Z"),
                          leaf(Kind::Time, "2026-11-22T07:00:00Z")})};
    EXPECT_EQ(next_time(all, kNow), *parse_rfc3339("2026-11-22T07:00:00Z"));
    EXPECT_EQ(next_time({}, kNow), std::nullopt);
}

}  // namespace
}  // namespace podreeve::supervise
