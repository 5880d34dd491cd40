#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "runtime/http/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// The agent is told to end while podman says nothing and clients wait for it.
namespace podreeve::integration {
namespace {

constexpr std::chrono::seconds kEndsWithin{5};
constexpr const char* kListing = "^(containers|pods)/json";

// Someone who asks over the socket and waits for the answer.
class Client {
  public:
    Client(const Host& host, std::string method, std::string target)
        : http_(host.config.paths.api_socket.string(), 1) {
        request_.method = std::move(method);
        request_.target = std::move(target);
        request_.sink = [](std::string_view) { return true; };
        thread_ = std::thread([this] {
            const auto response = http_.call(request_);
            status_ = response ? response->status : 0;
        });
    }

    int status() {
        thread_.join();
        return status_;
    }

  private:
    http::HttpClient http_;
    http::Request request_;
    int status_ = 0;
    std::thread thread_;
};

class Ending : public ::testing::Test {
  protected:
    void SetUp() override {
        host.write("clock.yaml", to_text(SingleApp{}));
        host.start();
        host.advance(std::chrono::minutes(1));
        ASSERT_TRUE(host.agent->serve());
        host.podman->hang_next("GET", kListing, 1000);
    }

    void TearDown() override { host.podman->release_hung(); }

    void await_hung(std::size_t calls) {
        while (host.podman->hung() < calls) {
            host.turns.run();
            std::this_thread::yield();
        }
    }

    void expect_quick_end() {
        const SystemClock clock;
        const SteadyTime begun = clock.steady_now();
        host.stop();
        EXPECT_LT(clock.steady_now() - begun, kEndsWithin);
    }

    Host host;
};

TEST_F(Ending, WaitsForNobodyWhoWaitsForThePassThatRuns) {
    Client client(host, "POST", "/v1/reconcile");
    await_hung(1);
    expect_quick_end();
    EXPECT_EQ(client.status(), 499);
}

TEST_F(Ending, WaitsForNobodyWhosePassHasNotBegunYet) {
    host.agent->request_pass("the test asked");
    await_hung(1);
    Client first(host, "POST", "/v1/reconcile");
    Client second(host, "POST", "/v1/reconcile");
    for (int turn = 0; turn < 1000; ++turn) {
        host.turns.run();
        std::this_thread::yield();
    }
    expect_quick_end();
    for (Client* const client : {&first, &second}) {
        // Where it came too late there was nobody to answer.
        const int status = client->status();
        EXPECT_TRUE(status == 499 || status == 0) << status;
    }
}

TEST_F(Ending, WaitsForNobodyWhoWaitsForAPlan) {
    Client client(host, "GET", "/v1/diff");
    await_hung(1);
    expect_quick_end();
    EXPECT_EQ(client.status(), 499);
}

TEST_F(Ending, WaitsForNobodyWhoFollowsEventsOrWaitsForAnApp) {
    Client events(host, "GET", "/v1/events?follow=1");
    Client wait(host, "GET", "/v1/apps/clock/wait?for=down&seconds=20");
    host.agent->request_pass("the test asked");
    await_hung(1);
    expect_quick_end();
    events.status();
    wait.status();
}

TEST_F(Ending, LeavesAStoreThatWasClosed) {
    Client client(host, "POST", "/v1/reconcile");
    await_hung(1);
    host.stop();
    client.status();
    EXPECT_FALSE(std::filesystem::exists(host.config.paths.state_dir / "state.db-wal"));
}

TEST(EndingInAPass, IsNoOutageOfPodman) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.advance(std::chrono::minutes(1));
    const std::int64_t last = host.agent->state().last_event_seq();
    host.podman->hang_next("GET", "^containers/json");
    host.agent->request_pass("the test asked");
    while (host.podman->hung() == 0) {
        host.turns.run();
        std::this_thread::yield();
    }
    host.stop();
    host.podman->release_hung();
    host.start();
    EXPECT_EQ(host.state("clock"), "Running");
    for (const state::Event& event : host.agent->state().events_since(last)) {
        EXPECT_NE(event.state, "Unknown") << event.message;
    }
}

}  // namespace
}  // namespace podreeve::integration
