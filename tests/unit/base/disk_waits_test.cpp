#include "runtime/base/disk_waits.h"

#include <future>
#include <optional>

#include <gtest/gtest.h>

#include "runtime/base/log.h"
#include "tests/fakes/fake_time.h"

namespace podreeve {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Looked at by hand, by a clock that is turned by hand.
class DiskWaitsTest : public testing::Test {
  protected:
    DiskWaitsTest() {
        log::init(log::Sink::Journal, "info");
        waits.on_turn([this] { ++called; });
    }

    // A second at a time.
    void go_on(Duration duration) {
        for (Duration gone{}; gone < duration; gone += seconds(1)) {
            time.advance(seconds(1));
            waits.look();
        }
    }

    std::string logged(const std::function<void()>& act) {
        testing::internal::CaptureStderr();
        act();
        return testing::internal::GetCapturedStderr();
    }

    fakes::FakeTime time;
    DiskWaits waits{time, "/state", Duration{}};
    int called = 0;
};

TEST_F(DiskWaitsTest, CallBackEachSecondWhileSomebodyWaits) {
    go_on(seconds(3));
    EXPECT_EQ(called, 0) << "nobody waits";
    {
        const auto wait = waits.begin();
        go_on(seconds(40));
        EXPECT_EQ(called, 40);
    }
    go_on(seconds(3));
    EXPECT_EQ(called, 40) << "nobody waits any more";
}

TEST_F(DiskWaitsTest, CallNobodyBackOnceItHasTakenTooLong) {
    const auto wait = waits.begin();
    go_on(minutes(5));
    EXPECT_EQ(called, 299);
    go_on(minutes(1));
    EXPECT_EQ(called, 299);
}

TEST_F(DiskWaitsTest, CountFromTheLastTimeItAnsweredWhoWaitsLongest) {
    for (int i = 0; i < 20; ++i) {
        const auto wait = waits.begin();
        go_on(minutes(1));
    }
    EXPECT_EQ(called, 20 * 60) << "slow, but it answers";
    std::optional<DiskWaits::Wait> first(waits.begin());
    time.advance(seconds(4));
    const auto second = waits.begin();
    time.advance(seconds(3));
    EXPECT_NE(waits.trouble().find("for 7s"), std::string::npos) << waits.trouble();
    first.reset();
    EXPECT_EQ(waits.trouble(), "");
}

TEST_F(DiskWaitsTest, AreToldWhenTheyAreNotUsualAndWhenTheyAreOver) {
    std::optional<DiskWaits::Wait> wait(waits.begin());
    EXPECT_EQ(logged([&] { go_on(seconds(4)); }), "");
    EXPECT_EQ(waits.trouble(), "");
    EXPECT_EQ(logged([&] { go_on(seconds(30)); }),
              "<4>the disk of /state has not answered for 5s; what runs goes on, and nothing is "
              "started, stopped or repaired until it does\n");
    EXPECT_NE(waits.trouble().find("for 34s"), std::string::npos) << waits.trouble();
    EXPECT_NE(logged([&] { go_on(minutes(5)); }).find("systemd may end the agent"),
              std::string::npos);
    EXPECT_EQ(logged([&] { wait.reset(); }), "<6>the disk of /state answers again, after 5m\n");
    EXPECT_EQ(waits.trouble(), "");
}

TEST_F(DiskWaitsTest, OfTheUsualLengthAreNotTold) {
    EXPECT_EQ(logged([&] {
                  for (int i = 0; i < 10; ++i) {
                      const auto wait = waits.begin();
                      go_on(seconds(2));
                  }
              }),
              "");
}

TEST(DiskWaitsThread, IsThereWhileSomebodyWaitsAndAgainForTheNext) {
    fakes::FakeTime time;
    DiskWaits waits(time, "/state", milliseconds(1));
    for (int i = 0; i < 2; ++i) {
        std::promise<void> called;
        waits.on_turn([&called, done = std::make_shared<bool>(false)] {
            if (!std::exchange(*done, true)) {
                called.set_value();
            }
        });
        const auto wait = waits.begin();
        EXPECT_EQ(called.get_future().wait_for(seconds(20)), std::future_status::ready);
        waits.on_turn({});
    }
}

}  // namespace
}  // namespace podreeve
