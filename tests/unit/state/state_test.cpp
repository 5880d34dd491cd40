#include "agent/state/state.h"

#include <gtest/gtest.h>

#include "tests/unit/state/engine.h"

namespace podreeve::state {
namespace {

using test::MemoryDir;
using test::one_task;
using test::open_state;

class StateTest : public testing::Test {
  protected:
    StateTest() : state_(open_state(dir_.path(), time_)) {}

    void reopen() {
        state_.reset();
        state_ = open_state(dir_.path(), time_);
    }

    // The next commits fail as on a full disk, until it is called with 0.
    void fill_disk(int failures) {
        failures_ = failures;
        state_->core().store.before_commit = [this]() -> Status {
            if (failures_ == 0) {
                return {};
            }
            --failures_;
            return sqlite::error_of(13, "database or disk is full");
        };
    }

    MemoryDir dir_;
    fakes::FakeTime time_;
    std::unique_ptr<State> state_;
    int failures_ = 0;
};

TEST_F(StateTest, KeepsAllThatAChangeConsistsOf) {
    NewChange change{.kind = "deploy",
                     .summary = "Deploy web",
                     .subject = "web",
                     .data = R"({"generation":4})",
                     .tasks = {}};
    change.tasks.push_back(
        {.kind = "pull", .summary = "Pull", .data = R"({"image":"x"})", .lane = 2, .after = {}});
    change.tasks.push_back(
        {.kind = "start", .summary = "Start", .lane = 2, .after = {0}, .also_lanes = {5, 6}});
    const auto id = state_->add_change(change);
    ASSERT_TRUE(id);
    for (int round = 0; round < 2; ++round) {
        const auto view = state_->change(*id);
        ASSERT_TRUE(view);
        EXPECT_EQ(view->kind, "deploy");
        EXPECT_EQ(view->summary, "Deploy web");
        EXPECT_EQ(view->subject, "web");
        EXPECT_EQ(view->data, R"({"generation":4})");
        EXPECT_EQ(view->status, TaskStatus::Do);
        EXPECT_FALSE(view->is_ready);
        EXPECT_EQ(view->created, time_.system_now());
        ASSERT_EQ(view->tasks.size(), 2U);
        EXPECT_EQ(view->tasks[0].data, R"({"image":"x"})");
        EXPECT_EQ(view->tasks[1].after, std::vector<TaskId>{view->tasks[0].id});
        EXPECT_EQ(view->tasks[1].lane, 2);
        EXPECT_EQ(view->tasks[1].also_lanes, (std::vector<int>{5, 6}));
        EXPECT_EQ(view->tasks[1].progress.total, 1);
        reopen();
    }
}

TEST_F(StateTest, RefusesChangesThatCannotBeCarriedOut) {
    NewChange empty = one_task("a");
    empty.tasks.clear();
    NewChange circle = one_task("a");
    circle.tasks[0].after = {0};
    NewChange beyond = one_task("a");
    beyond.tasks[0].after = {1};
    NewChange list = one_task("a");
    list.tasks[0].data = "[]";
    NewChange garbage = one_task("a");
    garbage.data = "{";
    for (const NewChange& change : {empty, circle, beyond, list, garbage}) {
        const auto id = state_->add_change(change);
        ASSERT_FALSE(id);
        EXPECT_EQ(id.error().code, Code::InvalidArgument) << id.error().message;
        EXPECT_TRUE(id.error().message.starts_with("cannot "));
    }
    EXPECT_TRUE(state_->changes().empty());
    EXPECT_EQ(state_->rows_written(), 0U);
}

TEST_F(StateTest, HoldsOneUnreadyChangeASubject) {
    ASSERT_TRUE(state_->add_change(one_task("a", "web")));
    const auto second = state_->add_change(one_task("a", "web"));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::Conflict);
    EXPECT_EQ(second.error().message, "cannot change web: change 1 (Test it) is under way");
    EXPECT_TRUE(state_->add_change(one_task("a", "db"))) << "another subject is free";
    EXPECT_EQ(state_->active_change_of("web")->id, 1);
    EXPECT_EQ(state_->active_change_of("cache"), std::nullopt);
    ASSERT_TRUE(state_->abort_change(1));
    EXPECT_EQ(state_->active_change_of("web"), std::nullopt);
    EXPECT_TRUE(state_->add_change(one_task("a", "web"))) << "the first has ended";
}

TEST_F(StateTest, ListsTheNewestChangesFirst) {
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(state_->add_change(one_task("a")));
    }
    const auto changes = state_->changes(3);
    ASSERT_EQ(changes.size(), 3U);
    EXPECT_EQ(changes[0].id, 5);
    EXPECT_EQ(changes[2].id, 3);
}

