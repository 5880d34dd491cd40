// The store on a disk that fails: every write of a run, in every way a write can fail. The run is
// deployed, fails, is undone; it has to come to the end of an unbroken run once the disk is mended,
// without a restart.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/fakes/faulty_disk.h"
#include "tests/unit/state/engine.h"

namespace podreeve::state {
namespace {

using fakes::DiskFault;
using std::chrono::seconds;
using test::Engine;
using test::Journal;
using test::MemoryDir;
using test::no_op;
using test::one_task;

class OnAFailingDisk : public testing::TestWithParam<DiskFault> {
  protected:
    void begin() {
        engine_.reset();
        disk_.mend();  // a fault that was not met yet would meet the next one's beginning
        dir_ = std::make_unique<MemoryDir>();
        engine_ = std::make_unique<Engine>(dir_->path(), time_);
        engine_->runner().add_handlers("make",
                                       {.run = [this](TaskContext& task) -> TaskOutcome {
                                            gate_.pass(task.stop());
                                            const Status saved = task.save({{"made", true}});
                                            return saved ? TaskOutcome(TaskDone{}) : saved.error();
                                        },
                                        .undo = no_op().undo});
        engine_->runner().add_handlers("ok", no_op());
        engine_->runner().add_handlers("bad", {.run = [](TaskContext&) -> TaskOutcome {
                                           return Error{Code::Internal, "no"};
                                       }});
    }

    static NewChange change() {
        NewChange change = one_task("ok", "web");
        change.tasks.push_back({.kind = "ok", .summary = "2", .after = {0}});
        change.tasks.push_back({.kind = "ok", .summary = "3", .after = {0}});
        change.tasks.push_back({.kind = "bad", .summary = "4", .after = {1, 2}});
        return change;
    }

    // Until there is nothing to do and everything is written.
    void come_to_rest() {
        engine_->runner().ensure();
        for (int round = 0; round < 10; ++round) {
            EXPECT_TRUE(engine_->posted().run_until(
                [&] { return engine_->runner().idle() || engine_->state().health().read_only; }));
            time_.advance(seconds(5));
        }
    }

