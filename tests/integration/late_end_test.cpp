// The agent was told to end, and something does not hear: the process ends all the same, says what
// it was, and leaves a store that the next one takes up.
#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "agent/daemon/last_resort.h"
#include "agent/state/core.h"
#include "runtime/http/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Closes the store, and tells once nothing is left that could.
struct Closing {
    std::shared_ptr<void> forgotten;  // goes last
    std::function<void()> close;

    void operator()() const { close(); }
};

class LateEnd : public ::testing::Test {
  protected:
    LateEnd() {
        host.write("clock.yaml", to_text(SingleApp{}));
        host.start();
        host.advance(minutes(1));
    }

    // As main() does it. What is to end waits for let_go, which is what the end of the process is
    // here. It comes as soon as the stop has come to what is awaited.
    void stop_with_last_resort(const std::string& awaited,
                               Duration close_within,
                               std::function<void()> let_go) {
        std::promise<void> forgotten;
        {
            auto leaving = host.agent->leaving();
            const Closing closing{
                std::shared_ptr<void>(nullptr, [&](void*) { forgotten.set_value(); }),
                std::move(leaving.close)};
            const daemon::LastResort resort(
                {[&, left = leaving.left] {
                     while ((reported = left()).find(awaited) == std::string::npos) {
                         std::this_thread::yield();
                     }
                     return reported;
                 },
                 closing,
                 [&] {
                     closed_at_exit =
                         !std::filesystem::exists(host.config.paths.state_dir / "state.db-wal");
                     ended = true;
                     let_go();
                 }},
                {.end = milliseconds(1), .close = close_within});
            leaving = {};
            host.stop();
        }
        forgotten.get_future().wait();
    }

    const std::thread::id test_thread = std::this_thread::get_id();
    std::string reported;
    bool ended = false, closed_at_exit = false;
    Host host;
};

TEST_F(LateEnd, ForAPassThatDoesNotEndLeavesAStoreThatWasClosed) {
    std::atomic<bool> held = false;
    host.turns.hold_who_posts([&] {
        const bool holds = std::this_thread::get_id() != test_thread;
        held = held || holds;
        return holds;
    });
    host.agent->request_pass("the test asked");
    while (!held) {
        std::this_thread::yield();
    }
    stop_with_last_resort("the pass has not ended", minutes(1), [this] { host.turns.let_go(); });
    EXPECT_TRUE(ended);
    EXPECT_TRUE(closed_at_exit);
}

class StalledEnd : public LateEnd {
  protected:
    StalledEnd() {
        EXPECT_TRUE(host.agent->serve());
        host.agent->state().core().store.before_commit = [this]() -> Status {
            held = true;
            open.wait();
            return {};
        };
    }

    ~StalledEnd() override {
        for (std::thread& thread : writers) {
            thread.join();
        }
    }

    void write_through_the_api(int count) {
        for (int i = 0; i < count; ++i) {
            writers.emplace_back([socket = host.config.paths.api_socket.string()] {
                http::HttpClient client(socket, 1);
                http::Request request{.method = "POST", .target = "/v1/apps/clock/stop"};
                [[maybe_unused]] const auto reply = client.call(request);
            });
        }
        while (!held) {
            std::this_thread::yield();
        }
    }

    int status_of_get(const std::string& target) {
        http::HttpClient client(host.config.paths.api_socket.string(), 1);
        http::Request request{.method = "GET", .target = target};
        request.timeout = seconds(20);
        const auto response = client.call(request);
        return response ? response->status : 0;
    }

    std::promise<void> opened;
    std::shared_future<void> open = opened.get_future().share();
    std::atomic<bool> held = false;
    std::vector<std::thread> writers;
};

TEST_F(StalledEnd, WaitsForNoDiskAndLosesNothingThatWasCommitted) {
    const auto rows = host.agent->state().apps().size();
    write_through_the_api(24);
    EXPECT_EQ(status_of_get("/v1/apps"), 200);
    EXPECT_EQ(status_of_get("/v1/apps/clock"), 200);
    stop_with_last_resort("requests of the API", milliseconds(1), [this] { opened.set_value(); });
    EXPECT_TRUE(ended);
    EXPECT_FALSE(closed_at_exit) << "its disk does not answer";
    host.start();
    EXPECT_EQ(host.agent->state().health().set_aside, "");
    EXPECT_EQ(host.agent->state().apps().size(), rows);
}

TEST(LastResort, LeavesAProcessThatEndsInTimeAlone) {
    bool called = false;
    {
        const daemon::LastResort resort(
            {[] { return ""; }, [&] { called = true; }, [&] { called = true; }});
    }
    EXPECT_FALSE(called);
}

}  // namespace
}  // namespace podreeve::integration
