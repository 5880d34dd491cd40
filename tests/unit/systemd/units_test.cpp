#include "runtime/systemd/units.h"

#include <memory>

#include <gtest/gtest.h>

#include "tests/unit/systemd/fake_systemd.h"

namespace podreeve::systemd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kLong = seconds(10);

class UnitControlTest : public testing::Test {
  protected:
    void SetUp() override {
        systemd = std::make_unique<FakeSystemd>(bus.address());
        systemd->world.lock()->units["web.service"] = {"active", "running", "success",
                                                       4711,     "done",    false};
        systemd->world.lock()->units["db.service"] = {"failed", "failed", "exit-code",
                                                      0,        "failed", false};
    }

    std::vector<std::string> calls() { return systemd->world.lock()->calls; }

    PrivateBus bus;
    std::unique_ptr<FakeSystemd> systemd;
    UnitControl control{bus.address()};
};

TEST_F(UnitControlTest, ListsUnitsByPattern) {
    const auto units = control.list_units_by_patterns({"web*", "db*"}, kLong);
    ASSERT_TRUE(units) << units.error().message;
    EXPECT_EQ(*units,
              (std::vector<UnitSummary>{{"db.service", "A unit", "loaded", "failed", "failed"},
                                        {"web.service", "A unit", "loaded", "active", "running"}}));
    EXPECT_EQ(calls().back(), "ListUnitsByPatterns web* db*");
}

TEST_F(UnitControlTest, ReadsTheStateOfAUnit) {
    const auto web = control.state("web.service", kLong);
    ASSERT_TRUE(web) << web.error().message;
    EXPECT_EQ(*web, (UnitState{"loaded", "active", "running", "/run/systemd/generator/web.service",
                               true, "success", 4711}));
    const auto db = control.state("db.service", kLong);
    ASSERT_TRUE(db);
    EXPECT_EQ(db->result, "exit-code");
    EXPECT_EQ(db->main_pid, 0);
}

TEST_F(UnitControlTest, ReadsAUnitThatIsNotThereAsNotFound) {
    const auto state = control.state("none.service", kLong);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->load_state, "not-found");
    EXPECT_EQ(state->fragment_path, "");
}

TEST_F(UnitControlTest, ReadsAUnitThatIsNoService) {
    systemd->world.lock()->units["podman.socket"] = {"active", "listening", "", 0, "done", false};
    const auto state = control.state("podman.socket", kLong);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->sub_state, "listening");
    EXPECT_EQ(state->result, "");
}

TEST_F(UnitControlTest, WaitsForTheEndOfItsJob) {
    for (const bool early : {false, true}) {
        systemd->world.lock()->units["web.service"].ends_before_reply = early;
        const auto started = control.start("web.service", kLong);
        ASSERT_TRUE(started) << started.error().message;
        EXPECT_EQ(started->word, "done");
        EXPECT_TRUE(started->succeeded());
    }
    EXPECT_TRUE(control.stop("web.service", kLong));
    EXPECT_TRUE(control.restart("web.service", kLong));
    EXPECT_EQ(calls(),
              (std::vector<std::string>{
                  "Subscribe", "StartUnit web.service replace", "StartUnit web.service replace",
                  "StopUnit web.service replace", "RestartUnit web.service replace"}));
}

TEST_F(UnitControlTest, TellsHowAJobFailed) {
    for (const char* word : {"failed", "dependency", "canceled", "timeout"}) {
        systemd->world.lock()->units["db.service"].job_result = word;
        const auto started = control.start("db.service", kLong);
        ASSERT_TRUE(started) << started.error().message;
        EXPECT_EQ(started->word, word);
        EXPECT_FALSE(started->succeeded());
    }
}

TEST_F(UnitControlTest, SaysThatAUnitDoesNotExist) {
    const auto started = control.start("none.service", kLong);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Code::NotFound);
    EXPECT_EQ(started.error().message, "cannot start none.service: Unit none.service not found.");
    const Status reset = control.reset_failed("none.service", kLong);
    ASSERT_FALSE(reset);
    EXPECT_EQ(reset.error().code, Code::NotFound);
}

TEST_F(UnitControlTest, ReloadsAndResets) {
    EXPECT_TRUE(control.daemon_reload(kLong));
    EXPECT_TRUE(control.reset_failed("db.service", kLong));
    EXPECT_EQ(calls(),
              (std::vector<std::string>{"Subscribe", "Reload", "ResetFailedUnit db.service"}));
}

TEST_F(UnitControlTest, GivesUpOnAJobThatDoesNotEnd) {
    systemd->world.lock()->units["web.service"].job_result = "";
    const SteadyTime before = SystemClock().steady_now();
    const auto started = control.start("web.service", milliseconds(150));
    const Duration took = SystemClock().steady_now() - before;
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Code::Timeout);
    EXPECT_GE(took, milliseconds(150));
    EXPECT_LT(took, seconds(5));
    // The connection is good for the next call.
    EXPECT_TRUE(control.state("web.service", kLong));
}

TEST_F(UnitControlTest, KnowsNothingWhenSystemdIsNotOnTheBus) {
    systemd.reset();
    const auto state = control.state("web.service", kLong);
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, Code::Unavailable) << state.error().message;
}

TEST_F(UnitControlTest, ConnectsAnewWhenTheBusComesBack) {
    ASSERT_TRUE(control.state("web.service", kLong));
    bus.stop();
    for (int i = 0; i < 3; ++i) {
        const auto lost = control.state("web.service", kLong);
        ASSERT_FALSE(lost);
        EXPECT_EQ(lost.error().code, Code::Unavailable) << lost.error().message;
    }
    systemd.reset();
    bus.start();
    systemd = std::make_unique<FakeSystemd>(bus.address());
    systemd->world.lock()->units["web.service"] = {};
    const auto started = control.start("web.service", kLong);
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_EQ(calls().front(), "Subscribe");
}

TEST_F(UnitControlTest, IsNotHeldByABusThatHangs) {
    UnitControl connected(bus.address());
    ASSERT_TRUE(connected.state("web.service", kLong));
    bus.freeze();
    for (UnitControl* each : {&control, &connected}) {
        const SteadyTime before = SystemClock().steady_now();
        const auto state = each->state("web.service", milliseconds(150));
        ASSERT_FALSE(state);
        EXPECT_EQ(state.error().code, Code::Timeout) << state.error().message;
        EXPECT_LT(SystemClock().steady_now() - before, seconds(5));
    }
}

TEST(UnitControl, SaysThatThereIsNoBus) {
    UnitControl control("unix:path=/no/such/bus");
    const auto state = control.state("web.service", kLong);
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, Code::Unavailable) << state.error().message;
    EXPECT_TRUE(state.error().message.find("/no/such/bus") != std::string::npos);
}

TEST(UnitControl, FindsTheBusOfAUser) {
    EXPECT_EQ(UnitControl::default_address(0), "unix:path=/run/dbus/system_bus_socket");
    EXPECT_EQ(UnitControl::default_address(1000), "unix:path=/run/user/1000/bus");
}

}  // namespace
}  // namespace podreeve::systemd
