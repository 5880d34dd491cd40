#include "agent/state/collision.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/state/engine.h"

namespace podreeve::state {
namespace {

using S = TaskStatus;
using std::chrono::hours;
using std::chrono::seconds;
using test::chain;
using test::Engine;
using test::Gate;
using test::Journal;
using test::MemoryDir;
using test::no_op;
using test::one_task;

struct EndingRow {
    const char* what;
    std::vector<S> statuses;
    Ending ending;
};

TEST(Superseded, IsCompletedOrUndoneWhicheverIsSooner) {
    const EndingRow rows[] = {
        {"nothing is begun", {S::Do, S::Do, S::Do}, Ending::Undo},
        {"the first step runs", {S::Doing, S::Do, S::Do}, Ending::Undo},
        {"half is done", {S::Done, S::Doing, S::Do}, Ending::Complete},
        {"more is left than done", {S::Done, S::Doing, S::Do, S::Do}, Ending::Undo},
        {"the last step runs", {S::Done, S::Done, S::Doing}, Ending::Complete},
        {"something waits", {S::Done, S::Done, S::Wait}, Ending::Undo},
        {"it is being aborted", {S::Done, S::Abort, S::Hold}, Ending::Complete},
        {"it is being undone", {S::Undo, S::Undoing, S::Hold}, Ending::Complete},
        {"it has failed in one lane", {S::Error, S::Do, S::Do}, Ending::Complete},
    };
    for (const EndingRow& row : rows) {
        EXPECT_EQ(cheaper_ending(chain(row.statuses), WallTime(hours(1))), row.ending) << row.what;
    }
}

TEST(Superseded, IsUndoneWhenItTriesAgainOrTakesTooLong) {
    ChangeRecord change = chain({S::Done, S::Done, S::Doing});
    EXPECT_EQ(cheaper_ending(change, WallTime(hours(1))), Ending::Complete);
    change.superseded = WallTime(hours(1));
    EXPECT_EQ(cheaper_ending(change, WallTime(hours(1)) + seconds(29)), Ending::Complete);
    EXPECT_EQ(cheaper_ending(change, WallTime(hours(1)) + seconds(30)), Ending::Undo);
    change.superseded = {};
    TaskRecord retrying = *change.tasks[2];
    retrying.wait_reason = "podman does not answer";
    change.tasks[2] = std::make_shared<const TaskRecord>(retrying);
    EXPECT_EQ(cheaper_ending(change, WallTime(hours(1))), Ending::Undo);
}

class Colliding : public testing::Test {
  protected:
    void SetUp() override { restart(); }

    void restart() {
        engine_.reset();
        engine_ = std::make_unique<Engine>(dir_.path(), time_, 2);
        engine_->runner().add_handlers("ok", no_op());
        const auto gated = [this](TaskContext& task) -> TaskOutcome {
            journal_.add("begin");
            return gate_.pass(task.stop()) ? TaskOutcome(TaskDone{})
                                           : Error{Code::Cancelled, "cut off"};
        };
        engine_->runner().add_handlers("gated", {.run = gated, .undo = nullptr});
    }

    ChangeId request(NewChange change, Collision collision) {
        const auto id = engine_->state().add_change(change, collision);
        EXPECT_TRUE(id) << id.error().message;
        return id.value_or(0);
    }

    // A change whose last step of three is at the gate.
    ChangeId begin_almost_done() {
        NewChange change = one_task("ok", "web");
        change.tasks.push_back({.kind = "ok", .summary = "2", .after = {0}});
        change.tasks.push_back({.kind = "gated", .summary = "3", .after = {1}});
        const ChangeId id = request(change, Collision::Refuse);
        engine_->runner().ensure();
        EXPECT_TRUE(engine_->posted().run_until([&] { return journal_.has("begin"); }));
        return id;
    }

    bool run_until_ready(ChangeId id) {
        return engine_->posted().run_until([&] { return engine_->change(id).is_ready; });
    }

