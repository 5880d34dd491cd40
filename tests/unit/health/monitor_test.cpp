#include "agent/health/monitor.h"

#include <new>

#include <gtest/gtest.h>

#include "tests/fakes/fake_time.h"

namespace podreeve::health {
namespace {

using probe::Outcome;
using probe::ProbeResult;
using std::chrono::milliseconds;
using std::chrono::seconds;

manifests::Probe tcp(seconds period = seconds(10)) {
    manifests::Probe out;
    out.ports = {80};
    out.period = period;
    return out;
}

manifests::Health with_readiness(manifests::Probe probe = tcp()) {
    manifests::Health out;
    out.readiness = std::move(probe);
    return out;
}

// Those who ask, as a list of what they were asked.
class MonitorTest : public testing::Test {
  protected:
    MonitorTest()
        : monitor_({[this](const probe::ProbeSpec& probe) {
                        throw_if(Throws::Adding);
                        questions_[++last_] = probe;
                        return last_;
                    },
                    [this](std::uint32_t number) { questions_.erase(number); },
                    [this](const std::vector<std::uint32_t>& numbers) {
                        throw_if(Throws::Asking);
                        asked_.push_back(numbers);
                    },
                    [this](const std::vector<probe::wire::Keep>& keeps) {
                        throw_if(Throws::Keeping);
                        kept_.insert(kept_.end(), keeps.begin(), keeps.end());
                    },
                    [this](const ExecProbe& probe) {
                        commands_[++last_] = probe;
                        return last_;
                    },
                    [this](std::uint32_t number) { commands_.erase(number); },
                    [this](const std::vector<std::uint32_t>& numbers) {
                        throw_if(Throws::Running);
                        run_.push_back(numbers);
                    }},
                   time_,
                   time_,
                   [this](const std::vector<Change>& changes) {
                       throw_if(Throws::Telling);
                       changes_.insert(changes_.end(), changes.begin(), changes.end());
                   }) {}

    enum class Throws { Nothing, Adding, Asking, Keeping, Running, Telling };

    // Once.
    void throw_if(Throws what) {
        if (throws_ == what) {
            throws_ = Throws::Nothing;
            throw std::bad_alloc();
        }
    }

    Watched run(const std::string& id, manifests::Health health, Duration age = Duration::zero()) {
        return {"shop",
                "shop/" + id,
                "shop-" + id,
                id,
                100 + last_pid_++,
                time_.system_now() - age,
                std::make_shared<const manifests::Health>(std::move(health))};
    }

    void follow(std::vector<Watched> runs) {
        monitor_.follow(std::move(runs));
        time_.run_posted();
    }

    // What was asked since the last call, in one list.
    std::vector<std::uint32_t> asked() {
        std::vector<std::uint32_t> out;
        for (const auto& batch : std::exchange(asked_, {})) {
            out.insert(out.end(), batch.begin(), batch.end());
        }
        return out;
    }

    void fail_with(const std::string& why) {
        monitor_.take(ProbeChannel::Network, {{last_, Outcome::Failure, why}});
        time_.advance(seconds(1));  // and it is asked again
    }

    void result(Outcome outcome,
                ProbeChannel way = ProbeChannel::Network,
                std::uint32_t number = 0) {
        const std::string text = outcome == Outcome::Success ? "" : "closed";
        monitor_.take(way, {{number == 0 ? last_ : number, outcome, text}});
    }

    HealthStatus status(const std::string& id) { return monitor_.snapshot()->at(id).status; }

