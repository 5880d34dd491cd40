// What is kept of a task beside its status.
#include <gtest/gtest.h>

#include "tests/unit/state/engine.h"

namespace podreeve::state {
namespace {

using test::Engine;
using test::MemoryDir;
using test::no_op;
using test::one_task;

TEST(TaskProgress, IsWholeForWhatHasEndedAndToldNoneOfItsOwn) {
    const MemoryDir dir;
    fakes::FakeTime time;
    Engine engine(dir.path(), time);
    engine.runner().add_handlers("a", no_op());
    engine.runner().add_handlers("bad", {.run = [](TaskContext& task) -> TaskOutcome {
                                     task.progress({"layers", 3, 7});
                                     return Error{Code::Internal, "no"};
                                 }});
    NewChange change = one_task("a");
    change.tasks.push_back({.kind = "bad", .summary = "Bad", .after = {0}});
    change.tasks.push_back({.kind = "a", .summary = "Never", .after = {1}});
    const ChangeId id = engine.add(change);
    EXPECT_EQ(engine.change(id).tasks[0].progress.done, 0);
    engine.run_until_idle();
    EXPECT_EQ(engine.statuses(id), "Undone Error Hold");
    EXPECT_EQ(engine.change(id).tasks[0].progress.done, 1);
    EXPECT_EQ(engine.change(id).tasks[1].progress.done, 3) << "it stands where it was cut";
    EXPECT_EQ(engine.change(id).tasks[2].progress.done, 1);
}

TEST(TaskTimes, AreCountedEachWayAndKept) {
    const MemoryDir dir;
    fakes::FakeTime time;
    ChangeId id = 0;
    {
        Engine engine(dir.path(), time);
        const auto slow = [&](TaskContext& task) -> TaskOutcome {
            time.set_wall(time.system_now() + std::chrono::hours(1));
            return task.kind() == "bad" ? TaskOutcome(Error{Code::Internal, "no"}) : TaskDone{};
        };
        std::vector<std::function<void()>> jobs;
        TaskRunner runner(engine.state(), time, time,
                          [&](std::function<void()> job) { jobs.push_back(std::move(job)); });
        runner.add_handlers("a", {.run = slow, .undo = slow});
        runner.add_handlers("bad", {.run = slow});
        NewChange change = one_task("a");
        change.tasks.push_back({.kind = "bad", .summary = "Bad", .after = {0}});
        id = engine.add(change);
        runner.ensure();
        for (const int took : {2, 3, 5}) {
            ASSERT_EQ(jobs.size(), 1U);
            time.advance(std::chrono::seconds(took));
            std::exchange(jobs, {})[0]();
            time.run_posted();
        }
        EXPECT_EQ(engine.statuses(id), "Undone Error");
    }
    Engine engine(dir.path(), time);
    EXPECT_EQ(engine.change(id).tasks[0].doing, std::chrono::seconds(2));
    EXPECT_EQ(engine.change(id).tasks[0].undoing, std::chrono::seconds(5));
    EXPECT_EQ(engine.change(id).tasks[1].doing, std::chrono::seconds(3));
}

}  // namespace
}  // namespace podreeve::state
