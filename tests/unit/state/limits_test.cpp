#include <gtest/gtest.h>

#include "agent/state/task_runner.h"
#include "tests/unit/state/engine.h"

// How many tasks of a sort run at once, and whose.
namespace podreeve::state {
namespace {

using test::no_op;
using test::one_task;

class Limits : public testing::Test {
  protected:
    test::Engine& engine(unsigned workers = 1) {
        if (!engine_) {
            engine_ = std::make_unique<test::Engine>(dir_.path(), time_, workers);
        }
        return *engine_;
    }

    // A handler that stops at the gate.
    TaskHandler held() {
        return [this](TaskContext& task) -> TaskOutcome {
            return gate_.pass(task.stop()) ? TaskOutcome(TaskDone{})
                                           : TaskOutcome(Error{Code::Cancelled, "cut off"});
        };
    }

    test::MemoryDir dir_;
    fakes::FakeTime time_;
    test::Gate gate_;
    std::unique_ptr<test::Engine> engine_;
};

TEST_F(Limits, CountsTheKindsOfOneSortTogether) {
    engine(12);
    const TaskHandlers stops{.run = held(), .undo = nullptr, .limit = 8, .sort = "stops"};
    engine().runner().add_handlers("stop-container", stops);
    engine().runner().add_handlers("stop-pod", stops);
    engine().runner().add_handlers("start-container", no_op());
    NewChange many{.kind = "test", .summary = "Many", .subject = "a", .tasks = {}};
    for (int i = 0; i < 16; ++i) {
        many.tasks.push_back({.kind = i < 8 ? "stop-container" : "stop-pod",
                              .summary = std::to_string(i),
                              .after = {}});
    }
    engine().add(many);
    const ChangeId other = engine().add(one_task("start-container"));
    engine().runner().ensure();
    EXPECT_TRUE(engine().posted().run_until([&] { return engine().change(other).is_ready; }));
    gate_.open();
    engine().run_until_idle();
}

TEST_F(Limits, GivesOneSubjectNoMoreThanItsShareWhileAnotherWaits) {
    engine(8);
    engine().runner().add_handlers("a", {.run = held(), .undo = nullptr, .limit = 4, .share = 2});
    const auto many = [](const char* subject) {
        NewChange change{.kind = "test", .summary = "Many", .subject = subject, .tasks = {}};
        for (int i = 0; i < 6; ++i) {
            change.tasks.push_back({.kind = "a", .summary = std::to_string(i), .after = {}});
        }
        return change;
    };
    const ChangeId first = engine().add(many("web"));
    const ChangeId second = engine().add(many("db"));
    engine().runner().ensure();
    EXPECT_EQ(engine().statuses(first), "Doing Doing Do Do Do Do");
    EXPECT_EQ(engine().statuses(second), "Doing Doing Do Do Do Do");
    gate_.open();
    engine().run_until_idle();
    EXPECT_TRUE(engine().change(first).is_ready);
    EXPECT_TRUE(engine().change(second).is_ready);
}

TEST_F(Limits, GivesOneSubjectAllTheRoomWhileNobodyElseWaits) {
    engine(8);
    engine().runner().add_handlers("a", {.run = held(), .undo = nullptr, .limit = 4, .share = 2});
    NewChange change{.kind = "test", .summary = "Many", .subject = "web", .tasks = {}};
    for (int i = 0; i < 6; ++i) {
        change.tasks.push_back({.kind = "a", .summary = std::to_string(i), .after = {}});
    }
    const ChangeId only = engine().add(change);
    engine().runner().ensure();
    EXPECT_EQ(engine().statuses(only), "Doing Doing Doing Doing Do Do");
    gate_.open();
    engine().run_until_idle();
}

}  // namespace
}  // namespace podreeve::state