    MemoryDir dir_;
    fakes::FakeTime time_;
    Journal journal_;
    Gate gate_;
    std::unique_ptr<Engine> engine_;
};

TEST_F(Colliding, AQueuedChangeBeginsWhenTheOneBeforeItHasEnded) {
    const ChangeId first = begin_almost_done();
    const ChangeId second = request(one_task("ok", "web"), Collision::Queue);
    const ChangeId third = request(one_task("ok", "web"), Collision::Queue);
    const ChangeId other = request(one_task("ok", "db"), Collision::Refuse);
    ASSERT_TRUE(run_until_ready(other)) << "an app waits for another";
    EXPECT_EQ(engine_->statuses(second), "Do");
    EXPECT_EQ(engine_->change(first).behind, 0);
    EXPECT_EQ(engine_->change(second).behind, first);
    EXPECT_EQ(engine_->change(third).behind, second);
    EXPECT_EQ(engine_->state().active_change_of("web")->id, first);
    EXPECT_EQ(engine_->state().explain(second).at(0).text(), "is queued behind change 1");
    gate_.open();
    ASSERT_TRUE(run_until_ready(third));
    EXPECT_EQ(engine_->statuses(second), "Done");
    EXPECT_GE(engine_->change(third).ready, engine_->change(second).ready);
}

TEST_F(Colliding, OneThatTakesTooLongIsUndoneByTheSteadyClock) {
    for (const int years : {-10, 0, 10}) {
        const ChangeId first = begin_almost_done();
        ASSERT_TRUE(engine_->posted().run_until(
            [&] { return engine_->statuses(first) == "Done Done Doing"; }));
        ASSERT_TRUE(engine_->state().supersede_change(first, "a newer one"));
        time_.set_wall(time_.system_now() + hours(24 * 365 * years));
        time_.advance(seconds(29));
        ASSERT_TRUE(engine_->state().supersede_change(first, "a newer one"));
        EXPECT_EQ(engine_->change(first).status, S::Doing) << years;
        time_.advance(seconds(1));
        ASSERT_TRUE(engine_->state().supersede_change(first, "a newer one"));
        EXPECT_EQ(engine_->change(first).status, S::Abort) << years;
        ASSERT_TRUE(run_until_ready(first));
    }
}

TEST_F(Colliding, TheQueueIsThereAgainAfterAKill) {
    const ChangeId first = begin_almost_done();
    const ChangeId second = request(one_task("ok", "web"), Collision::Queue);
    restart();
    EXPECT_EQ(engine_->change(second).behind, first);
    engine_->runner().ensure();
    EXPECT_EQ(engine_->statuses(second), "Do");
    gate_.open();
    ASSERT_TRUE(run_until_ready(second));
    EXPECT_EQ(engine_->statuses(second), "Done");
}

TEST_F(Colliding, AnAbortedOneInTheMiddleLetsNobodyPassTheFirst) {
    const ChangeId first = begin_almost_done();
    const ChangeId second = request(one_task("ok", "web"), Collision::Queue);
    const ChangeId third = request(one_task("ok", "web"), Collision::Queue);
    ASSERT_TRUE(engine_->state().abort_change(second));
    engine_->runner().ensure();
    time_.run_posted();
    EXPECT_EQ(engine_->statuses(second), "Hold");
    EXPECT_EQ(engine_->statuses(third), "Do");
    EXPECT_EQ(engine_->change(third).behind, first);
    gate_.open();
    ASSERT_TRUE(run_until_ready(third));
}

TEST_F(Colliding, ARefusedOneIsToldWhoIsThere) {
    begin_almost_done();
    const auto refused = engine_->state().add_change(one_task("ok", "web"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Conflict);
    EXPECT_EQ(refused.error().message, "cannot change web: change 1 (Test it) is under way");
}

TEST_F(Colliding, ASupersededOneThatIsAlmostDoneIsLeftToEnd) {
    const ChangeId first = begin_almost_done();
    const ChangeId second = request(one_task("ok", "web"), Collision::Supersede);
    EXPECT_EQ(engine_->statuses(first), "Done Done Doing");
    gate_.open();
    ASSERT_TRUE(run_until_ready(second));
    EXPECT_EQ(engine_->statuses(first), "Done Done Done");
}

TEST_F(Colliding, ASupersededOneThatDoesNotEndInTimeIsUndone) {
    const ChangeId first = begin_almost_done();
    ASSERT_TRUE(engine_->state().supersede_change(first, "generation 2 is there"));
    EXPECT_EQ(engine_->statuses(first), "Done Done Doing");
    time_.advance(seconds(31));
    ASSERT_TRUE(engine_->state().supersede_change(first, "generation 2 is there"));
    ASSERT_TRUE(run_until_ready(first));
    EXPECT_EQ(engine_->statuses(first), "Undone Undone Hold");
    EXPECT_EQ(engine_->change(first).tasks[2].log.at(0).text, "aborted: generation 2 is there");
    EXPECT_TRUE(engine_->state().supersede_change(first, "again")) << "it is out of the way";
}

TEST_F(Colliding, ASupersededOneThatHasHardlyBegunIsUndoneAndTheQueuedOnesGo) {
    NewChange change = one_task("ok", "web");
    change.tasks.push_back({.kind = "gated", .summary = "2", .after = {0}});
    change.tasks.push_back({.kind = "ok", .summary = "3", .after = {1}});
    change.tasks.push_back({.kind = "ok", .summary = "4", .after = {2}});
    const ChangeId first = request(change, Collision::Refuse);
    engine_->runner().ensure();
    ASSERT_TRUE(engine_->posted().run_until([&] { return journal_.has("begin"); }));
    const ChangeId queued = request(one_task("ok", "web"), Collision::Queue);
    const ChangeId newest = request(one_task("ok", "web"), Collision::Supersede);
    EXPECT_EQ(engine_->statuses(queued), "Hold");
    ASSERT_TRUE(run_until_ready(newest));
    EXPECT_EQ(engine_->statuses(first), "Undone Hold Hold Hold");
    EXPECT_EQ(engine_->statuses(newest), "Done");
}

TEST_F(Colliding, ARequestThatCouldNotBeWrittenChangesNothing) {
    const ChangeId first = begin_almost_done();
    engine_->state().core().store.before_commit = []() -> Status {
        return Error{Code::Unavailable, "full"};
    };
    EXPECT_FALSE(engine_->state().add_change(one_task("ok", "web"), Collision::Supersede));
    engine_->state().core().store.before_commit = nullptr;
    EXPECT_EQ(engine_->state().changes().size(), 1U);
    EXPECT_EQ(engine_->statuses(first), "Done Done Doing");
}

TEST_F(Colliding, AnEndedChangeIsUndoneBackwardsByAChangeOfItsOwn) {
    for (const char* const kind : {"a", "b"}) {
        engine_->runner().add_handlers(
            kind, {.run = [](TaskContext& task) -> TaskOutcome {
                       return task.save({{"made", task.kind()}}) ? TaskOutcome(TaskDone{})
                                                                 : Error{Code::Internal, "no"};
                   },
                   .undo = [this](TaskContext& task) -> TaskOutcome {
                       journal_.add("undo-" + task.data().at("made").get<std::string>());
                       return TaskDone{};
                   }});
    }
    NewChange change = one_task("a", "web");
    change.data = R"({"spec":"s"})";
    change.tasks.push_back({.kind = "b", .summary = "Do b", .after = {0}});
    const ChangeId id = request(change, Collision::Refuse);
    engine_->run_until_idle();
    ASSERT_EQ(engine_->statuses(id), "Done Done");
    const auto undo = engine_->state().undo_change(id);
    ASSERT_TRUE(undo) << undo.error().message;
    EXPECT_EQ(engine_->statuses(*undo), "Undo Undo");
    engine_->run_until_idle();
    EXPECT_EQ(journal_.text(), "undo-b undo-a");
    EXPECT_EQ(engine_->statuses(*undo), "Undone Undone");
    EXPECT_EQ(engine_->statuses(id), "Done Done") << "what has ended stays as it ended";
    EXPECT_EQ(engine_->change(*undo).kind, kUndoKind);
    EXPECT_EQ(engine_->change(*undo).data, R"({"spec":"s","undoes":1,"undoes_kind":"test"})");
    const auto again = engine_->state().undo_change(id);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().message, "cannot undo change 1: that was done already");
}

TEST_F(Colliding, AnUndoIsRefusedWhereItWouldDoHarm) {
    const auto refusal = [&](ChangeId id) {
        const auto undo = engine_->state().undo_change(id);
        return undo ? "accepted" : undo.error().message;
    };
    EXPECT_EQ(refusal(77), "cannot undo change 77: there is none of that id");
    const ChangeId first = request(one_task("ok", "web"), Collision::Refuse);
    EXPECT_EQ(refusal(first),
              "cannot undo change 1: it has not ended; `podreeve abort 1` stops it and undoes what "
              "it did");
    engine_->run_until_idle();
    const ChangeId second = request(one_task("ok", "web"), Collision::Refuse);
    EXPECT_EQ(refusal(first), "cannot undo change 1: change 2 (Test it) is under way");
    engine_->run_until_idle();
    EXPECT_EQ(refusal(first),
              "cannot undo change 1: change 2 (Test it) came after it; undo that one first");
    const auto undo = engine_->state().undo_change(second);
    ASSERT_TRUE(undo);
    engine_->run_until_idle();
    EXPECT_EQ(refusal(*undo),
              "cannot undo change 3: it undid another; what the manifests say is "
              "made again by the next pass");
    EXPECT_EQ(refusal(first), "accepted") << "the later one has been undone";
    const ChangeId held = request(one_task("ok", "db"), Collision::Refuse);
    ASSERT_TRUE(engine_->state().abort_change(held));
    EXPECT_EQ(refusal(held), "cannot undo change 5: nothing of it is done");
}

TEST_F(Colliding, AnUndoOfWhatOnlyRestoresIsRefusedAndItIsInNobodysWay) {
    const ChangeId deploy = request(one_task("ok", "web"), Collision::Refuse);
    engine_->run_until_idle();
    NewChange repair = one_task("ok", "web");
    repair.data = R"({"no_undo":"it put things back"})";
    const ChangeId restored = request(repair, Collision::Refuse);
    engine_->run_until_idle();
    const auto refused = engine_->state().undo_change(restored);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "cannot undo change 2: it put things back");
    EXPECT_TRUE(engine_->state().undo_change(deploy));
}

}  // namespace
}  // namespace podreeve::state
