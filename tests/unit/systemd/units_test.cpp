#include "runtime/systemd/units.h"

#include <future>
#include <memory>
#include <poll.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fakes/fake_systemd/fake_systemd.h"
#include "tests/fakes/fake_systemd/private_bus.h"

namespace podreeve::systemd {
namespace {

using fakes::FakeUnit;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kLong{20};

FakeUnit running() {
    FakeUnit unit;
    unit.active = "active";
    unit.sub = "running";
    unit.main_pid = 4711;
    unit.invocation = 1;
    return unit;
}

class UnitControlTest : public testing::Test {
  protected:
    void SetUp() override {
        FakeUnit failed;
        failed.active = failed.sub = "failed";
        failed.result = "exit-code";
        failed.exit_status = 3;
        auto world = systemd->world.lock();
        world->units["web.service"] = running();
        world->units["db.service"] = failed;
        world->units["idle.service"] = {};
    }

    std::vector<std::string> log() { return systemd->world.lock()->log; }

    void await_call(const std::string& method) {
        for (int i = 0; i < 20'000 && systemd->calls(method) == 0; ++i) {
            ::poll(nullptr, 0, 1);
        }
        ASSERT_GT(systemd->calls(method), 0);
    }

    fakes::PrivateBus bus;
    std::unique_ptr<fakes::FakeSystemd> systemd =
        std::make_unique<fakes::FakeSystemd>(bus.address());
    UnitControl control{bus.address()};
};

TEST_F(UnitControlTest, ReadsThatAStopMayTakeForEver) {
    systemd->change("web.service", [](FakeUnit& unit) { unit.stop_usec = ~std::uint64_t{0}; });
    const auto web = control.state("web.service", kLong);
    ASSERT_TRUE(web) << web.error().message;
    EXPECT_EQ(web->stop_within, Duration::max());
}

TEST_F(UnitControlTest, ReadsTheStateOfAUnit) {
    systemd->change("web.service", [](FakeUnit& unit) {
        unit.active_since = WallTime(seconds(1'700'000'000));
        unit.restarts = 2;
        unit.stop_usec = 110'000'000;
    });
    const auto web = control.state("web.service", kLong);
    ASSERT_TRUE(web) << web.error().message;
    EXPECT_EQ(web->id, "web.service");
    EXPECT_EQ(web->load_state, "loaded");
    EXPECT_EQ(web->load_error, "");
    EXPECT_EQ(web->sub_state, "running");
    EXPECT_EQ(web->file_state, "static");
    EXPECT_EQ(web->main_pid, 4711);
    EXPECT_EQ(web->restarts, 2U);
    EXPECT_EQ(web->stop_within, seconds(110));
    EXPECT_EQ(web->active_since, WallTime(seconds(1'700'000'000)));
    EXPECT_EQ(web->invocation, "00000000000000000000000000000001");
    EXPECT_TRUE(web->is_active());
    const auto db = control.state("db.service", kLong);
    ASSERT_TRUE(db);
    EXPECT_EQ(db->result, "exit-code");
    EXPECT_EQ(db->exit_status, 3);
    EXPECT_EQ(db->main_pid, 0);
    EXPECT_EQ(db->invocation, "");
}

TEST_F(UnitControlTest, ReadsAUnitThatIsNotThereAsNotFound) {
    const auto state = control.state("none.service", kLong);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->load_state, "not-found");
    EXPECT_EQ(state->load_error, "Unit not found.");
    EXPECT_EQ(state->fragment_path, "");
}

TEST_F(UnitControlTest, ReadsAUnitThatIsNoService) {
    systemd->change("podman.socket", [](FakeUnit& unit) {
        unit.active = "active";
        unit.sub = "listening";
    });
    const auto state = control.state("podman.socket", kLong);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->sub_state, "listening");
    EXPECT_EQ(state->result, "");
}

TEST_F(UnitControlTest, WaitsForTheEndOfItsJob) {
    for (const bool early : {false, true}) {
        systemd->world.lock()->scripts["idle.service"].ends_before_reply = early;
        const auto started = control.start("idle.service", kLong);
        ASSERT_TRUE(started) << started.error().message;
        EXPECT_EQ(started->word, "done");
        EXPECT_TRUE(started->succeeded());
        EXPECT_EQ(control.state("idle.service", kLong)->active_state, "active");
        const auto stopped = control.stop("idle.service", kLong);
        ASSERT_TRUE(stopped) << stopped.error().message;
        EXPECT_EQ(control.state("idle.service", kLong)->active_state, "inactive");
    }
    EXPECT_TRUE(control.restart("web.service", kLong));
    EXPECT_EQ(log(), (std::vector<std::string>{"Subscribe", "StartUnit idle.service replace",
                                               "Subscribe", "StopUnit idle.service replace",
                                               "Subscribe", "StartUnit idle.service replace",
                                               "Subscribe", "StopUnit idle.service replace",
                                               "Subscribe", "RestartUnit web.service replace"}));
}

TEST_F(UnitControlTest, TellsHowAJobFailedAndWhatHelps) {
    const std::pair<const char*, const char*> rows[] = {
        {"failed",
         "cannot start idle.service: it failed (exit-code 3); `journalctl --user -u idle.service` "
         "shows more"},
        {"dependency",
         "cannot start idle.service: a unit that it requires did not start; `systemctl --user "
         "list-dependencies idle.service` shows which"},
        {"canceled", "cannot start idle.service: another job took the place of this one"},
        {"timeout",
         "cannot start idle.service: the job took longer than the JobTimeoutSec= of its unit file"},
        {"assert", "cannot start idle.service: an Assert…= of its unit file does not hold"},
        {"collected", "cannot start idle.service: systemd ended the job as \"collected\""},
    };
    for (const auto& [word, why] : rows) {
        systemd->world.lock()->scripts["idle.service"] = {word, 3, false, 0};
        const auto started = control.start("idle.service", kLong);
        ASSERT_TRUE(started) << started.error().message;
        EXPECT_EQ(started->word, word);
        EXPECT_FALSE(started->succeeded());
        EXPECT_FALSE(started->start_limit) << word;
        EXPECT_EQ(started->why, why);
    }
}

TEST_F(UnitControlTest, TellsAStartLimitAndHowToLiftIt) {
    systemd->world.lock()->scripts["idle.service"] = {"failed", 1, false, 2};
    for (const bool limited : {false, false, true, true}) {
        const auto started = control.start("idle.service", kLong);
        ASSERT_TRUE(started) << started.error().message;
        EXPECT_EQ(started->start_limit, limited);
        EXPECT_EQ(started->why.find("`systemctl --user reset-failed idle.service` lets it start") !=
                      std::string::npos,
                  limited)
            << started->why;
    }
    ASSERT_TRUE(control.reset_failed("idle.service", kLong));
    systemd->world.lock()->scripts["idle.service"].job_result = "done";
    const auto started = control.start("idle.service", kLong);
    ASSERT_TRUE(started);
    EXPECT_TRUE(started->succeeded());
}

TEST_F(UnitControlTest, SaysHowToUnmaskAUnit) {
    systemd->mask("idle.service");
    UnitControl of_the_host(bus.address(), Scope::System);
    const auto started = of_the_host.start("idle.service", kLong);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Code::Conflict);
    EXPECT_EQ(started.error().message,
              "cannot start idle.service: Unit idle.service is masked. `systemctl unmask "
              "idle.service` lets it start again.");
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
    EXPECT_EQ(log(), (std::vector<std::string>{"Reload", "ResetFailedUnit db.service"}));
    EXPECT_EQ(control.state("db.service", kLong)->active_state, "inactive");
}

TEST_F(UnitControlTest, SaysWhatSystemdRefuses) {
    systemd->world.lock()->faults["Reload"] = {"org.freedesktop.DBus.Error.AccessDenied",
                                               "Not you"};
    const Status reloaded = control.daemon_reload(kLong);
    ASSERT_FALSE(reloaded);
    EXPECT_EQ(reloaded.error(), (Error{Code::Denied, "cannot reload systemd: Not you"}));
}

TEST_F(UnitControlTest, GivesUpOnAJobThatDoesNotEnd) {
    systemd->world.lock()->scripts["idle.service"].job_result = "";
    const SteadyTime before = SystemClock().steady_now();
    const auto started = control.start("idle.service", milliseconds(150));
    const Duration took = SystemClock().steady_now() - before;
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Code::Timeout) << started.error().message;
    EXPECT_GE(took, milliseconds(150));
    EXPECT_LT(took, seconds(5));
}

TEST_F(UnitControlTest, StopsWaitingWhenItIsTold) {
    systemd->world.lock()->scripts["idle.service"].job_result = "";
    std::stop_source stop;
    auto started = std::async(std::launch::async, [&] {
        return control.start("idle.service", {kLong, stop.get_token()});
    });
    await_call("StartUnit");
    stop.request_stop();
    const auto result = started.get();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), (Error{Code::Cancelled, "cannot start idle.service: stopped"}));
    const auto late = control.start("idle.service", {kLong, stop.get_token()});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Code::Cancelled);
}

