#include "tests/contract/systemd/subject.h"

// What systemd does with units, as podreeve relies on it.
namespace podreeve::contract {
namespace {

using std::chrono::seconds;
using systemd::UnitState;

using Units = SystemdContract;

TEST_F(Units, ThatNobodyDefinedAreNotFound) {
    watch_->watch({"contract-none.service"});
    const UnitState none = look_at("contract-none.service");
    EXPECT_EQ(none.id, "contract-none.service");
    EXPECT_EQ(none.load_state, "not-found");
    EXPECT_EQ(none.active_state, "inactive");
    EXPECT_EQ(none.file_state, "");
    EXPECT_EQ(none.invocation, "");
    EXPECT_FALSE(none.needs_reload);
    const auto started = control_->start("contract-none.service", kPatience);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Code::NotFound) << started.error().message;
    const auto stopped = control_->stop("contract-none.service", kPatience);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, Code::NotFound) << stopped.error().message;
}

TEST_F(Units, AreStartedRestartedAndStopped) {
    define("contract-web.service");
    watch_->watch({"contract-web.service"});
    EXPECT_EQ(look_at("contract-web.service").load_state, "loaded");
    EXPECT_EQ(look_at("contract-web.service").active_state, "inactive");
    expect_done(control_->start("contract-web.service", kPatience));
    const UnitState running = look_at("contract-web.service");
    EXPECT_EQ(running.active_state, "active");
    EXPECT_EQ(running.sub_state, "running");
    EXPECT_EQ(running.result, "success");
    EXPECT_EQ(running.file_state, "static");
    EXPECT_GT(running.main_pid, 0);
    EXPECT_EQ(running.invocation.size(), 32U);
    EXPECT_FALSE(running.has_job);
    EXPECT_LT(SystemClock().system_now() - running.active_since, seconds(600));
    expect_done(control_->restart("contract-web.service", kPatience));
    const UnitState again = look_at("contract-web.service");
    EXPECT_EQ(again.active_state, "active");
    EXPECT_NE(again.invocation, running.invocation);
    EXPECT_NE(again.main_pid, running.main_pid);
    EXPECT_GT(again.active_since, running.active_since);
    expect_done(control_->stop("contract-web.service", kPatience));
    const UnitState stopped = look_at("contract-web.service");
    EXPECT_EQ(stopped.active_state, "inactive");
    EXPECT_EQ(stopped.main_pid, 0);
    expect_done(control_->stop("contract-web.service", kPatience));
}

TEST_F(Units, AreKnownAfterTheirJobHowOftenSoever) {
    define("contract-web.service");
    watch_->watch({"contract-web.service"});
    for (int i = 0; i < 10; ++i) {
        expect_done(control_->start("contract-web.service", kPatience));
        ASSERT_EQ(look_at("contract-web.service").active_state, "active");
        expect_done(control_->stop("contract-web.service", kPatience));
        ASSERT_EQ(look_at("contract-web.service").active_state, "inactive");
    }
}

TEST_F(Units, HaveNamesWithEscapes) {
    const std::string name = "contract-a\\x2db@c\\x20d.service";
    define(name);
    watch_->watch({name});
    expect_done(control_->start(name, kPatience));
    EXPECT_EQ(look_at(name).active_state, "active");
    EXPECT_EQ(look_at(name).id, name);
    expect_done(control_->stop(name, kPatience));
    EXPECT_EQ(look_at(name).active_state, "inactive");
}

TEST_F(Units, ThatAreOneShotsWereNeverActiveWhenTheyAreOver) {
    define("contract-once.service", {.is_over_at_once = true});
    watch_->watch({"contract-once.service"});
    EXPECT_EQ(look_at("contract-once.service").inactive_since, WallTime{});
    for (int i = 0; i < 3; ++i) {
        const WallTime before = look_at("contract-once.service").inactive_since;
        expect_done(control_->start("contract-once.service", kPatience));
        EXPECT_TRUE(eventually("contract-once.service", [&](const UnitState& state) {
            return state.inactive_since > before;
        }));
        const UnitState over = look_at("contract-once.service");
        EXPECT_EQ(over.active_state, "inactive");
        EXPECT_EQ(over.result, "success");
        EXPECT_EQ(over.active_since, WallTime{});
    }
}

TEST_F(Units, FailWithTheirExitStatus) {
    define("contract-bad.service", {.fails = true});
    watch_->watch({"contract-bad.service"});
    const auto started = control_->start("contract-bad.service", kPatience);
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_EQ(started->word, "failed");
    EXPECT_FALSE(started->start_limit);
    EXPECT_NE(started->why.find("it failed (exit-code 3)"), std::string::npos) << started->why;
    const UnitState failed = look_at("contract-bad.service");
    EXPECT_EQ(failed.active_state, "failed");
    EXPECT_EQ(failed.result, "exit-code");
    EXPECT_EQ(failed.exit_status, 3);
    ASSERT_TRUE(control_->reset_failed("contract-bad.service", kPatience));
    EXPECT_TRUE(eventually("contract-bad.service", [](const UnitState& state) {
        return state.active_state == "inactive";
    }));
}