TEST_F(StateTest, RemembersThatAPersonAbortedAndNotTheAgent) {
    ASSERT_TRUE(state_->add_change(one_task("a")));
    ASSERT_TRUE(state_->add_change(one_task("a")));
    ASSERT_TRUE(state_->abort_change(1));
    ASSERT_TRUE(state_->abort_change(2, AbortedBy::Agent));
    reopen();
    EXPECT_NE(state_->change(1)->data.find(kAbortedByPerson), std::string::npos);
    EXPECT_EQ(state_->change(2)->data.find(kAbortedByPerson), std::string::npos);
}

TEST_F(StateTest, AbortsWhatHasNotEndedAndNothingElse) {
    ASSERT_TRUE(state_->add_change(one_task("a")));
    ASSERT_TRUE(state_->abort_change(1));
    const auto view = state_->change(1);
    EXPECT_EQ(view->status, TaskStatus::Hold);
    EXPECT_TRUE(view->is_ready);
    EXPECT_EQ(view->ready, time_.system_now());
    const Status again = state_->abort_change(1);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::Conflict);
    EXPECT_EQ(again.error().message, "cannot abort change 1: it has ended already (Hold)");
    const Status unknown = state_->abort_change(9);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, Code::NotFound);
}

TEST_F(StateTest, RemembersAppsAndWritesOnlyWhatDiffers) {
    const AppRecord web{.name = "web",
                        .generation = 2,
                        .spec = "s",
                        .deployed_spec = "d",
                        .stopped = true,
                        .extra = R"({"n":1})"};
    ASSERT_TRUE(state_->put_app(web));
    EXPECT_EQ(state_->rows_written(), 1U);
    ASSERT_TRUE(state_->put_app(web));
    EXPECT_EQ(state_->rows_written(), 1U) << "an equal record was written";
    reopen();
    EXPECT_EQ(state_->app("web"), web);
    ASSERT_TRUE(state_->put_app(web));
    EXPECT_EQ(state_->rows_written(), 0U) << "an equal record was written after the open";
    ASSERT_TRUE(state_->remove_app("web"));
    ASSERT_TRUE(state_->remove_app("web")) << "removing twice is removing once";
    EXPECT_EQ(state_->rows_written(), 1U);
    reopen();
    EXPECT_TRUE(state_->apps().empty());
}

TEST_F(StateTest, NumbersEventsAndTellsListeners) {
    std::vector<std::int64_t> heard;
    state_->on_event([&](const Event& event) { heard.push_back(event.seq); });
    ASSERT_TRUE(state_->append_event({.app = "web", .state = "Waiting", .message = "for db"}));
    ASSERT_TRUE(state_->append_event({.app = "web", .state = "Running", .message = "up"}));
    EXPECT_EQ(heard, (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(state_->last_event_seq(), 2);
    const auto since = state_->events_since(1);
    ASSERT_EQ(since.size(), 1U);
    EXPECT_EQ(since[0].state, "Running");
    EXPECT_EQ(since[0].time, time_.system_now());
    EXPECT_EQ(state_->events_since(0, 1).size(), 1U);
    EXPECT_TRUE(state_->events_since(2).empty());
}

TEST_F(StateTest, KeepsTheLast64EventsOfAnApp) {
    ASSERT_TRUE(state_->append_event({.app = "db", .state = "Running"}));
    for (int i = 0; i < 70; ++i) {
        ASSERT_TRUE(state_->append_event({.app = "web", .state = "Running"}));
    }
    for (int round = 0; round < 2; ++round) {
        const auto events = state_->events_since(0);
        ASSERT_EQ(events.size(), 65U);
        EXPECT_EQ(events[0].app, "db");
        EXPECT_EQ(events[1].seq, 8);
        EXPECT_EQ(events.back().seq, 71);
        reopen();
    }
}

TEST_F(StateTest, KeepsTheLast1000EventsInAll) {
    for (int i = 0; i < 1010; ++i) {
        ASSERT_TRUE(state_->append_event({.app = "app" + std::to_string(i % 50), .state = "x"}));
    }
    for (int round = 0; round < 2; ++round) {
        const auto events = state_->events_since(0, 5000);
        ASSERT_EQ(events.size(), 1000U);
        EXPECT_EQ(events[0].seq, 11);
        reopen();
    }
    EXPECT_EQ(state_->last_event_seq(), 1010);
}

TEST_F(StateTest, LeavesTheMemoryAsItWasWhenACommitFails) {
    ASSERT_TRUE(state_->add_change(one_task("a", "web")));
    ASSERT_TRUE(state_->put_app({.name = "web", .generation = 1}));
    ASSERT_TRUE(state_->append_event({.app = "web", .state = "Running"}));
    const std::uint64_t rows = state_->rows_written();
    fill_disk(-1);
    const auto added = state_->add_change(one_task("a", "db"));
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, Code::Unavailable);
    EXPECT_FALSE(state_->abort_change(1));
    EXPECT_FALSE(state_->put_app({.name = "web", .generation = 2}));
    EXPECT_FALSE(state_->remove_app("web"));
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(state_->changes().size(), 1U);
        EXPECT_EQ(state_->change(1)->status, TaskStatus::Do);
        EXPECT_EQ(state_->app("web")->generation, 1);
        EXPECT_EQ(state_->events_since(0).size(), 1U);
        if (round == 0) {
            EXPECT_EQ(state_->rows_written(), rows);
            reopen();
        }
    }
}

