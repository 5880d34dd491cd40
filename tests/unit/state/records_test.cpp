#include "agent/state/records.h"

#include <gtest/gtest.h>

#include "agent/state/change_draft.h"

namespace podreeve::state {
namespace {

using S = TaskStatus;

const WallTime kNow{std::chrono::seconds(1000)};

struct Spec {
    S status = S::Do;
    std::vector<std::size_t> after{};
    std::vector<int> lanes{1};
};

ChangeRecord make(const std::vector<Spec>& specs) {
    ChangeRecord change;
    change.id = 3;
    change.kind = "test";
    std::vector<std::vector<std::size_t>> before;
    for (const Spec& spec : specs) {
        TaskRecord task;
        task.id = 10 + static_cast<TaskId>(change.tasks.size());
        task.summary = "Task " + std::to_string(task.id);
        task.status = spec.status;
        task.waited = spec.status == S::Wait ? S::Done : S::Default;
        task.lanes = spec.lanes;
        change.tasks.push_back(std::make_shared<const TaskRecord>(task));
        before.push_back(spec.after);
    }
    change.graph = std::make_shared<const TaskGraph>(*TaskGraph::make(before));
    return change;
}

TEST(ChangeStatus, IsTheFirstInRankThatATaskHas) {
    const struct {
        std::vector<S> tasks;
        S change;
    } rows[] = {
        {{S::Done, S::Done}, S::Done},
        {{S::Hold, S::Done}, S::Done},
        {{S::Hold, S::Hold}, S::Hold},
        {{S::Undone, S::Done}, S::Undone},
        {{S::Error, S::Undone, S::Hold}, S::Error},
        {{S::Do, S::Error}, S::Do},
        {{S::Doing, S::Do}, S::Doing},
        {{S::Undo, S::Doing}, S::Undo},
        {{S::Undoing, S::Undo}, S::Undoing},
        {{S::Abort, S::Undoing}, S::Abort},
        {{}, S::Hold},
    };

    for (const auto& row : rows) {
        std::vector<Spec> specs;
        for (const S status : row.tasks) {
            specs.push_back({status});
        }
        EXPECT_EQ(derived_status(make(specs)), row.change) << to_string(row.change);
    }
}

TEST(ChangeStatus, IsWaitOnlyWhenNothingCouldRun) {
    EXPECT_EQ(derived_status(make({{S::Wait}, {S::Done}})), S::Wait);
    EXPECT_EQ(derived_status(make({{S::Wait}, {S::Do, {0}}})), S::Wait);
    EXPECT_EQ(derived_status(make({{S::Wait}, {S::Do, {0}}, {S::Do, {1}}})), S::Wait);
    EXPECT_EQ(derived_status(make({{S::Undo}, {S::Wait, {0}}})), S::Wait);
    EXPECT_EQ(derived_status(make({{S::Wait}, {S::Error}})), S::Wait);
    EXPECT_EQ(derived_status(make({{S::Wait}, {S::Do}})), S::Do);
    EXPECT_EQ(derived_status(make({{S::Wait}, {S::Doing}})), S::Doing);
    EXPECT_EQ(derived_status(make({{S::Wait}, {S::Undo}})), S::Undo);
    EXPECT_EQ(derived_status(make({{S::Wait}, {S::Abort}})), S::Abort);
}

TEST(ChangeError, SaysSoWhenNoTaskTellsWhy) {
    EXPECT_EQ(
        error_text(make({{S::Error}})),
        "cannot perform the following tasks:\n- Task 10 (internal inconsistency: it does not say "
        "why)");
    EXPECT_EQ(error_text(make({{S::Done}})), "");
}

TEST(TaskLog, KeepsTheLastTenLinesAndCutsLongOnes) {
    TaskRecord task;
    for (int i = 0; i < 12; ++i) {
        add_log_line(task, kNow, false, std::to_string(i));
    }
    add_log_line(task, kNow, true, std::string(10000, 'x'));
    ASSERT_EQ(task.log.size(), 10U);
    EXPECT_EQ(task.log.front().text, "3");
    EXPECT_TRUE(task.log.back().is_error);
    EXPECT_EQ(task.log.back().text.size(), 4096U);
}

TEST(TaskGraph, RefusesCyclesAndUnknownPredecessors) {
    const auto cycle = TaskGraph::make({{}, {0, 3}, {1}, {2}});
    ASSERT_FALSE(cycle);
    EXPECT_EQ(cycle.error().message,
              "cannot order the tasks: tasks 1, 2, 3 wait for each other in a cycle");
    const auto unknown = TaskGraph::make({{}, {2}});
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, Code::InvalidArgument);
    EXPECT_FALSE(TaskGraph::make({{0}}));
}

TEST(Draft, LeavesTheChangeItWasMadeOfAlone) {
    const auto base = std::make_shared<const ChangeRecord>(make({{S::Do}, {S::Do}}));
    ChangeDraft draft(base, kNow);
    EXPECT_TRUE(draft.apply(0, Trigger::Start, true));
    EXPECT_EQ(base->tasks[0]->status, S::Do);
    EXPECT_EQ(draft.task(0).status, S::Doing);
    EXPECT_EQ(draft.record().tasks[1], base->tasks[1]) << "copied without need";
    EXPECT_EQ(draft.touched().size(), 1U);
}

TEST(Draft, RefusesThatAnEndedChangeBecomesUnready) {
    ChangeRecord ended = make({{S::Done}});
    ended.ready = kNow;
    ChangeDraft draft(std::make_shared<const ChangeRecord>(ended), kNow);
    draft.apply(0, Trigger::Abort, true);
    const Status finished = draft.finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, Code::Internal);
}

TEST(AbortUnreadyLanes, SparesTheLanesThatHaveEnded) {
    ChangeDraft draft(
        std::make_shared<const ChangeRecord>(
            make({{S::Done, {}, {1}}, {S::Done, {}, {2}}, {S::Do, {}, {2}}, {S::Doing, {}, {3}}})),
        kNow);
    abort_unready_lanes(draft);
    EXPECT_EQ(draft.task(0).status, S::Done);
    EXPECT_EQ(draft.task(1).status, S::Undo);
    EXPECT_EQ(draft.task(2).status, S::Hold);
    EXPECT_EQ(draft.task(3).status, S::Abort);
}

}  // namespace
}  // namespace podreeve::state
