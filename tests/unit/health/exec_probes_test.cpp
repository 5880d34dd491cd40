#include "agent/health/exec_probes.h"

#include <algorithm>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/fakes/fake_podman/fake_podman.h"
#include "tests/fakes/fake_time.h"

namespace podreeve::health {
namespace {

using probe::Outcome;
using probe::ProbeResult;

class ExecProbesTest : public testing::Test {
  protected:
    ExecProbesTest()
        : id_(podman_.create_behind_back({{"name", "web"},
                                          {"image", "localhost/busybox:latest"},
                                          {"command", {"sleep", "9"}}})) {}

    ProbeResult run(std::vector<std::string> command,
                    std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
        return run_exec_probe(client_, {id_, std::move(command), timeout}, {});
    }

    std::size_t removals() const {
        std::size_t count = 0;
        for (const std::string& request : podman_.mutations()) {
            count += request.ends_with("/remove") ? 1 : 0;
        }
        return count;
    }

    fakes::FakePodman podman_;
    std::string id_;
    podman::Client client_{podman_.socket_path()};
};

TEST_F(ExecProbesTest, GoByTheExitCodeAndTheFirstLine) {
    EXPECT_EQ(run({"true"}), (ProbeResult{0, Outcome::Success, ""}));
    EXPECT_EQ(run({"false"}), (ProbeResult{0, Outcome::Failure, "exit code 1"}));
    EXPECT_EQ(run({"sh", "-c", "echo no such table; echo more; exit 3"}),
              (ProbeResult{0, Outcome::Failure, "exit code 3: no such table"}));
    EXPECT_EQ(run({"nonexistent"}).outcome, Outcome::Failure);
    EXPECT_EQ(removals(), 4U) << "nothing of a session is left";
}

TEST_F(ExecProbesTest, ShowWhatACommandPrintsThatIsNoText) {
    podman_.set_program("printer", {.output = {{1, "\xFF\x1B[2J"}}, .exits = 1});
    EXPECT_EQ(run({"printer"}), (ProbeResult{0, Outcome::Failure, R"(exit code 1: \xff\x1b[2J)"}));
    const std::string line = std::string(119, 'x') + "é is cut here";
    EXPECT_EQ(run({"sh", "-c", "echo " + line + "; exit 1"}),
              (ProbeResult{0, Outcome::Failure, "exit code 1: " + std::string(119, 'x')}));
}

TEST_F(ExecProbesTest, TellNoSecretOfTheAppNorTheBeginningOfOneThatIsCut) {
    manifests::AppSpec spec;
    spec.secrets.push_back({"secret/key", "key", "hunter2xyz\n", {}});
    const auto app = std::make_shared<const manifests::AppSpec>(spec);
    const auto told = [&](const std::string& line) {
        podman_.set_program("printer", {.output = {{2, line + "\n"}}, .exits = 127});
        return run_exec_probe(client_, {id_, {"printer"}, std::chrono::seconds(10), "web", app}, {})
            .text;
    };
    EXPECT_EQ(told("crun: executable file 'nope-hunter2xyz' not found"),
              "exit code 127: crun: executable file 'nope-[secret]' not found");
    const std::string filler(115, 'x');
    EXPECT_EQ(told(filler + "hunter2xyz"), "exit code 127: " + filler + "[secr");
}

TEST_F(ExecProbesTest, TellNoSecretOfTheAppInWhatPodmanSays) {
    manifests::AppSpec spec;
    spec.secrets.push_back({"secret/key", "key", "hunter2xyz", {}});
    podman_.fail_next("POST", "exec/.*/start", 500, "cannot run hunter2xyz");
    const ProbeResult result = run_exec_probe(client_,
                                              {id_,
                                               {"true"},
                                               std::chrono::seconds(10),
                                               "web",
                                               std::make_shared<const manifests::AppSpec>(spec)},
                                              {});
    EXPECT_EQ(result.outcome, Outcome::Unknown);
    EXPECT_NE(result.text.find("cannot run [secret]"), std::string::npos) << result.text;
}

TEST_F(ExecProbesTest, ACommandThatTakesTooLongFailsAndIsEnded) {
    EXPECT_EQ(run({"sleep", "100"}, std::chrono::milliseconds(50)),
              (ProbeResult{0, Outcome::Failure, "has not ended within 50ms"}));
    EXPECT_EQ(removals(), 1U);
}

TEST_F(ExecProbesTest, WhatPodmanCannotDoIsUnknown) {
    podman_.kill_process("web");
    EXPECT_EQ(run({"true"}).outcome, Outcome::Unknown);
    podman_.refuse(true);
    EXPECT_EQ(run({"true"}).outcome, Outcome::Unknown);
}

// A loop that has no memory for the next timer.
class PoorLoop final : public Scheduler {
  public:
    explicit PoorLoop(fakes::FakeTime& time) : time_(time) {}

