#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/supervise/supervisor.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

// What throws for one app is that app's trouble: all others are weighed, ordered and shown as if it
// were not there.
namespace podreeve::supervise {
namespace {

constexpr const char* kBad = "bad";

// Three apps in a row, each waiting for the one before; what is known of the health of the second
// is a text that cannot be taken.
class ContainmentTest : public ::testing::Test {
  protected:
    ContainmentTest() {
        state_ = std::move(*state::State::open(temp_.path(), time_));
        supervisor_ =
            std::make_unique<Supervisor>(*state_, time_, [](auto&&...) { return nullptr; });
        supervisor_->set_readiness([this]() -> PartReadiness {
            return [this](const std::string& app, auto&&...) {
                if (app == kBad && throws_) {
                    throw std::runtime_error("cannot take \xFF");
                }
                return PartHealth{true, "healthy", ""};
            };
        });
        for (const char* name : {"ahead", kBad, "zeta"}) {
            add(name);
        }
    }

    void add(const std::string& name) {
        auto spec = std::make_shared<manifests::AppSpec>();
        spec->name = name;
        manifests::ContainerSpec container;
        container.part = container.name = name;
        container.health.readiness.emplace();
        spec->containers.push_back(container);
        desired_.apps[name] = spec;
        podman::ContainerSummary running;
        running.id = "id-" + name;
        running.name = name;
        running.pid = 7;
        running.state = podman::ContainerState::Running;
        running.labels = {{observe::kLabelApp, name},
                          {observe::kLabelPart, name},
                          {observe::kLabelOwner, state_->owner()}};
        observed_.containers.push_back(running);
    }

    Overview pass() {
        prepared_ = supervisor_->prepare(desired_, observed_, {});
        plan_ = plan::diff(prepared_.effective, observed_, prepared_.policy);
        return supervisor_->conclude(desired_, prepared_, observed_, plan_);
    }

    fakes::TempDir temp_;
    fakes::FakeTime time_;
    std::unique_ptr<state::State> state_;
    std::unique_ptr<Supervisor> supervisor_;
    manifests::Desired desired_;
    observe::Observed observed_;
    Prepared prepared_;
    plan::Plan plan_;
    bool throws_ = true;
};

TEST_F(ContainmentTest, IsTheTroubleOfThatAppAlone) {
    const Overview overview = pass();
    EXPECT_EQ(prepared_.policy.apps.at(kBad).trouble, R"(cannot take \xff)");
    EXPECT_TRUE(prepared_.policy.apps.at("ahead").trouble.empty());
    EXPECT_TRUE(prepared_.policy.apps.at("zeta").trouble.empty());
    EXPECT_TRUE(plan_.apps.at(kBad).empty());
    ASSERT_EQ(overview.apps.size(), 3U);
    for (const char* name : {"ahead", "zeta"}) {
        EXPECT_EQ(overview.find(name)->state, ServiceState::Running) << name;
        EXPECT_TRUE(overview.find(name)->conditions.empty()) << name;
    }
    const AppStatus* bad = overview.find(kBad);
    EXPECT_EQ(bad->state, ServiceState::Unknown);
    ASSERT_EQ(bad->conditions.size(), 1U);
    EXPECT_EQ(bad->conditions[0].type, "InternalError");
    EXPECT_NE(bad->message.find(R"(cannot take \xff)"), std::string::npos) << bad->message;
}

TEST_F(ContainmentTest, IsToldOnceAndIsOverWithItsCause) {
    pass();
    const std::int64_t reported = state_->last_event_seq();
    time_.advance(std::chrono::seconds(30));
    const WallTime since = pass().find(kBad)->conditions.at(0).since;
    EXPECT_LT(since, time_.system_now());
    EXPECT_EQ(state_->last_event_seq(), reported) << "nothing new";
    throws_ = false;
    const Overview overview = pass();
    EXPECT_TRUE(prepared_.policy.apps.at(kBad).trouble.empty());
    EXPECT_EQ(overview.find(kBad)->state, ServiceState::Running);
    EXPECT_TRUE(overview.find(kBad)->conditions.empty());
}

TEST_F(ContainmentTest, OfOneThatOthersDependOnTakesNobodyDown) {
    auto zeta = std::make_shared<manifests::AppSpec>(*desired_.apps.at("zeta"));
    manifests::Dependency on;
    on.app = kBad;
    zeta->depends_on.push_back(on);
    desired_.apps["zeta"] = zeta;
    throws_ = false;
    pass();
    throws_ = true;
    const Overview overview = pass();
    EXPECT_FALSE(prepared_.policy.apps.at("zeta").stopped);
    EXPECT_EQ(overview.find("zeta")->state, ServiceState::Running);
}

TEST_F(ContainmentTest, HoldsWhilePodmanCannotBeRead) {
    const Overview overview = supervisor_->podman_lost(desired_, {Code::Unavailable, "refused"});
    EXPECT_EQ(overview.apps.size(), 3U);
    EXPECT_EQ(overview.find("ahead")->state, ServiceState::Unknown);
}

TEST_F(ContainmentTest, AStepThatIsTriedWhilePodmanCannotBeReadIsNoNews) {
    throws_ = false;
    pass();
    const Error refused{Code::Unavailable, "refused"};
    supervisor_->podman_lost(desired_, refused);
    const std::int64_t reported = state_->last_event_seq();
    for (int round = 0; round < 3; ++round) {
        supervisor_->step_begins("zeta", "deploy-app", "start-container", "start zeta");
        EXPECT_EQ(supervisor_->podman_lost(desired_, refused).find("zeta")->message, "refused");
    }
    EXPECT_EQ(state_->last_event_seq(), reported);
    pass();
    supervisor_->step_begins("zeta", "deploy-app", "start-container", "start zeta");
    EXPECT_EQ(state_->events_since(0).back().state, "Starting") << "podman is read again";
}

// A manifest holds secrets: it is not kept in memory longer than its app.
TEST_F(ContainmentTest, LetsGoOfTheManifestOfAnAppThatIsGone) {
    throws_ = false;
    pass();
    const std::weak_ptr<const manifests::AppSpec> manifest = desired_.apps.at("zeta");
    desired_.apps.erase("zeta");
    pass();
    std::erase_if(observed_.containers, [](const auto& row) { return row.name == "zeta"; });
    pass();
    ASSERT_TRUE(state_->remove_app("zeta"));
    pass();
    pass();
    EXPECT_TRUE(manifest.expired());
}

TEST_F(ContainmentTest, APassThatThrewLeavesWhatWasKnown) {
    throws_ = false;
    pass();
    const Overview overview = supervisor_->pass_failed("std::bad_alloc");
    EXPECT_EQ(overview.pass_error, "std::bad_alloc");
    EXPECT_EQ(overview.find("zeta")->state, ServiceState::Running);
    EXPECT_EQ(pass().pass_error, "");
}

}  // namespace
}  // namespace podreeve::supervise