    fakes::FakeTime time_;
    Throws throws_ = Throws::Nothing;
    std::uint32_t last_ = 0;
    std::int64_t last_pid_ = 0;
    std::map<std::uint32_t, probe::ProbeSpec> questions_;
    std::map<std::uint32_t, ExecProbe> commands_;
    std::vector<std::vector<std::uint32_t>> asked_, run_;
    std::vector<probe::wire::Keep> kept_;
    std::vector<Change> changes_;
    Monitor monitor_;
};

TEST_F(MonitorTest, TellsNoSecretOfTheApp) {
    manifests::AppSpec spec;
    spec.secrets.push_back({"secret/key", "key", "hunter2xyz", {}});
    Watched one = run("c1", with_readiness());
    one.spec = std::make_shared<const manifests::AppSpec>(spec);
    follow({one});
    monitor_.take(ProbeChannel::Network, {{last_, Outcome::Failure, "no /up?key=hunter2xyz"}});
    EXPECT_NE(status("c1").message.find("no /up?key=[secret]"), std::string::npos)
        << status("c1").message;
}

TEST_F(MonitorTest, GivesACommandTheSecretsThatAreNotTold) {
    manifests::Health health;
    health.readiness.emplace();
    health.readiness->kind = manifests::ProbeKind::Exec;
    Watched one = run("c1", health);
    one.spec = std::make_shared<const manifests::AppSpec>();
    follow({one});
    ASSERT_EQ(commands_.size(), 1U);
    EXPECT_EQ(commands_.begin()->second.spec, one.spec);
}

TEST_F(MonitorTest, AsksAtOnceAndLeavesItToTheProberOnceItIsWell) {
    follow({run("c1", with_readiness())});
    EXPECT_EQ(asked(), std::vector<std::uint32_t>{1});
    EXPECT_EQ(questions_.at(1).pid, 100);
    EXPECT_EQ(questions_.at(1).ports, std::vector<std::uint16_t>{80});
    result(Outcome::Success);
    ASSERT_EQ(kept_.size(), 1U);
    EXPECT_EQ(kept_[0].probe, 1U);
    EXPECT_EQ(kept_[0].first, seconds(10));
    EXPECT_EQ(kept_[0].period, seconds(10));
    EXPECT_EQ(time_.timers(), 0U) << "nothing wakes us while all is well";
    time_.advance(std::chrono::hours(1));
    EXPECT_TRUE(asked().empty());
}

TEST_F(MonitorTest, WhatThrowsWhileItIsGivenOutKeepsNobodyFromBeingAsked) {
    throws_ = Throws::Adding;
    follow({run("c1", with_readiness()), run("c2", with_readiness())});
    EXPECT_EQ(asked(), std::vector<std::uint32_t>{1}) << "the other one";
    time_.advance(seconds(2));
    EXPECT_EQ(asked(), std::vector<std::uint32_t>{2});
}

TEST_F(MonitorTest, AQuestionThatThrowsIsUnknownAndAskedAgain) {
    throws_ = Throws::Asking;
    follow({run("c1", with_readiness())});
    EXPECT_TRUE(asked().empty());
    time_.run_posted();
    EXPECT_EQ(status("c1").message, "readiness: internal error: std::bad_alloc");
    time_.advance(seconds(2));
    EXPECT_EQ(asked(), std::vector<std::uint32_t>{1});
    result(Outcome::Success);
    EXPECT_EQ(status("c1").readiness, Readiness::Ready);
}

TEST_F(MonitorTest, ACommandThatThrowsIsAskedAgain) {
    throws_ = Throws::Running;
    manifests::Probe command = tcp(seconds(5));
    command.kind = manifests::ProbeKind::Exec;
    follow({run("c1", with_readiness(command))});
    EXPECT_TRUE(run_.empty());
    time_.advance(seconds(6));
    EXPECT_EQ(run_.size(), 1U);
}

TEST_F(MonitorTest, WhatCannotBeLeftToTheProberIsAskedOn) {
    follow({run("c1", with_readiness())});
    EXPECT_EQ(asked(), std::vector<std::uint32_t>{1});
    throws_ = Throws::Keeping;
    result(Outcome::Success);
    EXPECT_TRUE(kept_.empty());
    time_.advance(seconds(11));
    EXPECT_EQ(asked(), std::vector<std::uint32_t>{1});
    result(Outcome::Success);
    EXPECT_EQ(kept_.size(), 1U);
}

TEST_F(MonitorTest, AnAnswerThatIsLostIsAskedForAgainAMinuteLater) {
    const Watched one = run("c1", with_readiness());
    follow({one});
    EXPECT_EQ(asked().size(), 1U);
    time_.advance(seconds(50));
    follow({one});
    EXPECT_TRUE(asked().empty());
    time_.advance(seconds(30));
    follow({one});
    EXPECT_EQ(asked(), std::vector<std::uint32_t>{1});
}

TEST_F(MonitorTest, WhatThrowsWhileAChangeIsToldCostsTheTellingAlone) {
    follow({run("c1", with_readiness())});
    throws_ = Throws::Telling;
    result(Outcome::Success);
    EXPECT_EQ(status("c1").readiness, Readiness::Ready);
    EXPECT_EQ(kept_.size(), 1U);
}

manifests::Health failing_at_once() {
    manifests::Probe probe = tcp(seconds(1));
    probe.failure_threshold = 1;
    return with_readiness(probe);
}

TEST_F(MonitorTest, TellsAnotherReasonOfOneThatStaysUnhealthy) {
    follow({run("c1", failing_at_once())});
    fail_with("port 80: connection refused");
    ASSERT_EQ(changes_.size(), 1U);
    time_.advance(std::chrono::minutes(2));
    fail_with("port 80: / answered 503");
    ASSERT_EQ(changes_.size(), 2U);
    EXPECT_EQ(changes_[1].after.message, "readiness: port 80: / answered 503");
    EXPECT_EQ(changes_[1].after.since, changes_[0].after.since) << "it is unhealthy since then";
    time_.advance(std::chrono::hours(2));
    fail_with("port 80: / answered 504");
    EXPECT_EQ(changes_.size(), 2U) << "only a figure is another";
    EXPECT_EQ(status("c1").message, "readiness: port 80: / answered 504");
}

TEST_F(MonitorTest, TellsReasonsThatComeAndGoMoreAndMoreRarely) {
    follow({run("c1", failing_at_once())});
    fail_with("a");
    for (int i = 0; i < 55; ++i) {
        fail_with(i % 2 == 0 ? "b" : "c");
    }
    EXPECT_EQ(changes_.size(), 1U) << "not within a minute";
    for (int i = 0; i < 3600; ++i) {
        fail_with(i % 2 == 0 ? "b" : "c");
    }
    EXPECT_GE(changes_.size(), 5U);
    EXPECT_LE(changes_.size(), 7U) << "1, 2, 4, 8 … minutes";
    result(Outcome::Success);
    const std::size_t reported = changes_.size();
    fail_with("d");
    EXPECT_EQ(changes_.size(), reported + 1) << "it is unhealthy anew";
    time_.advance(std::chrono::minutes(1));
    fail_with("e");
    EXPECT_EQ(changes_.size(), reported + 2) << "a minute again";
}

TEST_F(MonitorTest, TakesNoReasonFromThoseWhoCannotAsk) {
    follow({run("c1", failing_at_once())});
    fail_with("port 80: connection refused");
    time_.advance(std::chrono::minutes(2));
    monitor_.take(ProbeChannel::Network, {{last_, Outcome::Unknown, "the prober hangs"}});
    EXPECT_EQ(changes_.size(), 1U);
}

TEST_F(MonitorTest, TakesTheAskingBackWithTheFirstFailureUntilItIsWellAgain) {
    follow({run("c1", with_readiness())});
    result(Outcome::Success);
    asked();
    time_.advance(std::chrono::hours(1));
    result(Outcome::Failure);
    EXPECT_EQ(status("c1").readiness, Readiness::Ready) << "one failure takes nobody down";
    time_.advance(milliseconds(9'900));
    EXPECT_TRUE(asked().empty());
    time_.advance(milliseconds(200));
    EXPECT_EQ(asked(), std::vector<std::uint32_t>{1});
    EXPECT_EQ(kept_.size(), 1U);
    result(Outcome::Success);
    EXPECT_EQ(kept_.size(), 2U);
    EXPECT_EQ(time_.timers(), 0U);
}

TEST_F(MonitorTest, AsManySuccessesAsItTakesAreAskedForHere) {
    manifests::Probe probe = tcp(seconds(1));
    probe.success_threshold = 3;
    follow({run("c1", with_readiness(probe))});
    for (int i = 0; i < 2; ++i) {
        result(Outcome::Success);
        EXPECT_TRUE(kept_.empty());
        time_.advance(milliseconds(1'100));
    }
    result(Outcome::Success);
    EXPECT_EQ(kept_.size(), 1U);
    EXPECT_EQ(status("c1").readiness, Readiness::Ready);
}

TEST_F(MonitorTest, TellsWhatChangesAndOnlyThat) {
    follow({run("c1", with_readiness())});
    EXPECT_EQ(status("c1").readiness, Readiness::NotReady);
    EXPECT_TRUE(changes_.empty());
    result(Outcome::Success);
    ASSERT_EQ(changes_.size(), 1U);
    EXPECT_EQ(changes_[0].of.name, "shop-c1");
    EXPECT_EQ(changes_[0].after.readiness, Readiness::Ready);
    EXPECT_EQ(status("c1").readiness, Readiness::Ready);
    const WallTime since = status("c1").since;
    for (int i = 0; i < 2; ++i) {
        time_.advance(seconds(11));
        result(Outcome::Failure);
    }
    EXPECT_EQ(changes_.size(), 1U);
    EXPECT_EQ(status("c1").since, since);
    time_.advance(seconds(11));
    result(Outcome::Failure);
    ASSERT_EQ(changes_.size(), 2U);
    EXPECT_TRUE(changes_[1].after.failing);
    EXPECT_EQ(status("c1").since, time_.system_now());
    EXPECT_EQ(status("c1").message, "readiness: closed");
}

TEST_F(MonitorTest, HundredsAreAskedInFewWakeUps) {
    std::vector<Watched> runs;
    for (int i = 0; i < 500; ++i) {
        runs.push_back(
            run("c" + std::to_string(i), with_readiness(tcp(seconds(1))), milliseconds(2 * i)));
    }
    follow(runs);
    std::size_t replied = 0, batches = 0;
    const auto let_pass = [&](int milliseconds_long) {
        for (int wake = 0; wake < milliseconds_long; ++wake) {
            batches += asked_.size();
            for (const std::uint32_t number : asked()) {
                result(Outcome::Failure, ProbeChannel::Network, number);
                ++replied;
            }
            time_.advance(milliseconds(1));
        }
    };
    let_pass(2'000);
    EXPECT_GE(replied, 1'000U);
    EXPECT_LE(replied, 1'500U);
    batches = 0;
    let_pass(1'000);
    EXPECT_LE(batches, 11U) << "one in 100 ms";
}

TEST_F(MonitorTest, ARunThatGoesOnKeepsItsHealth) {
    const Watched one = run("c1", with_readiness());
    follow({one});
    result(Outcome::Success);
    follow({one});
    EXPECT_EQ(status("c1").readiness, Readiness::Ready);
    EXPECT_EQ(asked(), std::vector<std::uint32_t>{1});
    EXPECT_EQ(questions_.size(), 1U);
}

TEST_F(MonitorTest, ANewRunBeginsAnew) {
    follow({run("c1", with_readiness())});
    result(Outcome::Success);
    follow({run("c1", with_readiness())});
    EXPECT_EQ(status("c1").readiness, Readiness::NotReady);
    EXPECT_EQ(questions_.size(), 1U) << "the old question is forgotten";
    EXPECT_EQ(monitor_.snapshot()->at("c1").pid, 101);
}

TEST_F(MonitorTest, OtherProbesAreAskedOfTheRunningOneAndTakeNobodyDown) {
    Watched one = run("c1", with_readiness(), seconds(60));
    follow({one});
    result(Outcome::Success);
    manifests::Probe other = tcp();
    other.ports = {81};
    one.health = std::make_shared<const manifests::Health>(with_readiness(other));
    follow({one});
    EXPECT_EQ(status("c1").readiness, Readiness::Unknown);
    EXPECT_EQ(questions_.begin()->second.ports, std::vector<std::uint16_t>{81});
}

TEST_F(MonitorTest, AnEndedRunIsNotAskedAnyMore) {
    follow({run("c1", with_readiness())});
    asked();
    follow({});
    EXPECT_TRUE(monitor_.snapshot()->empty());
    EXPECT_TRUE(questions_.empty());
    result(Outcome::Success, ProbeChannel::Network, 1);  // on its way when it ended
    time_.advance(seconds(60));
    EXPECT_TRUE(asked().empty());
    EXPECT_EQ(time_.timers(), 0U);
}

TEST_F(MonitorTest, WithoutProbesAContainerIsReadyAfterASecond) {
    follow({run("c1", {})});
    EXPECT_EQ(status("c1").readiness, Readiness::NotReady);
    time_.advance(milliseconds(1'100));
    EXPECT_EQ(status("c1").readiness, Readiness::Ready);
    EXPECT_EQ(changes_.size(), 1U);
    EXPECT_EQ(time_.timers(), 0U) << "nothing is left to look at";
}

TEST_F(MonitorTest, CommandsGoAnotherWay) {
    manifests::Health health;
    health.liveness = tcp();
    health.liveness->kind = manifests::ProbeKind::Exec;
    health.liveness->command = {"check"};
    health.liveness->failure_threshold = 1;
    follow({run("c1", health)});
    EXPECT_TRUE(asked().empty());
    ASSERT_EQ(run_.size(), 1U);
    EXPECT_EQ(commands_.at(1).container, "c1");
    EXPECT_EQ(commands_.at(1).command, std::vector<std::string>{"check"});
    EXPECT_EQ(commands_.at(1).app, "shop") << "which has a share of those that run at once";
    result(Outcome::Failure, ProbeChannel::Network, 1);
    EXPECT_FALSE(status("c1").restart) << "the numbers of the two ways are not the same";
    result(Outcome::Failure, ProbeChannel::Exec, 1);
    EXPECT_TRUE(status("c1").restart);
    EXPECT_EQ(status("c1").message, "liveness: closed");
}

TEST_F(MonitorTest, AProberThatIsAwayTakesNobodyDown) {
    follow({run("c1", with_readiness(tcp(seconds(1))))});
    result(Outcome::Success);
    for (int i = 0; i < 100; ++i) {
        time_.advance(seconds(1));
        result(Outcome::Unknown);
    }
    EXPECT_EQ(status("c1").readiness, Readiness::Ready);
}

}  // namespace
}  // namespace podreeve::health
