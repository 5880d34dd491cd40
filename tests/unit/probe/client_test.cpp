#include "runtime/probe/client.h"

#include <algorithm>
#include <arpa/inet.h>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/base/unique_fd.h"
#include "tests/fakes/fake_time.h"

namespace podreeve::probe {
namespace {

// A port that takes connections and says nothing.
class OpenPort {
  public:
    OpenPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        auto* bytes = reinterpret_cast<sockaddr*>(&address);
        EXPECT_EQ(::bind(fd_.get(), bytes, size), 0);
        EXPECT_EQ(::listen(fd_.get(), 16), 0);
        EXPECT_EQ(::getsockname(fd_.get(), bytes, &size), 0);
        port_ = ntohs(address.sin_port);
    }

    std::uint16_t port() const { return port_; }

  private:
    UniqueFd fd_;
    std::uint16_t port_ = 0;
};

class ClientTest : public testing::Test {
  protected:
    void open(const std::string& program = PODREEVE_PROBE_PROGRAM) {
        client_ = std::make_unique<ProberClient>(
            program, time_, time_, [this](const std::vector<ProbeResult>& results) {
                results_.insert(results_.end(), results.begin(), results.end());
            });
    }

    ProbeSpec probe(Protocol kind = Protocol::Tcp) const {
        ProbeSpec out;
        out.kind = kind;
        out.pid = ::getpid();
        out.ports = {port_.port()};
        out.path = "/";
        out.timeout = std::chrono::minutes(1);
        return out;
    }

    // Runs what other threads post until so many answers are there.
    std::vector<ProbeResult> wait_for(std::size_t count) {
        const SteadyTime end = SystemClock().steady_now() + std::chrono::seconds(20);
        while (results_.size() < count && SystemClock().steady_now() < end) {
            time_.run_posted();
            std::this_thread::yield();
        }
        EXPECT_EQ(results_.size(), count);
        return std::exchange(results_, {});
    }

