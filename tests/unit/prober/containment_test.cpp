#include <map>
#include <stdexcept>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/prober/host_thread.h"
#include "runtime/prober/prober.h"
#include "tests/fakes/scarce_memory.h"
#include "tests/unit/prober/peer.h"

// What one question throws costs that question alone.
namespace podreeve::prober {
namespace {

using probe::Outcome;
using probe::ProbeResult;

constexpr std::size_t kMuch = 400'000;

void learn(Prober& prober, std::uint32_t number, const std::string& path, std::uint16_t port) {
    probe::ProbeSpec what;
    what.kind = probe::Protocol::Http;
    what.pid = ::getpid();
    what.ports = {port};
    what.path = path;
    what.timeout = std::chrono::seconds(10);
    auto namespaces = probe::open_namespaces(what.pid);
    ASSERT_TRUE(namespaces);
    prober.take(probe::wire::Learn{number, what, ""}, std::move(*namespaces));
}

// By question.
std::map<std::uint32_t, ProbeResult> wait_for(Prober& prober, std::size_t count) {
    const SystemClock clock;
    std::map<std::uint32_t, ProbeResult> out;
    const SteadyTime end = clock.steady_now() + std::chrono::seconds(20);
    while (out.size() < count && clock.steady_now() < end) {
        EXPECT_TRUE(prober.turn(-1, std::chrono::milliseconds(100)));
        for (const ProbeResult& result : prober.results()) {
            out[result.probe] = result;
        }
    }
    EXPECT_EQ(out.size(), count);
    return out;
}

TEST(Containment, AQuestionThatThrowsIsUnknownAndTheOthersAreAnswered) {
    Peer peer(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    const SystemClock clock;
    const auto prober = Prober::create(clock);
    ASSERT_TRUE(prober);
    learn(**prober, 1, "/" + std::string(kMuch, 'x'), peer.port());
    learn(**prober, 2, "/", peer.port());
    {
        const fakes::ScarceMemory scarce(kMuch);
        ASSERT_NO_THROW((*prober)->take(probe::wire::Ask{{1, 2}}));
        auto results = wait_for(**prober, 2);
        EXPECT_GT(fakes::ScarceMemory::refused(), 0U);
        EXPECT_EQ(results[1], (ProbeResult{1, Outcome::Unknown, "internal error: std::bad_alloc"}));
        EXPECT_EQ(results[2], (ProbeResult{2, Outcome::Success, ""}));
    }
    EXPECT_TRUE((*prober)->idle());
    (*prober)->take(probe::wire::Ask{{1}});
    EXPECT_EQ(wait_for(**prober, 1)[1].outcome, Outcome::Success);
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
