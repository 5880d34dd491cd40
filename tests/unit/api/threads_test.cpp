#include <atomic>
#include <filesystem>
#include <latch>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/api/caller.h"
#include "tests/unit/api/serving.h"

// Who may keep the server busy, and who is served all the same.
namespace podreeve::api {
namespace {

using testing::Caller;
using testing::Serving;

constexpr std::size_t kMostStreams = 64;
constexpr std::size_t kMostLongCalls = 16;

std::size_t threads_of_this_process() {
    std::size_t count = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator at("/proc/self/task", error), end; at != end;
         at.increment(error)) {
        ++count;
    }
    return count;
}

// A server whose podman says nothing.
class BusyServer : public ::testing::Test {
  protected:
    BusyServer() {
        serving.show({.name = "web"});
        serving.before_pass = [this] { hang(); };
    }

    ~BusyServer() override { let_go(); }

    void hang() {
        ++hanging;
        podman.wait();
    }

    void let_go() {
        if (!podman.try_wait()) {
            podman.count_down();
        }
        serving.server.reset();
    }

    void await_hanging(std::size_t count) {
        while (hanging < count) {
            std::this_thread::yield();
        }
    }

    std::vector<Caller> call(std::size_t count, const std::string& request) {
        std::vector<Caller> callers;
        for (std::size_t i = 0; i < count; ++i) {
            callers.emplace_back(serving.socket).say(request + " HTTP/1.1\r\n\r\n");
        }
        return callers;
    }

    std::latch podman{1};
    std::atomic<std::size_t> hanging = 0;
    Serving serving;
};

TEST_F(BusyServer, StillAnswersWhatIsShortAndGoesDown) {
    std::vector<Caller> streams = call(kMostStreams, "GET /v1/events?follow=1");
    for (Caller& stream : streams) {
        EXPECT_EQ(stream.status(), 200);
    }
    const std::vector<Caller> waits = call(64, "GET /v1/apps/web/wait?for=finished&seconds=20");
    const std::vector<Caller> passes = call(kMostLongCalls / 2, "POST /v1/reconcile");
    const std::vector<Caller> plans = call(kMostLongCalls / 2, "GET /v1/diff");
    await_hanging(kMostLongCalls);
    const std::vector<Caller> silent = call(30, "GET /v1/vers");
    for (const char* const target : {"/v1/version", "/v1/apps", "/v1/apps/web"}) {
        EXPECT_EQ(serving.get(target).status, 200) << target;
    }
    EXPECT_EQ(serving.post("/v1/apps/web/stop").status, 202);
    EXPECT_EQ(serving.post("/v1/shutdown").status, 202);
    EXPECT_EQ(serving.requests.back().second, "shutdown");
}

TEST_F(BusyServer, RefusesOneMoreThatWouldWaitForPodmanAndSaysSo) {
    const std::vector<Caller> passes = call(kMostLongCalls, "POST /v1/reconcile");
    await_hanging(kMostLongCalls);
    for (const char* const request : {"POST /v1/reconcile", "GET /v1/diff"}) {
        Caller one_more = std::move(call(1, request).front());
        EXPECT_EQ(one_more.status(), 503);
        EXPECT_NE(one_more.hear("}}").find("too many others wait for podman"), std::string::npos);
    }
}

// A server whose state is on a disk that stalls: who changes something is held.
class StalledDisk : public BusyServer {
  protected:
    StalledDisk() {
        serving.before_wish = [this] { hang(); };
    }

