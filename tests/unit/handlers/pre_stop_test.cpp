#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/handlers/scenarios.h"

// What a container is told before it is stopped.
namespace podreeve::handlers::testing {
namespace {

using plan::StepKind;

class PreStopTest : public ::testing::Test {
  protected:
    PreStopTest() {
        bench_.world->start_gate.ask = [this](const manifests::Probe& probe, std::int64_t pid,
                                              std::stop_token) {
            asked_.push_back(probe);
            pid_ = pid;
            state_when_asked_ = bench_.podman->state_of("solo");
            return answer_;
        };
    }

    // The app's deployed version says so of its container.
    void deploy(manifests::PreStop pre_stop) {
        manifests::AppSpec spec = *bench_.old_spec;
        for (manifests::ContainerSpec& container : spec.containers) {
            container.pre_stop = container.name == "solo" ? pre_stop : manifests::PreStop{};
        }
        const std::string hash = manifests::spec_hash(spec);
        bench_.specs.put(hash, std::make_shared<const manifests::AppSpec>(spec));
        ASSERT_TRUE(bench_.state->edit_app(
            "web", [&](state::AppRecord& record) { record.deployed_spec = hash; }));
        make_alone(bench_, true);
    }

    StoredTask stop() {
        StoredTask task = bench_.task(StepKind::StopContainer, "solo", "solo", {{"grace", 7}});
        EXPECT_EQ(bench_.run(task), "");
        EXPECT_EQ(bench_.podman->state_of("solo"), "exited");
        return task;
    }

    static manifests::PreStop request() {
        manifests::PreStop out;
        out.request.emplace();
        out.request->kind = manifests::ProbeKind::Http;
        out.request->path = "/drain";
        out.request->timeout = std::chrono::seconds(30);
        return out;
    }

    Bench bench_;
    std::vector<manifests::Probe> asked_;
    std::int64_t pid_ = 0;
    std::string state_when_asked_;
    probe::ProbeResult answer_{0, probe::Outcome::Success, ""};
};

TEST_F(PreStopTest, ARequestIsSentOnceWhileItRunsWithinTheGrace) {
    deploy(request());
    stop();
    ASSERT_EQ(asked_.size(), 1U);
    EXPECT_EQ(asked_[0].path, "/drain");
    EXPECT_EQ(asked_[0].timeout, std::chrono::seconds(7));
    EXPECT_GT(pid_, 0);
    EXPECT_EQ(state_when_asked_, "running");
}

TEST_F(PreStopTest, ARequestThatFailsIsNotedAndTheStopGoesOn) {
    answer_ = {0, probe::Outcome::Failure, "port 80: connection refused"};
    deploy(request());
    const StoredTask task = stop();
    EXPECT_EQ(task.lines, std::vector<std::string>{"preStop of solo: port 80: connection refused"});
}

TEST_F(PreStopTest, ARequestThatFailsTellsNoSecretOfTheDeployedVersion) {
    const std::string secret = bench_.old_spec->secrets.at(0).data;
    answer_ = {0, probe::Outcome::Failure, "no /drain?key=" + secret};
    deploy(request());
    EXPECT_EQ(stop().lines, std::vector<std::string>{"preStop of solo: no /drain?key=[secret]"});
}

TEST_F(PreStopTest, ACommandLeavesNoSessionBehind) {
    manifests::PreStop pre_stop;
    pre_stop.command = {"false"};
    deploy(pre_stop);
    const StoredTask task = stop();
    EXPECT_EQ(task.lines, std::vector<std::string>{"preStop of solo: ended with exit code 1"});
    const auto requests = bench_.podman->mutations();
    EXPECT_TRUE(std::any_of(requests.begin(), requests.end(), [](const std::string& request) {
        return request.find("exec/") != std::string::npos && request.ends_with("/remove");
    }));
}

TEST_F(PreStopTest, ASleepIsAsLongAsItIsWhateverTheClockIsSetTo) {
    using std::chrono::seconds;
    for (const int years : {-10, 10}) {
        bench_.podman->remove_behind_back("solo");
        manifests::PreStop sleep;
        sleep.sleep = seconds(20);
        deploy(sleep);
        StoredTask task = bench_.task(StepKind::StopContainer, "solo", "solo", {{"grace", 30}});
        ASSERT_TRUE(std::holds_alternative<state::TaskRetry>(bench_.run_once(task)));
        bench_.time.set_wall(bench_.time.system_now() + std::chrono::hours(24 * 365 * years));
        bench_.time.advance(seconds(10));
        const auto again = bench_.run_once(task);
        ASSERT_TRUE(std::holds_alternative<state::TaskRetry>(again));
        EXPECT_EQ(std::get<state::TaskRetry>(again).after, seconds(10));
        // The next agent has only the wall clock.
        bench_.world->stops_since->lock()->clear();
        const auto later = bench_.run_once(task);
        if (const auto* retry = std::get_if<state::TaskRetry>(&later)) {
            EXPECT_LE(retry->after, seconds(20));
            bench_.time.advance(seconds(20));
            EXPECT_TRUE(std::holds_alternative<state::TaskDone>(bench_.run_once(task)));
        }
        EXPECT_EQ(bench_.podman->state_of("solo"), "exited");
        bench_.world->stops_since->lock()->clear();
    }
}

}  // namespace
}  // namespace podreeve::handlers::testing