    TimerHandle after(Duration delay, std::function<void()> fn) override {
        if (std::exchange(poor, false)) {
            throw std::bad_alloc();
        }
        return time_.after(delay, std::move(fn));
    }

    void post(std::function<void()> fn) override { time_.post(std::move(fn)); }

    bool poor = true;

  private:
    fakes::FakeTime& time_;
};

TEST_F(ExecProbesTest, OneThatCannotBeBegunIsUnknownAndCanBeAskedAgain) {
    fakes::FakeTime time;
    PoorLoop loop(time);
    std::vector<ProbeResult> results;
    ExecProbes probes(client_, loop,
                      [&](const std::vector<ProbeResult>& some) { results.push_back(some.at(0)); });
    const std::uint32_t number = probes.add({id_, {"true"}, std::chrono::seconds(10)});
    ASSERT_NO_THROW(probes.ask({number}));
    time.run_posted();
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0],
              (ProbeResult{number, Outcome::Unknown, "cannot run a command: std::bad_alloc"}));
    probes.ask({number});
    while (results.size() < 2) {
        time.run_posted();
        std::this_thread::yield();
    }
    EXPECT_EQ(results[1], (ProbeResult{number, Outcome::Success, ""}));
    EXPECT_TRUE(probes.idle());
}

TEST_F(ExecProbesTest, AreAskedBesideTheLoopAndAnswerOnIt) {
    fakes::FakeTime time;
    std::vector<ProbeResult> results;
    ExecProbes probes(client_, time,
                      [&](const std::vector<ProbeResult>& some) { results.push_back(some.at(0)); });
    const std::uint32_t good = probes.add({id_, {"true"}, std::chrono::seconds(10)});
    const std::uint32_t bad = probes.add({id_, {"false"}, std::chrono::seconds(10)});
    const std::uint32_t gone = probes.add({id_, {"true"}, std::chrono::seconds(10)});
    probes.ask({gone, good, bad});
    probes.remove(gone);
    const SteadyTime end = SystemClock().steady_now() + std::chrono::seconds(20);
    while (results.size() < 2 && SystemClock().steady_now() < end) {
        time.run_posted();
        std::this_thread::yield();
    }
    std::sort(results.begin(), results.end(),
              [](const ProbeResult& a, const ProbeResult& b) { return a.probe < b.probe; });
    EXPECT_EQ(results, (std::vector<ProbeResult>{{good, Outcome::Success, ""},
                                                 {bad, Outcome::Failure, "exit code 1"}}));
}

// Commands of several apps, on a clock that is turned by hand.
class ExecShares : public ExecProbesTest {
  protected:
    std::uint32_t ask(const std::string& app, std::vector<std::string> command) {
        return ask_in(id_, app, std::move(command));
    }

    std::uint32_t ask_in(const std::string& container,
                         const std::string& app,
                         std::vector<std::string> command) {
        const std::uint32_t number =
            probes_->add({container, std::move(command), std::chrono::hours(1), app});
        probes_->ask({number});
        return number;
    }

    // Until those that were asked have all begun, and hang.
    void let_hang(int commands) {
        for (int begun = 0; begun < commands; begun += 3) {
            time_.run_posted();
            time_.advance(std::chrono::seconds(2));
        }
    }

    // Of those that have been answered, once there are so many.
    std::vector<std::uint32_t> replied(std::size_t count) {
        const SteadyTime end = SystemClock().steady_now() + std::chrono::seconds(20);
        while (results_.size() < count && SystemClock().steady_now() < end) {
            time_.run_posted();
            std::this_thread::yield();
        }
        return results_;
    }

    fakes::FakeTime time_;
    std::vector<std::uint32_t> results_;
    std::vector<ProbeResult> others_;
    std::unique_ptr<ExecProbes> probes_ =
        std::make_unique<ExecProbes>(client_, time_, [this](const std::vector<ProbeResult>& some) {
            if (some.at(0).outcome == Outcome::Success) {
                results_.push_back(some.at(0).probe);
            } else {
                others_.push_back(some.at(0));
            }
        });
};