TEST_F(StateTest, KeepsWhatMayBeUnwrittenInMindUntilItCanBeWritten) {
    ASSERT_TRUE(state_->put_app({.name = "web", .generation = 1}));
    int heard = 0;
    state_->on_event([&](const Event&) { ++heard; });
    fill_disk(-1);
    NewChange repair = one_task("a", "web");
    repair.unwritten = Unwritten::Kept;
    EXPECT_TRUE(state_->add_change(repair));
    EXPECT_TRUE(state_->append_event({.app = "web", .state = "Failed"}));
    const auto count = [](AppRecord& record) { record.extra = R"({"restarts":1})"; };
    EXPECT_TRUE(state_->edit_app("web", count, Unwritten::Kept));
    EXPECT_EQ(heard, 1);
    EXPECT_TRUE(state_->health().read_only);
    EXPECT_EQ(state_->change(1)->status, TaskStatus::Do);
    EXPECT_EQ(state_->events_since(0).size(), 1U);
    EXPECT_EQ(state_->app("web")->extra, R"({"restarts":1})");
    fill_disk(0);
    ASSERT_TRUE(state_->append_event({.app = "web", .state = "Running"}));
    EXPECT_FALSE(state_->health().read_only);
    reopen();
    EXPECT_EQ(state_->change(1)->subject, "web");
    EXPECT_EQ(state_->events_since(0).size(), 2U);
    EXPECT_EQ(state_->app("web")->extra, R"({"restarts":1})");
    EXPECT_EQ(state_->app("web")->generation, 1);
}

// Else the request would be in the memory and what it supersedes would not be told.
TEST_F(StateTest, KeepsNothingThatSupersedesInMindOnly) {
    ASSERT_TRUE(state_->add_change(one_task("a", "web")));
    fill_disk(-1);
    NewChange newer = one_task("b", "web");
    newer.unwritten = Unwritten::Kept;
    EXPECT_FALSE(state_->add_change(newer, Collision::Supersede));
    EXPECT_EQ(state_->changes().size(), 1U);
}

TEST_F(StateTest, IsReadOnlyFromAFailedCommitToTheNextThatWorks) {
    EXPECT_FALSE(state_->health().read_only);
    fill_disk(2);
    EXPECT_FALSE(state_->put_app({.name = "web"}));
    EXPECT_TRUE(state_->health().read_only);
    EXPECT_NE(state_->health().message.find("database or disk is full"), std::string::npos);
    EXPECT_NE(state_->health().message.find(dir_.path().string()), std::string::npos);
    EXPECT_FALSE(state_->put_app({.name = "web"}));
    EXPECT_TRUE(state_->put_app({.name = "web"}));
    EXPECT_FALSE(state_->health().read_only);
    EXPECT_EQ(state_->health().message, "");
}

