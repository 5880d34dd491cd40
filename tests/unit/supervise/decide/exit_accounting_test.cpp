#include <gtest/gtest.h>

#include "agent/supervise/decide/restart.h"
#include "tests/unit/supervise/decide/given.h"

// What has ended, how that is counted, and when it is started again.
namespace podreeve::supervise {
namespace {

using manifests::RestartPolicy;
using podman::ContainerState;
using std::chrono::seconds;

struct CountRow {
    const char* name;
    RestartPolicy restart = RestartPolicy::Always;
    ContainerState state = ContainerState::Exited;
    int exit_code = 1;
    seconds ran{1};
    std::int64_t short_runs = 0;  // before
    bool stopped = false;         // on request
    bool busy = false;            // a change works on it
    std::int64_t short_runs_expected = 0;
    std::int64_t restarts_expected = 0;
    bool held_expected = false;
    bool crash_loop_expected = false;
};

const CountRow kCountRows[] = {
    {.name = "OneThatRunsIsNoEnd", .state = ContainerState::Running},
    {.name = "TheFirstShortRunIsRepairedAtOnce", .short_runs_expected = 1, .restarts_expected = 1},
    {.name = "TheSecondBacksOff",
     .short_runs = 1,
     .short_runs_expected = 2,
     .restarts_expected = 1,
     .held_expected = true},
    {.name = "TheThirdIsACrashLoop",
     .short_runs = 2,
     .short_runs_expected = 3,
     .restarts_expected = 1,
     .held_expected = true,
     .crash_loop_expected = true},
    {.name = "AGoodRunClearsTheCount", .ran = seconds(60), .short_runs = 5, .restarts_expected = 1},
    {.name = "AnEndWithZeroIsTheEndWhereOnlyFailuresAreRestarted",
     .restart = RestartPolicy::OnFailure,
     .exit_code = 0,
     .short_runs = 2,
     .short_runs_expected = 2},
    {.name = "NothingIsRestartedWhereThePolicySaysNever",
     .restart = RestartPolicy::Never,
     .short_runs = 2,
     .short_runs_expected = 2},
    {.name = "WhatWasStoppedHasNotFailed",
     .short_runs = 2,
     .stopped = true,
     .short_runs_expected = 2},
    {.name = "WhatAChangeWorksOnIsLeft", .short_runs = 2, .busy = true, .short_runs_expected = 2},
};

class ExitCounting : public ::testing::TestWithParam<CountRow> {};

TEST_P(ExitCounting, AreCounted) {
    const CountRow& row = GetParam();
    Given given;
    manifests::AppSpec spec = Given::app("web");
    spec.containers[0].restart = row.restart;
    given.wants(spec);
    podman::ContainerSummary& container = given.has("web", row.state);
    container.exit_code = row.exit_code;
    container.started = given.now - row.ran;
    container.exited = given.now;
    StoredApp& web = given.remembers("web");
    web.record.stopped = row.stopped;
    web.memory.restarts["web"].short_runs = row.short_runs;
    if (row.busy) {
        given.active["web"] = {};
    }
    const Decisions decided = given.decisions();
    const RestartRecord& counted = decided.edits.at("web").app.memory.restarts.at("web");
    EXPECT_EQ(counted.short_runs, row.short_runs_expected);
    EXPECT_EQ(counted.restarts, row.restarts_expected);
    const plan::AppPolicy& policy = decided.prepared.policy.apps.at("web");
    EXPECT_EQ(policy.parts.contains("web") && policy.parts.at("web").hold_start, row.held_expected);
    EXPECT_EQ(decided.found.next.has_value(), row.held_expected);
    EXPECT_EQ(decided.found.crash_loops.contains("web"), row.crash_loop_expected);
    EXPECT_EQ(decided.found.next_attempts.contains("web"), row.held_expected);
}

INSTANTIATE_TEST_SUITE_P(Decide,
                         ExitCounting,
                         ::testing::ValuesIn(kCountRows),
                         [](const auto& info) { return std::string(info.param.name); });

// Crash loops whose backoff has ended, of apps 0 to 6.
Given many_crash_loops() {
    Given given;
    for (int i = 0; i < 7; ++i) {
        const std::string name = "app" + std::to_string(i);
        given.wants(Given::app(name));
        podman::ContainerSummary& container = given.has(name, ContainerState::Exited);
        container.exited = container.started = given.now - seconds(60);
        RestartRecord& record = given.remembers(name).memory.restarts[name];
        record.short_runs = 5;
        record.last_exit = exit_key(container);
        record.until = given.now - seconds(7 - i);
    }
    return given;
}

std::set<std::string> held(const Decisions& decided) {
    std::set<std::string> names;
    for (const auto& [name, policy] : decided.prepared.policy.apps) {
        if (!policy.parts.empty()) {
            names.insert(name);
        }
    }
    return names;
}

TEST(CrashLoops, ThatFellDueFirstAreStartedFirst) {
    EXPECT_EQ(held(many_crash_loops().decisions()), (std::set<std::string>{"app5", "app6"}));
}

TEST(CrashLoops, TakeTokensOnlyOfTheMemoryThatIsHandedBack) {
    Given given = many_crash_loops();
    for (int asked = 0; asked < 10; ++asked) {
        EXPECT_EQ(held(given.decisions()).size(), 2U) << "the first answer changes nothing";
    }
    given.memory = given.decisions().memory;
    EXPECT_EQ(held(given.decisions()).size(), 7U) << "an applied one does";
}

}  // namespace
}  // namespace podreeve::supervise