TEST_F(UnitControlTest, DoesNotWaitForAJobOfASystemdThatIsGone) {
    systemd->world.lock()->scripts["idle.service"].job_result = "";
    for (const bool comes_back : {false, true}) {
        systemd->forget_calls();
        auto started =
            std::async(std::launch::async, [&] { return control.start("idle.service", kLong); });
        await_call("StartUnit");
        systemd->leave();
        if (comes_back) {
            systemd->join();
        }
        const auto result = started.get();
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, Code::Unavailable) << result.error().message;
        if (!comes_back) {
            systemd->join();
        }
    }
}

TEST_F(UnitControlTest, RunsJobsOfManyThreadsAtOnce) {
    constexpr int kThreads = 8;
    systemd->world.lock()->scripts["idle.service"].job_result = "";
    std::vector<std::future<Result<JobResult>>> others;
    auto slow =
        std::async(std::launch::async, [&] { return control.start("idle.service", kLong); });
    await_call("StartUnit");
    for (int i = 0; i < kThreads; ++i) {
        const std::string unit = "app" + std::to_string(i) + ".service";
        systemd->change(unit, [](FakeUnit&) {});
        others.push_back(
            std::async(std::launch::async, [&, unit] { return control.start(unit, kLong); }));
    }
    for (auto& other : others) {
        const auto result = other.get();
        ASSERT_TRUE(result) << result.error().message;
        EXPECT_TRUE(result->succeeded());
    }
    systemd->finish_job("idle.service", "done");
    const auto result = slow.get();
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->word, "done");
}