TEST_F(ExecShares, AnAppWhoseCommandsHangKeepsNoOtherWaiting) {
    for (int i = 0; i < 10; ++i) {
        ask("bad", {"sleep", "10000"});
    }
    std::vector<std::uint32_t> good;
    for (int i = 0; i < 5; ++i) {
        good.push_back(ask("good", {"true"}));
    }
    std::vector<std::uint32_t> reported = replied(5);
    std::sort(reported.begin(), reported.end());
    EXPECT_EQ(reported, good);
}

TEST_F(ExecShares, CommandsOfManyAppsThatHangCountForAMomentOnly) {
    for (const char* app : {"a", "b", "c", "d", "e", "f", "g"}) {
        ask(app, {"sleep", "10000"});
        ask(app, {"sleep", "10000"});
    }
    const std::uint32_t good = ask("good", {"true"});
    for (int i = 0; i < 4; ++i) {
        time_.run_posted();
        EXPECT_TRUE(results_.empty()) << "three at once";
        time_.advance(std::chrono::seconds(2));
    }
    EXPECT_EQ(replied(1), std::vector<std::uint32_t>{good});
    EXPECT_TRUE(others_.empty());
}

TEST_F(ExecShares, OfMoreCommandsThatHangThanThereIsRoomForOneMakesWayForAnotherApp) {
    std::vector<std::uint32_t> hanging;
    for (int app = 0; app < 32; ++app) {
        hanging.push_back(ask("app" + std::to_string(app), {"sleep", "10000"}));
        hanging.push_back(ask("app" + std::to_string(app), {"sleep", "10000"}));
    }
    let_hang(64);
    ask("app7", {"true"});  // it has its share
    const std::uint32_t good = ask("good", {"true"});
    EXPECT_EQ(replied(1), std::vector<std::uint32_t>{good});
    EXPECT_EQ(
        others_,
        (std::vector<ProbeResult>{{hanging.front(), Outcome::Unknown,
                                   "its command has not ended, and made way for another app's"}}))
        << "the one that has run for longest, and no more";
}

TEST_F(ExecShares, CommandsThatHungLastTimeHaveOnePlaceOfThree) {
    std::vector<std::uint32_t> hanging;
    for (const std::string app : {"a", "b", "c"}) {
        const std::string container = podman_.create_behind_back(
            {{"name", app}, {"image", "localhost/busybox:latest"}, {"command", {"sleep", "9"}}});
        hanging.push_back(ask_in(container, app, {"sleep", "10000"}));
    }
    let_hang(3);
    for (const char* app : {"a", "b", "c"}) {
        podman_.kill_process(app);
    }
    const SteadyTime end = SystemClock().steady_now() + std::chrono::seconds(20);
    while (others_.size() < 3 && SystemClock().steady_now() < end) {
        time_.run_posted();
        std::this_thread::yield();
    }
    ASSERT_EQ(others_.size(), 3U);
    for (const char* app : {"a", "b", "c"}) {
        podman_.start_behind_back(app);
    }
    probes_->ask(hanging);
    const std::uint32_t good = ask("good", {"true"});
    EXPECT_EQ(replied(1), std::vector<std::uint32_t>{good}) << "no time has gone by";
}

TEST_F(ExecShares, OneThatKeepsHangingLeavesItsPlaceEmptyForASecond) {
    const std::uint32_t number =
        probes_->add({id_, {"sleep", "10000"}, std::chrono::milliseconds(50), "bad"});
    const SteadyTime end = SystemClock().steady_now() + std::chrono::seconds(20);
    for (std::size_t times = 1; times <= 4; ++times) {
        probes_->ask({number});
        EXPECT_FALSE(probes_->idle()) << "begun at once, the " << times << ". time";
        while (others_.size() < times && SystemClock().steady_now() < end) {
            time_.run_posted();
            std::this_thread::yield();
        }
        ASSERT_EQ(others_.size(), times);
        if (times >= 3) {
            probes_->ask({number});
            EXPECT_TRUE(probes_->idle()) << "after the " << times << ". time";
            const std::uint32_t good = ask("good", {"true"});
            EXPECT_EQ(replied(times - 2).back(), good) << "others do not wait";
            time_.advance(std::chrono::seconds(1));
        }
    }
}

TEST_F(ExecShares, ACommandOfAContainerThatIsForgottenIsEnded) {
    const std::uint32_t first = ask("app", {"sleep", "10000"});
    const std::uint32_t second = ask("app", {"sleep", "10000"});
    const std::uint32_t third = ask("app", {"true"});
    probes_->remove(first);
    probes_->remove(second);
    EXPECT_EQ(replied(1), std::vector<std::uint32_t>{third});
}

}  // namespace
}  // namespace podreeve::health
