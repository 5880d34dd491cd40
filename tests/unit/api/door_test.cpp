#include "agent/api/door.h"

#include <ctime>
#include <filesystem>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "agent/api/place.h"
#include "runtime/base/mutex.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/api/caller.h"

namespace podreeve::api {
namespace {

using std::chrono::milliseconds;
using testing::Caller;

constexpr const char* kRequest = "GET / HTTP/1.1\r\n\r\n";

// Answers each request with what it was.
class DoorTest : public ::testing::Test {
  protected:
    DoorTest() {
        socket = directory / "door.sock";
        door.listen_on(std::move(*listen_at(socket)));
    }

    ~DoorTest() override { door.close(); }

    void serve(std::unique_ptr<Connection> connection) {
        std::string reply = "heard " + connection->input;
        connection->input.clear();
        send_some(*connection, reply);
        door.take_back(std::move(connection));
    }

    fakes::TempDir temp;
    std::filesystem::path directory = temp.path(), socket;
    Door::Limits limits{.most_silent = 4, .longest_silence = std::chrono::minutes(1)};
    Door door{[this](std::unique_ptr<Connection> connection) { serve(std::move(connection)); },
              limits};
};

TEST_F(DoorTest, HandsOnWhoHasSentAHeadHoweverSlowly) {
    Caller caller(socket);
    for (const char* const piece : {"GET / HT", "TP/1.1\r", "\n", "\r\n"}) {
        caller.say(piece);
    }
    EXPECT_EQ(caller.hear("\r\n\r\n"), std::string("heard ") + kRequest);
}

TEST_F(DoorTest, HearsTheNextRequestOfOneThatWasAnswered) {
    Caller caller(socket);
    caller.say(kRequest).hear("\r\n\r\n");
    caller.say("again\r\n\r\n");
    EXPECT_NE(caller.hear("again").find("heard again"), std::string::npos);
}

TEST_F(DoorTest, LetsGoOfTheOneThatWasSilentLongestWhenThereAreTooMany) {
    std::vector<Caller> silent;
    for (int i = 0; i < 5; ++i) {
        silent.emplace_back(socket);
    }
    EXPECT_TRUE(silent.front().is_let_go());
    EXPECT_EQ(silent.back().say(kRequest).hear("\r\n\r\n"), std::string("heard ") + kRequest);
}

TEST_F(DoorTest, ListensWhereItIsToldAndKeepsWhoIsThere) {
    Caller before(socket);
    before.say(kRequest).hear("\r\n\r\n");
    const std::filesystem::path other = directory / "other.sock";
    door.listen_on(std::move(*listen_at(other)));
    Caller after(other);
    EXPECT_EQ(after.say(kRequest).hear("\r\n\r\n"), std::string("heard ") + kRequest);
    before.say("still here\r\n\r\n");
    EXPECT_NE(before.hear("still").find("heard still"), std::string::npos);
    EXPECT_FALSE(Caller(socket).connected());
}

TEST(Door, LetsGoOfWhoSaysNothing) {
    const fakes::TempDir temp;
    Door door([](std::unique_ptr<Connection>) { FAIL() << "nothing was asked"; },
              {.longest_silence = milliseconds(50)});
    door.listen_on(std::move(*listen_at(temp.path() / "s")));
    Caller silent(temp.path() / "s");
    Caller slow(temp.path() / "s");
    slow.say("GET / HT");
    EXPECT_TRUE(silent.is_let_go());
    EXPECT_TRUE(slow.is_let_go());
    door.close();
}

// As many descriptors as there are now, and no more.
class NoMoreDescriptors {
  public:
    NoMoreDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const int next = ::dup(STDERR_FILENO);
        ::close(next);
        const rlimit tight{static_cast<rlim_t>(next), before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &tight);
    }

    ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

Duration cpu_time() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

TEST_F(DoorTest, WaitsOutAShortageOfDescriptorsWithoutTurning) {
    std::vector<Caller> callers;
    callers.reserve(1);
    Duration used{};
    {
        // The caller's own end takes the last one.
        UniqueFd spare(::dup(STDERR_FILENO));
        const NoMoreDescriptors none;
        spare.reset();
        callers.emplace_back(socket);
        ASSERT_TRUE(callers.front().connected());
        callers.front().say(kRequest);
        const Duration begun = cpu_time();
        ::poll(nullptr, 0, 500);  // the time that is measured, not one that is hoped for
        used = cpu_time() - begun;
    }
    EXPECT_LT(used, milliseconds(250));
    EXPECT_EQ(callers.front().hear("\r\n\r\n"), std::string("heard ") + kRequest);
}

}  // namespace
}  // namespace podreeve::api