TEST_F(UnitControlTest, KnowsNothingWhenSystemdIsNotOnTheBus) {
    systemd.reset();
    const auto state = control.state("web.service", kLong);
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, Code::Unavailable) << state.error().message;
}

TEST_F(UnitControlTest, IsAnsweredAgainWhenTheBusComesBack) {
    ASSERT_TRUE(control.state("web.service", kLong));
    bus.stop();
    for (int i = 0; i < 3; ++i) {
        const auto lost = control.state("web.service", kLong);
        ASSERT_FALSE(lost);
        EXPECT_EQ(lost.error().code, Code::Unavailable) << lost.error().message;
    }
    systemd.reset();
    bus.start();
    systemd = std::make_unique<fakes::FakeSystemd>(bus.address());
    systemd->world.lock()->units["web.service"] = {};
    const auto started = control.start("web.service", kLong);
    ASSERT_TRUE(started) << started.error().message;
}

TEST_F(UnitControlTest, IsRefused) {
    systemd.reset();
    const std::pair<fakes::PrivateBus::Manners, const char*> rows[] = {
        {fakes::PrivateBus::Manners::RefusesEverybody, "refuses us"},
        {fakes::PrivateBus::Manners::RefusesCalls, "Rejected send message"},
    };
    for (const auto& [manners, words] : rows) {
        bus.stop();
        bus.start(manners);
        fakes::FakeSystemd* own = nullptr;
        if (manners == fakes::PrivateBus::Manners::RefusesCalls) {
            systemd = std::make_unique<fakes::FakeSystemd>(bus.address());
            own = systemd.get();
        }
        const auto state = control.state("web.service", kLong);
        ASSERT_FALSE(state);
        EXPECT_EQ(state.error().code, Code::Denied) << state.error().message;
        EXPECT_NE(state.error().message.find(words), std::string::npos) << state.error().message;
        EXPECT_TRUE(own == nullptr || own->all_calls() == 0);
    }
}

TEST_F(UnitControlTest, IsNotHeldByABusThatHangs) {
    bus.freeze();
    const SteadyTime before = SystemClock().steady_now();
    const auto state = control.state("web.service", milliseconds(150));
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, Code::Timeout) << state.error().message;
    EXPECT_LT(SystemClock().steady_now() - before, seconds(5));
}

TEST_F(UnitControlTest, IsNotHeldByASystemdThatHangs) {
    systemd->hold("LoadUnit");
    const SteadyTime before = SystemClock().steady_now();
    const auto state = control.state("web.service", milliseconds(150));
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, Code::Timeout) << state.error().message;
    EXPECT_LT(SystemClock().steady_now() - before, seconds(5));
    systemd->release();
    EXPECT_TRUE(control.state("web.service", kLong));
}

TEST(UnitControl, SaysThatThereIsNoBus) {
    UnitControl control("unix:path=/no/such/bus");
    const auto state = control.state("web.service", kLong);
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, Code::Unavailable) << state.error().message;
    EXPECT_TRUE(state.error().message.find("/no/such/bus") != std::string::npos);
}

TEST(Scope, FindsTheBusOfAUser) {
    EXPECT_EQ(default_address(0), "unix:path=/run/dbus/system_bus_socket");
    EXPECT_EQ(default_address(1000), "unix:path=/run/user/1000/bus");
}

}  // namespace
}  // namespace podreeve::systemd
