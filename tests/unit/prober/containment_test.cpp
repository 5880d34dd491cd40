#include <map>
#include <stdexcept>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/prober/asker.h"
#include "runtime/prober/host_thread.h"
#include "tests/fakes/scarce_memory.h"
#include "tests/unit/prober/peer.h"

// What one question throws costs that question alone.
namespace podreeve::prober {
namespace {

using probe::Answer;
using probe::Outcome;

constexpr std::size_t kMuch = 400'000;

void learn(Asker& asker, std::uint32_t number, const std::string& path, std::uint16_t port) {
    probe::Question what;
    what.kind = probe::Kind::Http;
    what.pid = ::getpid();
    what.ports = {port};
    what.path = path;
    what.timeout = std::chrono::seconds(10);
    auto namespaces = probe::open_namespaces(what.pid);
    ASSERT_TRUE(namespaces);
    asker.take(probe::wire::Learn{number, what, ""}, std::move(*namespaces));
}

// By question.
std::map<std::uint32_t, Answer> wait_for(Asker& asker, std::size_t count) {
    const SystemClock clock;
    std::map<std::uint32_t, Answer> out;
    const SteadyTime end = clock.steady_now() + std::chrono::seconds(20);
    while (out.size() < count && clock.steady_now() < end) {
        EXPECT_TRUE(asker.turn(-1, std::chrono::milliseconds(100)));
        for (const Answer& answer : asker.answers()) {
            out[answer.question] = answer;
        }
    }
    EXPECT_EQ(out.size(), count);
    return out;
}

TEST(Containment, AQuestionThatThrowsIsUnknownAndTheOthersAreAnswered) {
    Peer peer(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    const SystemClock clock;
    const auto asker = Asker::create(clock);
    ASSERT_TRUE(asker);
    learn(**asker, 1, "/" + std::string(kMuch, 'x'), peer.port());
    learn(**asker, 2, "/", peer.port());
    {
        const fakes::ScarceMemory scarce(kMuch);
        ASSERT_NO_THROW((*asker)->take(probe::wire::Ask{{1, 2}}));
        auto answers = wait_for(**asker, 2);
        EXPECT_GT(fakes::ScarceMemory::refused(), 0U);
        EXPECT_EQ(answers[1], (Answer{1, Outcome::Unknown, "internal error: std::bad_alloc"}));
        EXPECT_EQ(answers[2], (Answer{2, Outcome::Success, ""}));
    }
    EXPECT_TRUE((*asker)->idle());
    (*asker)->take(probe::wire::Ask{{1}});
    EXPECT_EQ(wait_for(**asker, 1)[1].outcome, Outcome::Success);
}

TEST(Containment, WhatIsThrownOnTheHostsThreadIsThrownToWhoAskedForIt) {
    const auto host = HostThread::start();
    ASSERT_TRUE(host);
    EXPECT_THROW((*host)->run([] { throw std::runtime_error("x"); }), std::runtime_error);
    bool ran = false;
    (*host)->run([&] { ran = true; });
    EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace podreeve::prober
