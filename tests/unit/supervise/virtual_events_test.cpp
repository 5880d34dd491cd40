#include "agent/supervise/virtual_events.h"

#include <vector>

#include <gtest/gtest.h>

namespace podreeve::supervise {
namespace {

AppStatus service_in(ServiceState state, bool healthy = true, bool stopped = false) {
    AppStatus app;
    app.name = "web";
    app.state = state;
    app.healthy = healthy && state == ServiceState::Running;
    app.stopped = stopped;
    return app;
}

struct LevelRow {
    ServiceState state;
    bool healthy, stopped;
    bool up, down, finished, failed;
};

TEST(VirtualEvents, AreToldFromTheState) {
    const LevelRow rows[] = {
        {ServiceState::Initialized, true, false, false, false, false, false},
        {ServiceState::Waiting, true, false, false, false, false, false},
        {ServiceState::Preparing, true, false, false, false, false, false},
        {ServiceState::Starting, true, false, false, false, false, false},
        {ServiceState::Running, true, false, true, false, false, false},
        {ServiceState::Running, false, false, false, false, false, false},
        {ServiceState::Stopping, true, false, false, false, false, false},
        {ServiceState::Finished, true, false, false, true, true, false},
        {ServiceState::Finished, true, true, false, true, false, false},
        {ServiceState::Failed, true, false, false, true, false, true},
        {ServiceState::Skipped, true, true, true, true, false, false},
        {ServiceState::Unknown, true, false, false, false, false, false},
        {ServiceState::CrashLoop, true, false, false, false, false, false},
    };
    for (const LevelRow& row : rows) {
        const AppStatus app = service_in(row.state, row.healthy, row.stopped);
        EXPECT_EQ(holds(VirtualEvent::Up, app), row.up) << to_string(row.state);
        EXPECT_EQ(holds(VirtualEvent::Down, app), row.down) << to_string(row.state);
        EXPECT_EQ(holds(VirtualEvent::Finished, app), row.finished) << to_string(row.state);
        EXPECT_EQ(holds(VirtualEvent::Failed, app), row.failed) << to_string(row.state);
    }
}

class Subscribing : public ::testing::Test {
  protected:
    void publish(ServiceState state) {
        Overview overview;
        overview.apps = {service_in(state)};
        subscriptions->publish(overview);
    }

    Subscriptions::Handle subscribe(VirtualEvent event) {
        return subscriptions->subscribe(
            "web", event, [this](const AppStatus& app) { heard.push_back(app.state); });
    }

    std::shared_ptr<Subscriptions> subscriptions = std::make_shared<Subscriptions>();
    std::vector<ServiceState> heard;
};

TEST_F(Subscribing, TheLevelComesFirstThenTheEdges) {
    publish(ServiceState::Running);
    const auto handle = subscribe(VirtualEvent::Up);
    EXPECT_EQ(heard.size(), 1U) << "it is up already";
    publish(ServiceState::Running);
    EXPECT_EQ(heard.size(), 1U) << "no edge";
    publish(ServiceState::Failed);
    publish(ServiceState::Running);
    EXPECT_EQ(heard.size(), 2U);
}

TEST_F(Subscribing, WhoComesLateMissesNothingThatHolds) {
    const auto early = subscribe(VirtualEvent::Failed);
    publish(ServiceState::Failed);
    const auto late = subscribe(VirtualEvent::Failed);
    EXPECT_EQ(heard.size(), 2U);
}

TEST_F(Subscribing, AHandleThatGoesEndsIt) {
    { const auto handle = subscribe(VirtualEvent::Up); }
    publish(ServiceState::Running);
    EXPECT_TRUE(heard.empty());
}

TEST_F(Subscribing, ACallbackMaySubscribeAndEndSubscriptions) {
    Subscriptions::Handle inner, outer;
    outer = subscriptions->subscribe("web", VirtualEvent::Up, [&](const AppStatus&) {
        inner = subscribe(VirtualEvent::Up);
        outer = Subscriptions::Handle();
    });
    publish(ServiceState::Running);
    EXPECT_EQ(heard.size(), 1U);
}

}  // namespace
}  // namespace podreeve::supervise