    fakes::FaultyDisk disk_;
    fakes::FakeTime time_;
    test::Gate gate_;
    std::unique_ptr<MemoryDir> dir_;
    std::unique_ptr<Engine> engine_;
};

TEST_P(OnAFailingDisk, ARunStandsStillAndGoesOnByItselfWhenTheDiskIsMended) {
    begin();
    disk_.mend();
    ASSERT_TRUE(engine_->state().add_change(change()));
    come_to_rest();
    const std::string end = engine_->statuses(1);
    ASSERT_EQ(end, "Undone Undone Undone Error");
    const unsigned writes = disk_.writes();
    ASSERT_GT(writes, 15U);
    for (unsigned write = 1; write <= writes; ++write) {
        SCOPED_TRACE("write " + std::to_string(write));
        begin();
        disk_.fail_from(write, GetParam());
        const auto added = engine_->state().add_change(change());
        EXPECT_EQ(added.has_value(), engine_->state().change(1).has_value());
        come_to_rest();
        if (disk_.failures() == 0) {
            // Two outcomes may share a commit, so that there are fewer than before.
            EXPECT_GT(write, writes / 2);
            continue;
        }
        EXPECT_TRUE(engine_->state().health().read_only);
        EXPECT_NE(engine_->state().health().message.find("state.db"), std::string::npos);
        EXPECT_FALSE(engine_->state().put_app({.name = "web"})) << "it says it has written";
        disk_.mend();
        if (!added) {
            ASSERT_TRUE(engine_->state().add_change(change()));
        }
        come_to_rest();
        EXPECT_EQ(engine_->statuses(1), end);
        EXPECT_FALSE(engine_->state().health().read_only);
        engine_.reset();
        const auto again = test::open_state(dir_->path(), time_);
        EXPECT_EQ(again->health().set_aside, "") << "what was cut off is taken for damage";
        EXPECT_EQ(again->change(1)->status, TaskStatus::Error);
    }
}

// When the very last step fails, the syncing of what is written already, nobody knows what a kill
// then leaves: the one that was refused may be there after all.
TEST_P(OnAFailingDisk, WhatWasAcknowledgedIsThereAfterAKillInTheMiddleOfIt) {
    unsigned after_all = 0;
    for (unsigned write = 1; write <= 30; ++write) {
        SCOPED_TRACE("write " + std::to_string(write));
        begin();
        disk_.fail_from(write, GetParam());
        std::size_t kept = 0;
        for (int i = 0; i < 8; ++i) {
            kept += engine_->state().add_change(one_task("make")) ? 1 : 0;
        }
        EXPECT_EQ(engine_->state().changes().size(), kept);
        engine_.reset();
        disk_.mend();
        const auto again = test::open_state(dir_->path(), time_);
        EXPECT_EQ(again->health().set_aside, "");
        ASSERT_GE(again->changes().size(), kept) << "an acknowledged one is lost";
        ASSERT_LE(again->changes().size(), kept + 1);
        after_all += again->changes().size() > kept ? 1 : 0;
    }
    EXPECT_LT(after_all, 5U);
}

TEST_P(OnAFailingDisk, AHandlerThatCannotSaveTouchesNothingAndFails) {
    begin();
    ASSERT_TRUE(engine_->state().add_change(one_task("make")));
    engine_->runner().ensure();  // its Doing is written
    disk_.fail_from(1, GetParam());
    gate_.open();
    come_to_rest();
    EXPECT_EQ(engine_->statuses(1), "Doing") << "how it ended cannot be written either";
    disk_.mend();
    come_to_rest();
    EXPECT_EQ(engine_->statuses(1), "Error");
    EXPECT_NE(engine_->change(1).error.find("nothing new is begun"), std::string::npos)
        << engine_->change(1).error;
}

std::string fault_name(const testing::TestParamInfo<DiskFault>& info) {
    switch (info.param) {
        case DiskFault::Full:
            return "Full";
        case DiskFault::Error:
            return "Error";
        case DiskFault::Short:
            break;
    }
    return "Short";
}

INSTANTIATE_TEST_SUITE_P(Disks,
                         OnAFailingDisk,
                         testing::Values(DiskFault::Full, DiskFault::Error, DiskFault::Short),
                         fault_name);

TEST_P(OnAFailingDisk, ItIsSaidNoLongerThanItIsSoAlsoWhenNothingIsToBeWritten) {
    begin();
    engine_->runner().ensure();
    disk_.fail_from(1, GetParam());
    ASSERT_FALSE(engine_->state().put_app({.name = "web"}));
    engine_->runner().ensure();
    time_.advance(seconds(30));
    EXPECT_TRUE(engine_->state().health().read_only);
    disk_.mend();
    const std::uint64_t rows = engine_->state().rows_written();
    time_.advance(seconds(5));
    EXPECT_FALSE(engine_->state().health().read_only);
    EXPECT_EQ(engine_->state().health().message, "");
    EXPECT_EQ(engine_->state().rows_written(), rows);
}

// A commit that is held up, as by a slow disk.
TEST(Readers, AreAnsweredWhileAWriterIsAtTheDisk) {
    const MemoryDir dir;
    fakes::FakeTime time;
    const auto state = test::open_state(dir.path(), time);
    ASSERT_TRUE(state->add_change(one_task("a", "web")));
    Journal journal;
    test::Gate gate;
    std::stop_source stop;
    state->core().store.before_commit = [&]() -> Status {
        journal.add("writing");
        gate.pass(stop.get_token());
        return {};
    };
    Status put = Error{Code::Internal, "not yet"};
    std::thread writer([&] { put = state->put_app({.name = "web"}); });
    ASSERT_TRUE(journal.wait_for("writing"));
    EXPECT_EQ(state->changes().size(), 1U);
    EXPECT_TRUE(state->change(1).has_value());
    EXPECT_EQ(state->explain(1).size(), 1U);
    EXPECT_EQ(state->active_change_of("web")->id, 1);
    EXPECT_EQ(state->app("web"), std::nullopt) << "what is not written yet is told";
    EXPECT_TRUE(state->apps().empty());
    EXPECT_TRUE(state->events_since(0).empty());
    EXPECT_FALSE(state->health().read_only);
    EXPECT_GT(state->rows_written(), 0U);
    gate.open();
    writer.join();
    EXPECT_TRUE(put);
    EXPECT_TRUE(state->app("web").has_value());
}

}  // namespace
}  // namespace podreeve::state
