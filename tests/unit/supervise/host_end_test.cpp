#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/supervise/supervisor.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

// A host goes down and gives less time than all graces together: that is told beforehand, and what
// there is of it is shared.
namespace podreeve::supervise {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// web needs db; with a second for each kill they need 61 s and 121 s.
class HostEndTest : public ::testing::Test {
  protected:
    HostEndTest() {
        state_ = std::move(*state::State::open(temp_.path(), time_));
        supervisor_ =
            std::make_unique<Supervisor>(*state_, time_, [](auto&&...) { return nullptr; });
        add("db", seconds(120), {});
        add("web", seconds(60), {{.app = "db"}});
    }

    void add(const std::string& name,
             seconds grace,
             std::vector<manifests::Dependency> depends_on) {
        auto spec = std::make_shared<manifests::AppSpec>();
        spec->name = name;
        spec->depends_on = std::move(depends_on);
        manifests::ContainerSpec container;
        container.part = container.name = name;
        container.stop_grace = grace;
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

    void stop(const std::string& name) {
        for (podman::ContainerSummary& container : observed_.containers) {
            if (container.name == name) {
                container.state = podman::ContainerState::Exited;
                container.pid = 0;
            }
        }
    }

    Overview pass() {
        prepared_ = supervisor_->prepare(desired_, observed_, {});
        return supervisor_->conclude(desired_, prepared_, observed_, {});
    }

    std::int64_t share_of(const std::string& app) {
        prepared_ = supervisor_->prepare(desired_, observed_, {});
        return prepared_.policy.apps.at(app).grace_share;
    }

    fakes::TempDir temp_;
    fakes::FakeTime time_;
    std::unique_ptr<state::State> state_;
    std::unique_ptr<Supervisor> supervisor_;
    manifests::Desired desired_;
    observe::Observed observed_;
    Prepared prepared_;
};

TEST_F(HostEndTest, IsToldBeforehandWhenItIsTooShort) {
    supervisor_->host_gives(seconds(110));
    const Overview overview = pass();
    ASSERT_EQ(overview.agent_conditions.size(), 1U);
    const StatusCondition& reported = overview.agent_conditions.front();
    EXPECT_EQ(reported.type, "ShutdownTooShort");
    EXPECT_NE(reported.message.find("can take 182 s (web 61 s, then db 121 s)"), std::string::npos)
        << reported.message;
    EXPECT_NE(reported.message.find("podreeve-apps.service has 110 s"), std::string::npos)
        << reported.message;
    time_.advance(minutes(1));
    EXPECT_EQ(pass().agent_conditions.front().since, reported.since) << "nothing new";
    EXPECT_EQ(
        supervisor_->podman_lost(desired_, {Code::Unavailable, "away"}).agent_conditions.size(),
        1U);
}

TEST_F(HostEndTest, IsToldNoMoreOnceItIsEnough) {
    supervisor_->host_gives(seconds(110));
    pass();
    supervisor_->host_gives(seconds(187));
    EXPECT_TRUE(pass().agent_conditions.empty());
    add("cache", seconds(120), {{.app = "web"}});
    EXPECT_EQ(pass().agent_conditions.size(), 1U) << "another app makes it too short";
    supervisor_->host_gives(std::nullopt);
    EXPECT_TRUE(pass().agent_conditions.empty()) << "nobody knows how long it is";
}

TEST_F(HostEndTest, SharesWhatThereIsAmongTheGracesOfAll) {
    pass();
    EXPECT_EQ(share_of("web"), 1000);
    const RequestReport report = supervisor_->shut_down(true, seconds(110));
    EXPECT_EQ(report.at_most, seconds(105));
    EXPECT_EQ(report.asked_for, seconds(182));
    EXPECT_EQ(share_of("web"), 576);
    time_.advance(seconds(15));
    stop("web");
    EXPECT_EQ(share_of("db"), 743) << "what web left of its share is db's: 90 s of 121";
    supervisor_->shut_down(false);
    EXPECT_EQ(share_of("web"), 1000) << "the host stays up";
}

TEST_F(HostEndTest, LeavesAllGracesWholeWhereTheyFitOrNobodyWaitsInVain) {
    pass();
    EXPECT_EQ(supervisor_->shut_down(true, seconds(190)).at_most, seconds(185));
    EXPECT_EQ(supervisor_->shut_down(true, minutes(10)).at_most, seconds(210));
    EXPECT_EQ(supervisor_->shut_down(true, minutes(10)).asked_for, Duration{});
    EXPECT_EQ(share_of("web"), 1000);
    EXPECT_EQ(supervisor_->shut_down(true).at_most, seconds(210)) << "a person asked";
    time_.advance(minutes(10));
    EXPECT_EQ(share_of("db"), 1000);
}

TEST_F(HostEndTest, LeavesTheLastAtLeastSomethingWhenItIsOver) {
    pass();
    supervisor_->shut_down(true, seconds(110));
    time_.advance(minutes(5));
    EXPECT_EQ(share_of("db"), 1);
}

// How long the stop of one unit takes: when it uses all of its grace, and at the most.
TEST_F(HostEndTest, AUnitOfSystemdTakesWhatItsTextSays) {
    struct Row {
        const char* file;
        const char* text;
        const char* drop_in;
        seconds expected, at_most;
    };

    const Row rows[] = {
        {"a.container", "[Container]\nImage=a\n", "", seconds(11), seconds(90)},
        {"a.container", "[Container]\nImage=a\nStopTimeout=60\n", "", seconds(61), seconds(90)},
        {"a.container", "[Container]\nImage=a\nPodmanArgs=--stop-timeout 45 --tty\n", "",
         seconds(46), seconds(90)},
        {"a.container", "[Container]\nImage=a\nPodmanArgs=--stop-timeout=45\nStopTimeout=20\n", "",
         seconds(46), seconds(90)},
        {"a.container", "[Container]\nImage=a\nStopTimeout=300\n", "", seconds(90), seconds(90)},
        {"a.container", "[Container]\nImage=a\nStopTimeout=300\n[Service]\nTimeoutStopSec=5min\n",
         "", seconds(300), seconds(300)},
        {"a.container", "[Container]\nImage=a\n", "[Service]\nTimeoutStopSec=3\n", seconds(3),
         seconds(3)},
        {"a.container", "[Container]\nImage=a\n[Service]\nTimeoutStopSec=2min 30s\n", "",
         seconds(11), seconds(150)},
        {"a.container", "[Container]\nImage=a\n[Service]\nTimeoutSec=40\n", "", seconds(11),
         seconds(40)},
        {"a.container", "[Container]\nImage=a\n[Service]\nTimeoutStopSec=infinity\n", "",
         seconds(11), minutes(21)},
        {"a.container", "[Container]\nImage=a\n[Service]\nTimeoutStopSec=soon\n", "", seconds(11),
         seconds(90)},
        {"a.container", "[Container]\nImage=a\n[Service]\nTimeoutStopSec=30\nExecStop=/bin/save\n",
         "", seconds(30), seconds(30)},
        {"a.pod", "[Pod]\nStopTimeout=25\n", "", seconds(26), seconds(90)},
        {"a.kube", "[Kube]\nYaml=a.yaml\n", "", seconds(11), seconds(90)},
        {"a.volume", "[Volume]\n", "", seconds(0), seconds(0)},
        {"a.container", "no unit", "", seconds(11), seconds(90)}};
    for (const Row& row : rows) {
        SCOPED_TRACE(std::string(row.text) + row.drop_in);
        desired_.apps.clear();
        auto spec = std::make_shared<manifests::AppSpec>();
        spec->name = "web";
        spec->companions.push_back({.part = row.file, .text = row.text});
        if (*row.drop_in != '\0') {
            spec->companions.front().drop_ins.push_back({"10.conf", row.drop_in});
        }
        desired_.apps["web"] = spec;
        pass();
        EXPECT_EQ(supervisor_->time_to_stop_all(), row.expected);
        EXPECT_EQ(supervisor_->shut_down(true).at_most, row.at_most);
        supervisor_->shut_down(false);
    }
}

TEST_F(HostEndTest, IsToldWhenAUnitAloneNeedsLonger) {
    auto spec = std::make_shared<manifests::AppSpec>();
    spec->name = "vault";
    spec->companions.push_back(
        {.part = "vault.container",
         .text = "[Container]\nImage=a\nStopTimeout=200\n[Service]\nTimeoutStopSec=210\n"});
    desired_.apps = {{"vault", spec}};
    supervisor_->host_gives(seconds(110));
    const Overview overview = pass();
    ASSERT_EQ(overview.agent_conditions.size(), 1U);
    EXPECT_EQ(overview.agent_conditions.front().type, "ShutdownTooShort");
    EXPECT_NE(overview.agent_conditions.front().message.find("can take 201 s (vault 201 s)"),
              std::string::npos)
        << overview.agent_conditions.front().message;
}

}  // namespace
}  // namespace podreeve::supervise