    static constexpr std::size_t kMostWaiting = 48, kThreads = 8;
};

TEST_F(StalledDisk, KeepsNobodyWaitingWhoOnlyReads) {
    const std::vector<Caller> writers = call(24, "POST /v1/apps/web/stop");
    await_hanging(kThreads);
    for (const char* const target : {"/v1/version", "/v1/apps", "/v1/apps/web", "/v1/changes"}) {
        EXPECT_EQ(serving.get(target).status, 200) << target;
    }
    const std::vector<Caller> histories = call(24, "GET /v1/apps/web/history");
    EXPECT_EQ(serving.get("/v1/apps").status, 200) << "though these ask the disk, too";
}

TEST_F(StalledDisk, RefusesOneMoreChangeThanCanWaitAndSaysWhenToTryAgain) {
    const std::vector<Caller> writers = call(kMostWaiting, "POST /v1/apps/web/stop");
    await_hanging(kThreads);
    Caller one_more = std::move(call(1, "POST /v1/apps/web/start").front());
    EXPECT_EQ(one_more.status(), 503);
    const std::string said = one_more.hear("}}");
    EXPECT_NE(said.find("Retry-After: 5\r\n"), std::string::npos) << said;
    EXPECT_NE(said.find("too many others wait to be written"), std::string::npos) << said;
    const std::vector<Caller> passes = call(kMostLongCalls, "POST /v1/reconcile");
    await_hanging(kThreads + kMostLongCalls);
    EXPECT_EQ(serving.get("/v1/apps").status, 200);
}

TEST_F(StalledDisk, IsWaitedForByChangesThatComeAtOnce) {
    std::vector<Caller> writers = call(24, "POST /v1/apps/web/stop");
    await_hanging(kThreads);
    podman.count_down();
    for (Caller& writer : writers) {
        EXPECT_EQ(writer.status(), 202);
    }
}

TEST_F(BusyServer, HasOneStreamTooManyAndAgainRoomWhenOneHasGone) {
    std::vector<Caller> streams = call(kMostStreams, "GET /v1/events?follow=1");
    for (Caller& stream : streams) {
        EXPECT_EQ(stream.status(), 200);
    }
    EXPECT_EQ(call(1, "GET /v1/events?follow=1").front().status(), 503);
    streams.pop_back();
    while (call(1, "GET /v1/events?follow=1").front().status() != 200) {
        std::this_thread::yield();
    }
}

TEST_F(BusyServer, TellsEveryStreamWhatHappens) {
    std::vector<Caller> streams = call(kMostStreams, "GET /v1/events?follow=1");
    for (Caller& stream : streams) {
        EXPECT_EQ(stream.status(), 200);
    }
    serving.add_event("web", "Running");
    for (Caller& stream : streams) {
        EXPECT_NE(stream.hear("Running").find("Running"), std::string::npos);
    }
}

// The thread that has sent an answer is not free at once: who asks before that gets another.
void await_rest(const Serving& serving) {
    const SystemClock clock;
    const SteadyTime end = clock.steady_now() + std::chrono::seconds(60);
    while (!serving.server->at_rest()) {
        ASSERT_LT(clock.steady_now(), end) << "a stream holds a thread";
        std::this_thread::yield();
    }
}

TEST(Threads, AreNotMoreForMoreStreams) {
    Serving serving;
    const auto open = [&](std::vector<Caller>& streams) {
        EXPECT_EQ(streams.emplace_back(serving.socket).get("/v1/events?follow=1").status(), 200);
        await_rest(serving);
    };
    std::vector<Caller> streams;
    open(streams);
    const std::size_t before = threads_of_this_process();
    while (streams.size() < kMostStreams) {
        open(streams);
    }
    // One that had nothing to do for long may be on its way out.
    EXPECT_LE(threads_of_this_process(), before + 1);
}

TEST(Threads, AreNotMoreForASocketThatIsLostAgainAndAgain) {
    Serving serving;
    EXPECT_EQ(serving.get("/v1/version").status, 200);
    await_rest(serving);
    const std::size_t before = threads_of_this_process();
    for (int i = 0; i < 20; ++i) {
        std::filesystem::remove(serving.socket);
        ASSERT_TRUE(serving.server->ensure_listening());
        EXPECT_EQ(serving.get("/v1/version").status, 200);
        await_rest(serving);
    }
    EXPECT_LE(threads_of_this_process(), before + 1);
}

TEST(Threads, AStreamOutlivesTheLossOfTheSocket) {
    Serving serving;
    Caller stream(serving.socket);
    EXPECT_EQ(stream.get("/v1/events?follow=1").status(), 200);
    std::filesystem::remove(serving.socket);
    ASSERT_TRUE(serving.server->ensure_listening());
    serving.add_event("web", "Running");
    EXPECT_NE(stream.hear("Running").find("Running"), std::string::npos);
}

}  // namespace
}  // namespace podreeve::api
