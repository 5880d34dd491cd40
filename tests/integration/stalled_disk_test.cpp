// The agent on a disk that does not answer for a while: whoever writes is held, be it the loop
// itself. Systemd's watchdog is told so, people are answered, and all goes on when the disk does.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/state/core.h"
#include "runtime/http/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// Which thread's commit is held.
enum class Held { Loop, Pass };

class StalledDisk : public testing::TestWithParam<Held> {
  protected:
    StalledDisk() {
        host.write("clock.yaml", to_text(SingleApp{}));
        host.start();
        host.advance(minutes(1));
        // The agent's own thread looks too, by the real clock.
        host.agent->state().disk().on_turn(
            [this] { fed += std::this_thread::get_id() == looking.load() ? 1 : 0; });
    }

    // The next commit of that thread: act is what goes on while it is held.
    void at_next_commit(std::function<void()> act) {
        host.agent->state().core().store.before_commit = [this, act = std::move(act)]() -> Status {
            const bool loop = std::this_thread::get_id() == test_thread;
            if (loop == (GetParam() == Held::Loop) && !held.exchange(true)) {
                act();
            }
            return {};
        };
    }

    void stall(Duration duration) {
        looking = std::this_thread::get_id();
        for (Duration gone{}; gone < duration; gone += seconds(1)) {
            host.time.stall(seconds(1));
            host.agent->state().disk().look();
        }
    }

    nlohmann::json get(const std::string& target) {
        http::HttpClient client(host.config.paths.api_socket.string(), 1);
        std::string body;
        http::Request request{.method = "GET", .target = target};
        request.timeout = seconds(30);
        const auto response = client.call(request);
        EXPECT_TRUE(response && response->status == 200) << target;
        return response ? nlohmann::json::parse(response->body) : nlohmann::json();
    }

    void expect_answers() {
        const nlohmann::json store = get("/v1/apps").at("agent").at("store");
        EXPECT_NE(store.at("message").get<std::string>().find("has not answered for 40s"),
                  std::string::npos)
            << store;
        EXPECT_FALSE(store.at("read_only"));
        EXPECT_FALSE(get("/v1/changes").at("changes").empty());
        EXPECT_FALSE(get("/v1/events").at("events").empty());
        EXPECT_EQ(get("/v1/apps/clock").at("name"), "clock");
        EXPECT_FALSE(get("/v1/apps/clock/why").at("chain").empty());
    }

    const std::thread::id test_thread = std::this_thread::get_id();
    std::atomic<std::thread::id> looking;
    std::atomic<bool> held = false;
    std::atomic<int> fed = 0;
    Host host;
};

TEST_P(StalledDisk, IsSaidAndWaitedForWhilePeopleAreAnswered) {
    ASSERT_TRUE(host.agent->serve());
    at_next_commit([this] {
        stall(seconds(40));
        EXPECT_EQ(fed, 40);
        expect_answers();
    });
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET"}));
    host.pass();
    EXPECT_TRUE(held);
    EXPECT_EQ(host.agent->state().health().message, "");
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "CET");
    EXPECT_EQ(host.state("clock"), "Running");
}

TEST_P(StalledDisk, ThatNeverComesBackIsNoExcuseForEver) {
    at_next_commit([this] { stall(minutes(10)); });
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET"}));
    host.pass();
    EXPECT_TRUE(held);
    EXPECT_EQ(fed, 299);
}

std::string name_of(const testing::TestParamInfo<Held>& info) {
    return info.param == Held::Loop ? "Loop" : "Pass";
}

INSTANTIATE_TEST_SUITE_P(Holding, StalledDisk, testing::Values(Held::Loop, Held::Pass), name_of);

}  // namespace
}  // namespace podreeve::integration