    OpenPort port_;
    fakes::FakeTime time_;
    std::vector<ProbeResult> results_;
    std::unique_ptr<ProberClient> client_;
};

TEST_F(ClientTest, HasQuestionsAsked) {
    open();
    const std::uint32_t one = client_->add(probe());
    const std::uint32_t two = client_->add(probe());
    EXPECT_NE(one, two);
    EXPECT_EQ(client_->prober(), 0) << "nobody has asked yet";
    client_->ask({one, two, one});
    std::vector<ProbeResult> results = wait_for(2);
    for (const ProbeResult& result : results) {
        EXPECT_EQ(result.outcome, Outcome::Success) << result.text;
    }
    client_->ask({two});
    EXPECT_EQ(wait_for(1), (std::vector<ProbeResult>{{two, Outcome::Success, ""}}));
}

TEST_F(ClientTest, AnswersUnknownWhenThereIsNoProgram) {
    open("/nonexistent/probe");
    const std::uint32_t number = client_->add(probe());
    client_->ask({number});
    const std::vector<ProbeResult> results = wait_for(1);
    EXPECT_EQ(results[0].outcome, Outcome::Unknown);
    EXPECT_EQ(results[0].text, "cannot run /nonexistent/probe: No such file or directory");
}

TEST_F(ClientTest, StartsAnotherProberWhenOneDies) {
    open();
    const std::uint32_t hanging = client_->add(probe(Protocol::Http));
    client_->ask({hanging});
    const pid_t first = client_->prober();
    ASSERT_GT(first, 0);
    ::kill(first, SIGKILL);
    EXPECT_EQ(wait_for(1)[0],
              (ProbeResult{hanging, Outcome::Unknown, "cannot ask: the prober has ended"}));
    const std::uint32_t open_port = client_->add(probe());
    client_->ask({open_port});
    EXPECT_EQ(wait_for(1)[0].outcome, Outcome::Unknown) << "too soon for another";
    EXPECT_EQ(client_->prober(), 0);
    time_.advance(std::chrono::seconds(1));
    client_->ask({open_port});
    EXPECT_EQ(wait_for(1)[0], (ProbeResult{open_port, Outcome::Success, ""}));
    EXPECT_NE(client_->prober(), first);
}

TEST_F(ClientTest, KillsAProberThatHangs) {
    open();
    const std::uint32_t number = client_->add(probe());
    client_->ask({number});
    wait_for(1);
    const pid_t first = client_->prober();
    ::kill(first, SIGSTOP);
    client_->ask({number});
    time_.advance(std::chrono::seconds(80));
    EXPECT_EQ(wait_for(1)[0],
              (ProbeResult{number, Outcome::Unknown, "cannot ask: the prober hangs"}));
    EXPECT_EQ(::kill(first, 0), -1) << "it is dead and reaped";
}

TEST_F(ClientTest, WhatIsKeptIsToldWhenItFailsAndNotBefore) {
    open();
    auto closing = std::make_unique<OpenPort>();
    ProbeSpec what = probe();
    what.ports = {closing->port()};
    const std::uint32_t kept = client_->add(what);
    const std::uint32_t other = client_->add(probe());
    client_->keep({{kept, std::chrono::milliseconds(0), std::chrono::milliseconds(100)}});
    for (int i = 0; i < 3; ++i) {
        client_->ask({other});
        EXPECT_EQ(wait_for(1)[0].probe, other);
    }
    closing.reset();
    EXPECT_EQ(wait_for(1)[0].probe, kept);
    client_->ask({kept});
    EXPECT_EQ(wait_for(1)[0].outcome, Outcome::Failure);
}

TEST_F(ClientTest, WhatIsKeptIsUnknownWhenTheProberDiesOrHangs) {
    open();
    const std::uint32_t number = client_->add(probe());
    client_->keep({{number, std::chrono::seconds(1), std::chrono::seconds(1)}});
    ::kill(client_->prober(), SIGKILL);
    EXPECT_EQ(wait_for(1)[0],
              (ProbeResult{number, Outcome::Unknown, "cannot ask: the prober has ended"}));
    time_.advance(std::chrono::seconds(2));
    client_->keep({{number, std::chrono::seconds(1), std::chrono::seconds(1)}});
    ::kill(client_->prober(), SIGSTOP);
    time_.advance(std::chrono::seconds(40));
    EXPECT_EQ(wait_for(1)[0],
              (ProbeResult{number, Outcome::Unknown, "cannot ask: the prober hangs"}));
}

TEST_F(ClientTest, AQuestionThatIsRemovedIsNotAnswered) {
    open();
    const std::uint32_t hanging = client_->add(probe(Protocol::Http));
    const std::uint32_t other = client_->add(probe());
    client_->ask({hanging});
    client_->remove(hanging);
    client_->ask({hanging, other});
    EXPECT_EQ(wait_for(1)[0].probe, other);
}

TEST_F(ClientTest, LeavesNoProberBehind) {
    open();
    client_->ask({client_->add(probe())});
    wait_for(1);
    const pid_t pid = client_->prober();
    client_.reset();
    EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(ClientTest, AQuestionThatIsTooLongIsUnknownAlone) {
    open();
    ProbeSpec what = probe();
    what.service = std::string(70'000, 'x');
    const std::uint32_t too_long = client_->add(what);
    const std::uint32_t other = client_->add(probe());
    client_->ask({other});
    wait_for(1);
    const pid_t prober = client_->prober();
    client_->ask({too_long, other});
    std::vector<ProbeResult> results = wait_for(2);
    std::sort(results.begin(), results.end(),
              [](const ProbeResult& a, const ProbeResult& b) { return a.probe < b.probe; });
    EXPECT_EQ(results[0], (ProbeResult{too_long, Outcome::Unknown,
                                       "cannot ask: the probe is longer than the prober takes"}));
    EXPECT_EQ(results[1], (ProbeResult{other, Outcome::Success, ""}));
    client_->keep({{too_long, std::chrono::seconds(1), std::chrono::seconds(1)}});
    client_->ask({other});
    wait_for(1);
    EXPECT_EQ(client_->prober(), prober) << "it goes on";
}

TEST_F(ClientTest, ALongQuestionIsAskedAsAnyOther) {
    open();
    ProbeSpec what = probe();
    what.headers = {{"X-Long", std::string(48 * 1024, 'x')}};
    const std::uint32_t number = client_->add(what);
    client_->ask({number});
    EXPECT_EQ(wait_for(1), (std::vector<ProbeResult>{{number, Outcome::Success, ""}}));
}

// What stops the prober is found out, and only that is left out.
TEST_F(ClientTest, AQuestionOverWhichTheProberHangsTwiceIsAskedNoMore) {
    open();
    const std::uint32_t evil = client_->add(probe(Protocol::Http));
    const std::uint32_t slow = client_->add(probe(Protocol::Http));
    const std::uint32_t good = client_->add(probe());
    const auto hang = [&](std::size_t results) {
        ::kill(client_->prober(), SIGSTOP);
        time_.advance(std::chrono::seconds(80));
        return wait_for(results);
    };
    client_->ask({evil, slow});
    hang(2);
    client_->ask({good, evil, slow});  // slow waits until it is known what becomes of evil
    EXPECT_EQ(wait_for(1), (std::vector<ProbeResult>{{good, Outcome::Success, ""}}));
    hang(2);
    client_->ask({evil});
    const ProbeResult reported = wait_for(1)[0];
    EXPECT_EQ(reported.outcome, Outcome::Unknown);
    EXPECT_NE(reported.text.find("asked no more until the manifest changes"), std::string::npos);
    client_->ask({slow, good});
    EXPECT_EQ(wait_for(1), (std::vector<ProbeResult>{{good, Outcome::Success, ""}}))
        << "slow is being asked, and its server says nothing";
    client_->remove(evil);
    client_->remove(slow);
    const std::uint32_t recreated = client_->add(probe());
    client_->ask({recreated});
    EXPECT_EQ(wait_for(1)[0].outcome, Outcome::Success) << "another manifest, another question";
}

TEST_F(ClientTest, SuspectsAreAskedOneAfterTheOtherAndClearedByTheirAnswers) {
    open();
    std::vector<std::uint32_t> all;
    for (int i = 0; i < 5; ++i) {
        all.push_back(client_->add(probe()));
    }
    client_->ask(all);
    wait_for(5);
    client_->keep({{all[0], std::chrono::seconds(100), std::chrono::seconds(100)}});
    ::kill(client_->prober(), SIGSTOP);
    client_->ask(all);
    time_.advance(std::chrono::seconds(80));
    for (const ProbeResult& result : wait_for(5)) {
        EXPECT_EQ(result.outcome, Outcome::Unknown);
    }
    client_->ask(all);
    for (const ProbeResult& result : wait_for(5)) {
        EXPECT_EQ(result.outcome, Outcome::Success) << result.text;
    }
}

// As a bug in a parser would.
TEST_F(ClientTest, AQuestionOverWhichTheProberCrashesTwiceIsAskedNoMore) {
    open();
    const std::uint32_t evil = client_->add(probe(Protocol::Http));
    for (int i = 0; i < 2; ++i) {
        client_->ask({evil});
        ::kill(client_->prober(), SIGABRT);
        EXPECT_EQ(wait_for(1)[0].text, "cannot ask: the prober has crashed");
        time_.advance(std::chrono::seconds(10));
    }
    client_->ask({evil});
    EXPECT_NE(wait_for(1)[0].text.find("asked no more"), std::string::npos);
    EXPECT_EQ(client_->prober(), 0);
}

// A shell script in the prober's place: its end of the socket is descriptor 0.
class OtherProgram {
  public:
    explicit OtherProgram(const std::string& script)
        : path_(::testing::TempDir() + "podreeve-other-probe-" + std::to_string(::getpid())) {
        std::ofstream(path_) << "#!/bin/sh\n" << script;
        std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
    }

    OtherProgram(const OtherProgram&) = delete;
    OtherProgram& operator=(const OtherProgram&) = delete;

    ~OtherProgram() { std::filesystem::remove(path_); }

    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

TEST_F(ClientTest, AProberOfAnotherVersionIsEndedAndTriedAgainSeldom) {
    const OtherProgram other("printf '\\203' >&0\nread line <&0\n");
    open(other.path());
    const std::uint32_t number = client_->add(probe());
    client_->ask({number});
    const ProbeResult reported = wait_for(1)[0];
    EXPECT_EQ(reported.outcome, Outcome::Unknown);
    EXPECT_EQ(reported.text,
              "cannot ask: podreeve-probe speaks version 3 and this program version 2, of another "
              "build of podreeve: restart the agent");
    EXPECT_EQ(client_->prober(), 0);
    time_.advance(std::chrono::seconds(29));
    client_->ask({number});
    EXPECT_EQ(wait_for(1)[0].text, reported.text) << "why it is not asked";
    EXPECT_EQ(client_->prober(), 0);
    time_.advance(std::chrono::seconds(1));
    client_->ask({number});
    EXPECT_NE(client_->prober(), 0);
    wait_for(1);
}

TEST_F(ClientTest, AProberThatSaysMoreThanIsReadIsKilled) {
    const OtherProgram other("while printf '%4000s' '' >&0; do :; done\n");
    open(other.path());
    const std::uint32_t number = client_->add(probe());
    client_->ask({number});
    const pid_t flooding = client_->prober();
    const SteadyTime end = SystemClock().steady_now() + std::chrono::seconds(60);
    while (::kill(flooding, 0) == 0 && SystemClock().steady_now() < end) {
        std::this_thread::yield();  // the loop is at something else
    }
    EXPECT_EQ(::kill(flooding, 0), -1) << "it is dead and reaped";
    EXPECT_EQ(wait_for(1)[0].outcome, Outcome::Unknown);
    EXPECT_EQ(client_->prober(), 0);
}

}  // namespace
}  // namespace podreeve::probe
