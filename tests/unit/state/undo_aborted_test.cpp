#include <gtest/gtest.h>

#include "agent/state/task_runner.h"
#include "tests/unit/state/engine.h"

// An undo that gets nowhere can be given up by a person.
namespace podreeve::state {
namespace {

using test::one_task;

class UndoAborted : public testing::Test {
  protected:
    test::MemoryDir dir_;
    fakes::FakeTime time_;
    test::Gate gate_;
    test::Engine engine_{dir_.path(), time_, 1};
};

// As while systemd is away for good.
TEST_F(UndoAborted, IsGivenUpWhetherItWaitsOrRuns) {
    for (const bool runs : {false, true}) {
        const std::string kind = runs ? "runs" : "waits";
        engine_.runner().add_handlers(
            kind, {.run = [](TaskContext&) -> TaskOutcome { return TaskDone{}; },
                   .undo = [this, runs](TaskContext& task) -> TaskOutcome {
                       if (!runs) {
                           return TaskRetry{std::chrono::minutes(1), "nobody answers"};
                       }
                       gate_.pass(task.stop());
                       return Error{Code::Cancelled, "cut off"};
                   }});
        const ChangeId id = engine_.add(one_task(kind));
        engine_.run_until_idle();
        ASSERT_EQ(engine_.statuses(id), "Done");
        const auto undo = engine_.state().undo_change(id);
        ASSERT_TRUE(undo);
        engine_.runner().ensure();
        ASSERT_TRUE(
            engine_.posted().run_until([&] { return engine_.statuses(*undo) == "Undoing"; }));
        ASSERT_TRUE(engine_.state().abort_change(*undo));
        ASSERT_TRUE(engine_.state().abort_change(*undo)) << "twice is once";
        EXPECT_TRUE(engine_.posted().run_until([&] { return engine_.change(*undo).is_ready; }));
        EXPECT_EQ(engine_.statuses(*undo), "Error");
    }
}

TEST_F(UndoAborted, OfAChangeIsGivenUpWhenAPersonAsksTwice) {
    engine_.runner().add_handlers("a",
                                  {.run = [](TaskContext&) -> TaskOutcome { return TaskDone{}; },
                                   .undo = [](TaskContext&) -> TaskOutcome {
                                       return TaskRetry{std::chrono::minutes(1), "nobody answers"};
                                   }});
    engine_.runner().add_handlers("b", {.run = [](TaskContext&) -> TaskOutcome {
                                      return Error{Code::Internal, "cannot"};
                                  }});
    NewChange two = one_task("a");
    two.tasks.push_back({.kind = "b", .summary = "b", .after = {0}});
    const ChangeId id = engine_.add(two);
    engine_.runner().ensure();
    ASSERT_TRUE(
        engine_.posted().run_until([&] { return engine_.statuses(id) == "Undoing Error"; }));
    ASSERT_TRUE(engine_.state().abort_change(id));
    engine_.runner().ensure();
    EXPECT_EQ(engine_.statuses(id), "Undoing Error") << "the first takes back what it did";
    ASSERT_TRUE(engine_.state().abort_change(id));
    EXPECT_TRUE(engine_.posted().run_until([&] { return engine_.change(id).is_ready; }));
    EXPECT_EQ(engine_.statuses(id), "Error Error");
}

}  // namespace
}  // namespace podreeve::state
