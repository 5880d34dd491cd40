#include "agent/state/ensure_loop.h"

#include <gtest/gtest.h>

#include "tests/unit/state/engine.h"

namespace podreeve::state {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::Engine;
using test::Journal;
using test::MemoryDir;
using test::no_op;
using test::one_task;

class Rounds : public testing::Test {
  protected:
    Component noted(const std::string& name, Status reply = {}) {
        return {.name = name,
                .start_up = [this, name]() -> Status {
                    journal_.add(name + ":up");
                    return {};
                },
                .ensure = [this, name, reply]() -> Status {
                    journal_.add(name);
                    return reply;
                },
                .stop = [this, name] { journal_.add(name + ":stop"); }};
    }

    fakes::FakeTime time_;
    Journal journal_;
    EnsureLoop loop_{time_, time_};
};

TEST_F(Rounds, StartUpOnceThenEnsureInOrderAndStopBackwards) {
    loop_.add(noted("a"));
    loop_.add(noted("b"));
    ASSERT_TRUE(loop_.start_up());
    loop_.stop();
    loop_.stop();
    EXPECT_EQ(journal_.text(), "a:up b:up a b b:stop a:stop");
}

TEST_F(Rounds, AreAtMostFiveMinutesApart) {
    loop_.add(noted("a"));
    ASSERT_TRUE(loop_.start_up());
    for (std::size_t round = 2; round < 6; ++round) {
        time_.advance(minutes(5) - seconds(1));
        EXPECT_EQ(journal_.count("a"), round - 1);
        time_.advance(seconds(1));
        EXPECT_EQ(journal_.count("a"), round);
    }
}

TEST_F(Rounds, ArePulledNearerAndNeverPutOff) {
    loop_.add(noted("a"));
    ASSERT_TRUE(loop_.start_up());
    loop_.ensure_before(seconds(10));
    loop_.ensure_before(minutes(4));
    time_.advance(seconds(10));
    EXPECT_EQ(journal_.count("a"), 2U);
    time_.advance(minutes(5) - seconds(1));
    EXPECT_EQ(journal_.count("a"), 2U) << "the next is counted from the last";
    time_.advance(seconds(1));
    EXPECT_EQ(journal_.count("a"), 3U);
}

TEST_F(Rounds, AreNotMadeBeforeTheStartOrAfterTheEnd) {
    loop_.add(noted("a"));
    loop_.ensure_before(seconds(1));
    ASSERT_TRUE(loop_.ensure());
    time_.advance(hours(1));
    EXPECT_EQ(journal_.text(), "");
    ASSERT_TRUE(loop_.start_up());
    loop_.stop();
    loop_.ensure_before(seconds(1));
    time_.advance(hours(1));
    EXPECT_EQ(journal_.text(), "a:up a a:stop");
}

TEST_F(Rounds, AskEveryComponentWhateverTheOthersAnswer) {
    loop_.add(noted("a", Error{Code::Internal, "cannot do a"}));
    loop_.add(noted("b", Error{Code::Internal, "cannot do b"}));
    loop_.add(noted("c"));
    const Status started = loop_.start_up();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().message, "a: cannot do a");
    EXPECT_EQ(journal_.text(), "a:up b:up c:up a b c");
    time_.advance(minutes(5));
    EXPECT_EQ(journal_.count("c"), 2U) << "an error ends the rounds";
}

TEST_F(Rounds, LetAComponentPullItsNextOneNearer) {
    loop_.add({.name = "a", .ensure = [this]() -> Status {
                   journal_.add("a");
                   loop_.ensure_before(seconds(7));
                   return {};
               }});
    ASSERT_TRUE(loop_.start_up());
    time_.advance(seconds(21));
    EXPECT_EQ(journal_.count("a"), 4U);
}

TEST_F(Rounds, SettleWhenAllHaveComeToRest) {
    const MemoryDir dir;
    Engine engine(dir.path(), time_);
    engine.runner().add_handlers("a", no_op());
    loop_.add({.name = "runner",
               .ensure = [&]() -> Status {
                   engine.runner().ensure();
                   return {};
               },
               .wait = [&] { engine.run_until_idle(); },
               .busy = [&] { return engine.runner().busy_with(); }});
    NewChange change = one_task("a", "web");
    change.tasks.push_back({.kind = "a", .summary = "More", .after = {0}});
    const ChangeId id = engine.add(change);
    ASSERT_TRUE(loop_.run_until_idle(3));
    EXPECT_EQ(engine.statuses(id), "Done Done");
}

TEST_F(Rounds, SayWhatDoesNotSettle) {
    loop_.add({.name = "calm"});
    loop_.add({.name = "runner", .busy = [] { return std::string("task 3 runs"); }});
    loop_.add({.name = "watch", .busy = [] { return std::string("podman is away"); }});
    const Status converged = loop_.run_until_idle(10);
    ASSERT_FALSE(converged);
    EXPECT_EQ(converged.error().code, Code::Timeout);
    EXPECT_EQ(converged.error().message,
              "cannot come to rest within 10 rounds: runner: task 3 runs; watch: podman is away");
}

TEST_F(Rounds, PruneEveryTenMinutes) {
    const MemoryDir dir;
    Engine engine(dir.path(), time_);
    engine.runner().add_handlers("a", no_op());
    loop_.add(pruning(engine.state(), time_));
    ASSERT_TRUE(loop_.start_up());
    const ChangeId id = engine.add(one_task("a"));
    engine.run_until_idle();
    time_.advance(hours(24));
    EXPECT_TRUE(engine.state().change(id).has_value());
    const std::uint64_t rows = engine.state().rows_written();
    time_.advance(minutes(10));
    EXPECT_FALSE(engine.state().change(id).has_value());
    const std::uint64_t pruned = engine.state().rows_written();
    EXPECT_GT(pruned, rows);
    time_.advance(hours(1));
    EXPECT_EQ(engine.state().rows_written(), pruned) << "pruning nothing writes something";
}

TEST(StartUpBudget, GrowsWithTheApps) {
    EXPECT_EQ(start_up_budget(0), seconds(30));
    EXPECT_EQ(start_up_budget(12), seconds(90));
}

}  // namespace
}  // namespace podreeve::state
