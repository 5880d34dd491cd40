#include "agent/supervise/decide/start.h"

#include <gtest/gtest.h>

#include "tests/unit/supervise/decide/given.h"

// What is asked again at the instant of starting, by what the last pass has decided.
namespace podreeve::supervise {
namespace {

using podman::ContainerState;

struct StartRow {
    const char* name;
    bool has_evaluated = true;
    bool shutting_down = false;
    bool web_stopped = false;
    bool looks_again = true;
    ContainerState db_by_then = ContainerState::Running;  // as it is when it is looked at again
    const char* why_expected = "";                        // empty: it may start
    bool wanted_down_expected = false;
    bool within_app_expected = false;
};

const StartRow kStartRows[] = {
    {.name = "MayStart"},
    {.name = "WaitsForTheFirstPass",
     .has_evaluated = false,
     .why_expected = "the agent has made no pass yet",
     .within_app_expected = true},
    {.name = "IsOffWhenTheHostGoesDown",
     .shutting_down = true,
     .why_expected = "the host goes down",
     .wanted_down_expected = true},
    {.name = "IsOffWhenItWasStoppedMeanwhile",
     .web_stopped = true,
     .why_expected = "stopped on request",
     .wanted_down_expected = true},
    {.name = "WaitsWhenTheOtherHasGoneSince",
     .db_by_then = ContainerState::Exited,
     .why_expected = "waits for db to be started"},
    {.name = "GoesByTheLastPassWhenNothingIsLookedAtAgain",
     .looks_again = false,
     .db_by_then = ContainerState::Exited},
};

class StartInstant : public ::testing::TestWithParam<StartRow> {};

TEST_P(StartInstant, IsAskedForAgain) {
    const StartRow& row = GetParam();
    Given given;
    given.wants(Given::app("db"));
    manifests::AppSpec web = Given::app("web");
    manifests::Dependency on;
    on.app = "db";
    web.depends_on.push_back(on);
    given.wants(web);
    given.has("db", ContainerState::Running);
    const Decisions decided = given.decisions();
    EXPECT_TRUE(start_needs(decided.memory, "web", "web", true).observation);
    given.observed.containers[0].state = row.db_by_then;
    const ObservedIndex index(given.observed, kOwner);
    StartInputs inputs{.app = "web",
                       .part = "web",
                       .memory = decided.memory,
                       .found = decided.found,
                       .index = row.looks_again ? &index : nullptr,
                       .facts = given.facts,
                       .stopped = {},
                       .readiness = nullptr,
                       .wall = given.now,
                       .comes_up = true,
                       .shutting_down = row.shutting_down,
                       .has_evaluated = row.has_evaluated};
    if (row.web_stopped) {
        inputs.stopped.insert("web");
    }
    const StartDenial denial = why_not_start(inputs).value_or(StartDenial{});
    const std::string why = row.why_expected;
    EXPECT_EQ(denial.why.substr(0, why.size()), why);
    EXPECT_EQ(denial.why.empty(), why.empty());
    EXPECT_EQ(denial.wanted_down, row.wanted_down_expected);
    EXPECT_EQ(denial.within_app, row.within_app_expected);
}

INSTANTIATE_TEST_SUITE_P(Decide,
                         StartInstant,
                         ::testing::ValuesIn(kStartRows),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace podreeve::supervise
