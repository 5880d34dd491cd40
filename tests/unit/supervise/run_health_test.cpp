#include <gtest/gtest.h>

#include "agent/supervise/supervisor.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

// What is known of the health of those that run, from one agent to the next.
namespace podreeve::supervise {
namespace {

class RunHealthTest : public ::testing::Test {
  protected:
    RunHealthTest() {
        state_ = std::move(*state::State::open(temp_.path(), time_));
        auto spec = std::make_shared<manifests::AppSpec>();
        spec->name = "db";
        manifests::ContainerSpec container;
        container.part = container.name = "db";
        container.health.readiness.emplace();
        spec->containers.push_back(container);
        desired_.apps["db"] = spec;
        podman::ContainerSummary running;
        running.id = "c1";
        running.name = "db";
        running.pid = 7;
        running.state = podman::ContainerState::Running;
        running.labels = {{observe::kLabelApp, "db"},
                          {observe::kLabelPart, "db"},
                          {observe::kLabelOwner, state_->owner()}};
        observed_.containers.push_back(running);
    }

    // One pass of an agent of its own, whose probes know that much.
    AppStatus pass(const PartHealth& known) {
        Supervisor supervisor(*state_, time_, [](auto&&...) { return nullptr; });
        supervisor.set_readiness(
            [&]() -> PartReadiness { return [&](auto&&...) { return known; }; });
        const auto prepared = supervisor.prepare(desired_, observed_, {});
        remembered_ = prepared.health;
        return supervisor.conclude(desired_, prepared, observed_, {}).apps.at(0);
    }

    fakes::TempDir temp_;
    fakes::FakeTime time_;
    std::unique_ptr<state::State> state_;
    manifests::Desired desired_;
    observe::Observed observed_;
    std::map<std::string, RunHealth> remembered_;
};

const PartHealth kUnknown{};
const PartHealth kHealthy{true, "healthy", ""};
const PartHealth kStarting{false, "starting", "readiness: not proved yet"};
const PartHealth kUnhealthy{false, "unhealthy", "readiness: closed"};

TEST_F(RunHealthTest, StaysAsItWasToldLastUntilTheNextAgentKnowsBetter) {
    EXPECT_EQ(pass(kHealthy).health, "healthy");
    EXPECT_EQ(pass(kUnknown).health, "healthy");
    EXPECT_EQ(pass(kUnhealthy).health, "unhealthy");
    const AppStatus next = pass(kUnknown);
    EXPECT_EQ(next.health, "unhealthy");
    EXPECT_FALSE(next.healthy);
    EXPECT_EQ(next.message, "db is not ready: readiness: closed");
    EXPECT_EQ(remembered_.at("c1"), (RunHealth{"c1", 7, "unhealthy", "readiness: closed"}));
    EXPECT_EQ(pass(kHealthy).health, "healthy");
}

TEST_F(RunHealthTest, WhatWasOnlyStartingIsNotTakenForWell) {
    pass(kStarting);
    const AppStatus next = pass(kUnknown);
    EXPECT_FALSE(next.healthy);
    EXPECT_EQ(next.health, "starting");
}

TEST_F(RunHealthTest, IsOfThatRunAlone) {
    pass(kUnhealthy);
    observed_.containers[0].pid = 8;
    EXPECT_TRUE(pass(kUnknown).healthy) << "nobody is taken down for what is not known";
    EXPECT_TRUE(remembered_.empty());
}

// Its objects are gone before the last steps are: systemd is to forget its units, too.
TEST_F(RunHealthTest, OneThatIsRemovedIsToldUntilItsChangeHasEnded) {
    pass(kHealthy);
    const auto removal = state_->add_change({"remove-companions",
                                             "Remove the companions of db",
                                             "db/companions",
                                             "{}",
                                             {{"reload", "Reload"}}});
    ASSERT_TRUE(removal) << removal.error().message;
    Supervisor supervisor(*state_, time_, [](auto&&...) { return nullptr; });
    const Overview during = supervisor.conclude({}, {}, {}, {});
    ASSERT_EQ(during.apps.size(), 1U);
    EXPECT_EQ(during.apps[0].name, "db");
    EXPECT_EQ(during.apps[0].state, ServiceState::Stopping);
}

}  // namespace
}  // namespace podreeve::supervise
