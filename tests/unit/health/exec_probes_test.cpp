#include "agent/health/exec_probes.h"

#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/fakes/fake_podman/fake_podman.h"
#include "tests/fakes/fake_time.h"

namespace podreeve::health {
namespace {

using probe::Answer;
using probe::Outcome;

class ExecProbesTest : public testing::Test {
  protected:
    ExecProbesTest()
        : id_(podman_.create_behind_back({{"name", "web"},
                                          {"image", "localhost/busybox:latest"},
                                          {"command", {"sleep", "9"}}})) {}

    Answer run(std::vector<std::string> command,
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
    EXPECT_EQ(run({"true"}), (Answer{0, Outcome::Success, ""}));
    EXPECT_EQ(run({"false"}), (Answer{0, Outcome::Failure, "exit code 1"}));
    EXPECT_EQ(run({"sh", "-c", "echo no such table; echo more; exit 3"}),
              (Answer{0, Outcome::Failure, "exit code 3: no such table"}));
    EXPECT_EQ(run({"nonexistent"}).outcome, Outcome::Failure);
    EXPECT_EQ(removals(), 4U) << "nothing of a session is left";
}

TEST_F(ExecProbesTest, ShowWhatACommandPrintsThatIsNoText) {
    podman_.set_program("printer", {.output = {{1, "\xFF\x1B[2J"}}, .exits = 1});
    EXPECT_EQ(run({"printer"}), (Answer{0, Outcome::Failure, R"(exit code 1: \xff\x1b[2J)"}));
    const std::string line = std::string(119, 'x') + "é is cut here";
    EXPECT_EQ(run({"sh", "-c", "echo " + line + "; exit 1"}),
              (Answer{0, Outcome::Failure, "exit code 1: " + std::string(119, 'x')}));
}

TEST_F(ExecProbesTest, ACommandThatTakesTooLongFailsAndIsEnded) {
    EXPECT_EQ(run({"sleep", "100"}, std::chrono::milliseconds(50)),
              (Answer{0, Outcome::Failure, "has not ended within 50ms"}));
    EXPECT_EQ(removals(), 1U);
}

TEST_F(ExecProbesTest, WhatPodmanCannotDoIsUnknown) {
    podman_.kill_process("web");
    EXPECT_EQ(run({"true"}).outcome, Outcome::Unknown);
    podman_.refuse(true);
    EXPECT_EQ(run({"true"}).outcome, Outcome::Unknown);
}

TEST_F(ExecProbesTest, AreAskedBesideTheLoopAndAnswerOnIt) {
    fakes::FakeTime time;
    std::vector<Answer> answers;
    ExecProbes probes(client_, time,
                      [&](const std::vector<Answer>& some) { answers.push_back(some.at(0)); });
    const std::uint32_t good = probes.add({id_, {"true"}, std::chrono::seconds(10)});
    const std::uint32_t bad = probes.add({id_, {"false"}, std::chrono::seconds(10)});
    const std::uint32_t gone = probes.add({id_, {"true"}, std::chrono::seconds(10)});
    probes.ask({gone, good, bad});
    probes.remove(gone);
    const SteadyTime end = SystemClock().steady_now() + std::chrono::seconds(20);
    while (answers.size() < 2 && SystemClock().steady_now() < end) {
        time.run_posted();
        std::this_thread::yield();
    }
    std::sort(answers.begin(), answers.end(),
              [](const Answer& a, const Answer& b) { return a.question < b.question; });
    EXPECT_EQ(answers, (std::vector<Answer>{{good, Outcome::Success, ""},
                                            {bad, Outcome::Failure, "exit code 1"}}));
}

}  // namespace
}  // namespace podreeve::health
