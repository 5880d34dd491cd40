#include "runtime/probe/client.h"

#include <arpa/inet.h>
#include <csignal>
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
        client_ = std::make_unique<Client>(
            program, time_, time_, [this](const std::vector<Answer>& answers) {
                answers_.insert(answers_.end(), answers.begin(), answers.end());
            });
    }

    Question question(Kind kind = Kind::Tcp) const {
        Question out;
        out.kind = kind;
        out.pid = ::getpid();
        out.ports = {port_.port()};
        out.path = "/";
        out.timeout = std::chrono::minutes(1);
        return out;
    }

    // Runs what other threads post until so many answers are there.
    std::vector<Answer> wait_for(std::size_t count) {
        const SteadyTime end = SystemClock().steady_now() + std::chrono::seconds(20);
        while (answers_.size() < count && SystemClock().steady_now() < end) {
            time_.run_posted();
            std::this_thread::yield();
        }
        EXPECT_EQ(answers_.size(), count);
        return std::exchange(answers_, {});
    }

    OpenPort port_;
    fakes::FakeTime time_;
    std::vector<Answer> answers_;
    std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, HasQuestionsAsked) {
    open();
    const std::uint32_t one = client_->add(question());
    const std::uint32_t two = client_->add(question());
    EXPECT_NE(one, two);
    EXPECT_EQ(client_->prober(), 0) << "nobody has asked yet";
    client_->ask({one, two, one});
    std::vector<Answer> answers = wait_for(2);
    for (const Answer& answer : answers) {
        EXPECT_EQ(answer.outcome, Outcome::Success) << answer.text;
    }
    client_->ask({two});
    EXPECT_EQ(wait_for(1), (std::vector<Answer>{{two, Outcome::Success, ""}}));
}

TEST_F(ClientTest, AnswersUnknownWhenThereIsNoProgram) {
    open("/nonexistent/probe");
    const std::uint32_t number = client_->add(question());
    client_->ask({number});
    const std::vector<Answer> answers = wait_for(1);
    EXPECT_EQ(answers[0].outcome, Outcome::Unknown);
    EXPECT_EQ(answers[0].text, "cannot run /nonexistent/probe: No such file or directory");
}

TEST_F(ClientTest, StartsAnotherProberWhenOneDies) {
    open();
    const std::uint32_t hanging = client_->add(question(Kind::Http));
    client_->ask({hanging});
    const pid_t first = client_->prober();
    ASSERT_GT(first, 0);
    ::kill(first, SIGKILL);
    EXPECT_EQ(wait_for(1)[0],
              (Answer{hanging, Outcome::Unknown, "cannot ask: the prober has ended"}));
    const std::uint32_t open_port = client_->add(question());
    client_->ask({open_port});
    EXPECT_EQ(wait_for(1)[0].outcome, Outcome::Unknown) << "too soon for another";
    EXPECT_EQ(client_->prober(), 0);
    time_.advance(std::chrono::seconds(1));
    client_->ask({open_port});
    EXPECT_EQ(wait_for(1)[0], (Answer{open_port, Outcome::Success, ""}));
    EXPECT_NE(client_->prober(), first);
}

TEST_F(ClientTest, KillsAProberThatHangs) {
    open();
    const std::uint32_t number = client_->add(question());
    client_->ask({number});
    wait_for(1);
    const pid_t first = client_->prober();
    ::kill(first, SIGSTOP);
    client_->ask({number});
    time_.advance(std::chrono::seconds(80));
    EXPECT_EQ(wait_for(1)[0], (Answer{number, Outcome::Unknown, "cannot ask: the prober hangs"}));
    EXPECT_EQ(::kill(first, 0), -1) << "it is dead and reaped";
}

TEST_F(ClientTest, WhatIsKeptIsToldWhenItFailsAndNotBefore) {
    open();
    auto closing = std::make_unique<OpenPort>();
    Question what = question();
    what.ports = {closing->port()};
    const std::uint32_t kept = client_->add(what);
    const std::uint32_t other = client_->add(question());
    client_->keep({{kept, std::chrono::milliseconds(0), std::chrono::milliseconds(100)}});
    for (int i = 0; i < 3; ++i) {
        client_->ask({other});
        EXPECT_EQ(wait_for(1)[0].question, other);
    }
    closing.reset();
    EXPECT_EQ(wait_for(1)[0].question, kept);
    client_->ask({kept});
    EXPECT_EQ(wait_for(1)[0].outcome, Outcome::Failure);
}

TEST_F(ClientTest, WhatIsKeptIsUnknownWhenTheProberDiesOrHangs) {
    open();
    const std::uint32_t number = client_->add(question());
    client_->keep({{number, std::chrono::seconds(1), std::chrono::seconds(1)}});
    ::kill(client_->prober(), SIGKILL);
    EXPECT_EQ(wait_for(1)[0],
              (Answer{number, Outcome::Unknown, "cannot ask: the prober has ended"}));
    time_.advance(std::chrono::seconds(2));
    client_->keep({{number, std::chrono::seconds(1), std::chrono::seconds(1)}});
    ::kill(client_->prober(), SIGSTOP);
    time_.advance(std::chrono::seconds(40));
    EXPECT_EQ(wait_for(1)[0], (Answer{number, Outcome::Unknown, "cannot ask: the prober hangs"}));
}

TEST_F(ClientTest, AQuestionThatIsRemovedIsNotAnswered) {
    open();
    const std::uint32_t hanging = client_->add(question(Kind::Http));
    const std::uint32_t other = client_->add(question());
    client_->ask({hanging});
    client_->remove(hanging);
    client_->ask({hanging, other});
    EXPECT_EQ(wait_for(1)[0].question, other);
}

TEST_F(ClientTest, LeavesNoProberBehind) {
    open();
    client_->ask({client_->add(question())});
    wait_for(1);
    const pid_t pid = client_->prober();
    client_.reset();
    EXPECT_EQ(::kill(pid, 0), -1);
}

}  // namespace
}  // namespace podreeve::probe