TEST_F(Units, AreNotStartedPastTheirLimitUntilItIsReset) {
    define("contract-bad.service", {.fails = true, .start_limit = 2});
    watch_->watch({"contract-bad.service"});
    for (const bool limited : {false, false, true, true}) {
        const auto started = control_->start("contract-bad.service", kPatience);
        ASSERT_TRUE(started) << started.error().message;
        EXPECT_EQ(started->word, "failed");
        EXPECT_EQ(started->start_limit, limited) << started->why;
        EXPECT_EQ(look_at("contract-bad.service").active_state, "failed");
    }
    ASSERT_TRUE(control_->reset_failed("contract-bad.service", kPatience));
    const auto started = control_->start("contract-bad.service", kPatience);
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_FALSE(started->start_limit) << started->why;
}

// systemd forgets a unit that is not in use, and with it how often it was started.
TEST_F(Units, AreStartedAnyNumberOfTimesWhenTheyWereStopped) {
    define("contract-web.service", {.start_limit = 2});
    for (int i = 0; i < 4; ++i) {
        expect_done(control_->start("contract-web.service", kPatience));
        expect_done(control_->stop("contract-web.service", kPatience));
    }
}

TEST_F(Units, AreNotRestartedPastTheirLimit) {
    define("contract-web.service", {.start_limit = 2});
    watch_->watch({"contract-web.service"});
    expect_done(control_->restart("contract-web.service", kPatience));
    expect_done(control_->restart("contract-web.service", kPatience));
    const auto restarted = control_->restart("contract-web.service", kPatience);
    ASSERT_TRUE(restarted) << restarted.error().message;
    EXPECT_EQ(restarted->word, "failed");
    EXPECT_TRUE(restarted->start_limit) << restarted->why;
    EXPECT_EQ(look_at("contract-web.service").active_state, "failed");
    EXPECT_EQ(look_at("contract-web.service").result, "start-limit-hit");
}

TEST_F(Units, AreRestartedBySystemdAndThatIsCounted) {
    define("contract-web.service", {.is_restarted = true});
    watch_->watch({"contract-web.service"});
    expect_done(control_->start("contract-web.service", kPatience));
    const UnitState before = look_at("contract-web.service");
    kill_process("contract-web.service", true);
    EXPECT_TRUE(eventually("contract-web.service", [&](const UnitState& state) {
        return state.active_state == "active" && state.invocation != before.invocation;
    }));
    EXPECT_EQ(look_at("contract-web.service").restarts, 1U);
}

TEST_F(Units, FailWhenTheirProcessIsKilled) {
    define("contract-web.service");
    watch_->watch({"contract-web.service"});
    expect_done(control_->start("contract-web.service", kPatience));
    kill_process("contract-web.service", false);
    EXPECT_TRUE(eventually("contract-web.service", [](const UnitState& state) {
        return state.active_state == "failed" && state.result == "signal" &&
               state.exit_status == 9 && state.main_pid == 0;
    }));
}

TEST_F(Units, AreNotStartedWhileTheyAreMasked) {
    define("contract-web.service");
    watch_->watch({"contract-web.service"});
    EXPECT_FALSE(look_at("contract-web.service").is_masked());
    expect_done(control_->start("contract-web.service", kPatience));
    mask("contract-web.service");
    EXPECT_TRUE(eventually("contract-web.service",
                           [](const UnitState& state) { return state.is_masked(); }));
    EXPECT_TRUE(look_at("contract-web.service").file_state.starts_with("masked"));
    EXPECT_EQ(look_at("contract-web.service").active_state, "active");
    expect_done(control_->stop("contract-web.service", kPatience));
    const auto started = control_->start("contract-web.service", kPatience);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Code::Conflict) << started.error().message;
    EXPECT_NE(started.error().message.find(" unmask contract-web.service`"), std::string::npos)
        << started.error().message;
    unmask("contract-web.service");
    EXPECT_TRUE(eventually("contract-web.service",
                           [](const UnitState& state) { return state.load_state == "loaded"; }));
    expect_done(control_->start("contract-web.service", kPatience));
}

TEST_F(Units, AreFollowedOverARestartOfSystemd) {
    define("contract-web.service");
    watch_->watch({"contract-web.service"});
    expect_done(control_->start("contract-web.service", kPatience));
    EXPECT_EQ(look_at("contract-web.service").active_state, "active");
    restart_systemd();
    EXPECT_TRUE(eventually("contract-web.service",
                           [](const UnitState& state) { return state.active_state == "active"; }));
    expect_done(control_->stop("contract-web.service", kPatience));
    EXPECT_EQ(look_at("contract-web.service").active_state, "inactive");
}

}  // namespace
}  // namespace podreeve::contract