TEST_F(StateTest, StandsADiskThatSQLiteItselfFindsFull) {
    ASSERT_TRUE(state_->put_app({.name = "web"}));
    const auto& db = state_->core().store.database();
    const std::int64_t pages = *db.integer("PRAGMA page_count");
    ASSERT_TRUE(db.integer("PRAGMA max_page_count=" + std::to_string(pages)));
    const Status full = state_->put_app({.name = "big", .spec = std::string(100000, 'x')});
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Code::Unavailable) << full.error().message;
    EXPECT_EQ(state_->app("big"), std::nullopt);
    EXPECT_TRUE(state_->put_app({.name = "web", .generation = 2})) << "what fits goes on";
    ASSERT_TRUE(db.integer("PRAGMA max_page_count=1000000"));
    EXPECT_TRUE(state_->put_app({.name = "big", .spec = std::string(100000, 'x')}));
    reopen();
    EXPECT_EQ(state_->app("big")->spec.size(), 100000U);
}

TEST_F(StateTest, PrunesWhatEndedMoreThanADayAgo) {
    ASSERT_TRUE(state_->add_change(one_task("a")));
    ASSERT_TRUE(state_->add_change(one_task("a")));
    ASSERT_TRUE(state_->abort_change(1));
    time_.advance(std::chrono::hours(23));
    ASSERT_TRUE(state_->prune());
    EXPECT_EQ(state_->changes().size(), 2U);
    time_.advance(std::chrono::hours(2));
    ASSERT_TRUE(state_->prune());
    ASSERT_EQ(state_->changes().size(), 1U);
    EXPECT_EQ(state_->changes()[0].id, 2) << "an unready one is kept";
    reopen();
    EXPECT_EQ(state_->changes().size(), 1U);
    EXPECT_EQ(*state_->core().store.database().integer("SELECT count(*) FROM tasks"), 1);
}

TEST_F(StateTest, PrunesBeyondTheNewest500AndLoadsNoMore) {
    for (int i = 1; i <= 510; ++i) {
        ASSERT_TRUE(state_->add_change(one_task("a")));
        ASSERT_TRUE(state_->abort_change(i));
        time_.advance(std::chrono::seconds(1));
    }
    reopen();
    EXPECT_EQ(state_->changes(1000).size(), 500U);
    EXPECT_EQ(state_->changes(1000).back().id, 11);
    ASSERT_TRUE(state_->prune());
    EXPECT_EQ(*state_->core().store.database().integer("SELECT count(*) FROM changes"), 500);
    const std::uint64_t rows = state_->rows_written();
    ASSERT_TRUE(state_->prune());
    EXPECT_EQ(state_->rows_written(), rows) << "pruning nothing writes something";
}

TEST_F(StateTest, AbortsWhatHasNotEndedInThreeDaysOfThisAgent) {
    ASSERT_TRUE(state_->add_change(one_task("a")));
    time_.advance(std::chrono::hours(24 * 10));
    reopen();  // the host was off for days
    ASSERT_TRUE(state_->prune());
    EXPECT_EQ(state_->change(1)->status, TaskStatus::Do);
    time_.advance(std::chrono::hours(73));
    ASSERT_TRUE(state_->prune());
    EXPECT_EQ(state_->change(1)->status, TaskStatus::Hold);
}

TEST_F(StateTest, AClockThatIsSetForwardMakesNothingOld) {
    ASSERT_TRUE(state_->add_change(one_task("a")));
    time_.advance(std::chrono::minutes(10));
    time_.set_wall(time_.system_now() + std::chrono::hours(24 * 3652));
    ASSERT_TRUE(state_->prune());
    EXPECT_EQ(state_->change(1)->status, TaskStatus::Do);
    time_.advance(std::chrono::hours(73));
    ASSERT_TRUE(state_->prune());
    EXPECT_EQ(state_->change(1)->status, TaskStatus::Hold);
}

TEST_F(StateTest, AfterItsCloseEverythingCommittedIsInTheFileAndNothingElseComes) {
    ASSERT_TRUE(state_->put_app({.name = "web", .generation = 1}));
    state_->close();
    state_->close();
    EXPECT_FALSE(std::filesystem::exists(dir_.path() / "state.db-wal"));
    EXPECT_FALSE(state_->put_app({.name = "db", .generation = 1}));
    EXPECT_TRUE(state_->prune());
    EXPECT_TRUE(state_->app("web"));
}

}  // namespace
}  // namespace podreeve::state
