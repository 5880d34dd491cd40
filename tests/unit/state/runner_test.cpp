#include <atomic>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/state/task_runner.h"
#include "tests/unit/state/engine.h"

namespace podreeve::state {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::Engine;
using test::Gate;
using test::Journal;
using test::MemoryDir;
using test::no_op;
using test::one_task;

class Runner : public testing::Test {
  protected:
    Engine& engine(unsigned workers = 1) {
        if (!engine_) {
            engine_ = std::make_unique<Engine>(dir_.path(), time_, workers);
        }
        return *engine_;
    }

    void restart(unsigned workers = 1) {
        engine_.reset();
        engine(workers);
    }

    void handle(const std::string& kind, TaskHandler run, TaskHandler undo = nullptr) {
        engine().runner().add_handlers(kind, {.run = std::move(run), .undo = std::move(undo)});
    }

    // Waits until the handler has said so, and lets the runner see that it runs.
    void wait_for(const std::string& entry) {
        ASSERT_TRUE(journal_.wait_for(entry)) << entry;
        time_.run_posted();
    }

    MemoryDir dir_;
    fakes::FakeTime time_;
    Journal journal_;
    Gate gate_;
    std::unique_ptr<Engine> engine_;
};

// Says that it runs and stops at the gate; says how it ended.
TaskHandler gated(Journal& journal, Gate& gate) {
    return [&](TaskContext& task) -> TaskOutcome {
        journal.add("begin");
        if (!gate.pass(task.stop())) {
            journal.add("stopped");
            return Error{Code::Cancelled, "cut off"};
        }
        return TaskDone{};
    };
}

TEST_F(Runner, StartsBySelfWhatIsAdded) {
    handle("a", [](TaskContext&) -> TaskOutcome { return TaskDone{}; });
    const ChangeId id = engine().add(one_task("a"));
    EXPECT_TRUE(engine().posted().run_until([&] { return engine().change(id).is_ready; }));
}

TEST_F(Runner, CommitsDoingBeforeTheHandlerRuns) {
    handle("a", [&](TaskContext& task) -> TaskOutcome {
        journal_.add(std::string(to_string(engine().state().change(1)->tasks[0].status)));
        journal_.add(task.subject());
        return TaskDone{};
    });
    engine().add(one_task("a", "web"));
    engine().run_until_idle();
    EXPECT_EQ(journal_.text(), "Doing web");
}

TEST_F(Runner, StartsNothingThatCouldNotBeWrittenDown) {
    handle("a", [&](TaskContext&) -> TaskOutcome {
        journal_.add("ran");
        return TaskDone{};
    });
    const ChangeId id = engine().add(one_task("a"));
    bool full = true;
    engine().state().core().store.before_commit = [&]() -> Status {
        return full ? Status(Error{Code::Unavailable, "full"}) : Status();
    };
    engine().runner().ensure();
    time_.advance(seconds(20));
    EXPECT_EQ(journal_.text(), "");
    EXPECT_TRUE(engine().state().health().read_only);
    full = false;
    time_.advance(seconds(5));
    EXPECT_TRUE(engine().posted().run_until([&] { return engine().change(id).is_ready; }));
    EXPECT_EQ(journal_.text(), "ran");
    EXPECT_FALSE(engine().state().health().read_only);
}

TEST_F(Runner, RemembersAnOutcomeThatCouldNotBeWrittenDown) {
    std::atomic<bool> full = false;
    handle("a", [&](TaskContext&) -> TaskOutcome {
        journal_.add("ran");
        full = true;
        return TaskDone{};
    });
    const ChangeId id = engine().add(one_task("a"));
    engine().state().core().store.before_commit = [&]() -> Status {
        return full ? Status(Error{Code::Unavailable, "full"}) : Status();
    };
    engine().runner().ensure();
    ASSERT_TRUE(engine().posted().run_until([&] { return engine().state().health().read_only; }));
    EXPECT_EQ(engine().statuses(id), "Doing");
    EXPECT_TRUE(engine().runner().idle()) << "until its timer tries the disk again";
    engine().runner().ensure();
    full = false;
    time_.advance(seconds(5));
    EXPECT_EQ(engine().statuses(id), "Done");
    EXPECT_EQ(journal_.text(), "ran") << "once is enough";
}

TEST_F(Runner, RunsInTheOrderOfIdsAndNoMoreOfAKindThanItsLimit) {
    std::atomic<int> at_once = 0;
    std::atomic<int> most = 0;
    engine(8);
    NewChange many{.kind = "test", .summary = "Many", .subject = "", .tasks = {}};
    for (int i = 0; i < 20; ++i) {
        many.tasks.push_back({.kind = "a", .summary = std::to_string(i), .after = {}});
    }
    engine().runner().add_handlers("a", {.run = [&](TaskContext& task) -> TaskOutcome {
                                             const int now = ++at_once;
                                             most = std::max(most.load(), now);
                                             journal_.add(std::to_string(task.id()));
                                             --at_once;
                                             return TaskDone{};
                                         },
                                         .undo = nullptr,
                                         .limit = 3});
    const ChangeId id = engine().add(many);
    engine().runner().ensure();
    EXPECT_EQ(engine().statuses(id).find("Doing Doing Doing Do "), 0U) << engine().statuses(id);
    engine().run_until_idle();
    EXPECT_TRUE(engine().change(id).is_ready);
    EXPECT_LE(most.load(), 3);
}

TEST_F(Runner, LetsAFullKindHoldUpNoOther) {
    engine(2);
    engine().runner().add_handlers("slow",
                                   {.run = gated(journal_, gate_), .undo = nullptr, .limit = 1});
    engine().runner().add_handlers("quick", no_op());
    engine().add(one_task("slow"));
    const ChangeId waiting = engine().add(one_task("slow"));
    const ChangeId quick = engine().add(one_task("quick"));
    engine().runner().ensure();
    EXPECT_TRUE(engine().posted().run_until([&] { return engine().change(quick).is_ready; }));
    EXPECT_EQ(engine().statuses(waiting), "Do");
    gate_.open();
    engine().run_until_idle();
    EXPECT_EQ(engine().statuses(waiting), "Done");
}

TEST_F(Runner, EndsATaskThatPassesItsDeadlineInError) {
    engine().runner().add_handlers(
        "a", {.run = gated(journal_, gate_), .undo = nullptr, .deadline = minutes(2)});
    const ChangeId id = engine().add(one_task("a"));
    engine().runner().ensure();
    wait_for("begin");
    time_.advance(minutes(2) - milliseconds(1));
    EXPECT_FALSE(journal_.has("stopped"));
    time_.advance(milliseconds(1));
    ASSERT_TRUE(engine().posted().run_until([&] { return engine().change(id).is_ready; }));
    EXPECT_EQ(engine().statuses(id), "Error");
    EXPECT_EQ(engine().change(id).error,
              "cannot perform the following tasks:\n- Do a (cannot finish within 2m: cut off)");
}

TEST_F(Runner, TakesWhatIsDoneAsDoneAlsoAfterTheDeadline) {
    engine().runner().add_handlers("a", {.run = [&](TaskContext& task) -> TaskOutcome {
                                             journal_.add("begin");
                                             gate_.pass(task.stop());
                                             return TaskDone{};
                                         },
                                         .undo = nullptr,
                                         .deadline = seconds(1)});
    const ChangeId id = engine().add(one_task("a"));
    engine().runner().ensure();
    wait_for("begin");
    time_.advance(seconds(1));
    ASSERT_TRUE(engine().posted().run_until([&] { return engine().change(id).is_ready; }));
    EXPECT_EQ(engine().statuses(id), "Done");
}

TEST_F(Runner, ContainsWhatAHandlerThrows) {
    handle("a", [](TaskContext&) -> TaskOutcome { throw std::runtime_error("boom"); });
    handle("b", [](TaskContext&) -> TaskOutcome { throw 1; });
    const ChangeId a = engine().add(one_task("a"));
    const ChangeId b = engine().add(one_task("b"));
    engine().run_until_idle();
    EXPECT_EQ(engine().change(a).error,
              "cannot perform the following tasks:\n- Do a (cannot run "
              "a: the handler threw: boom)");
    EXPECT_EQ(engine().statuses(b), "Error");
}

TEST_F(Runner, EndsAnUnknownKindInError) {
    const ChangeId id = engine().add(one_task("fly"));
    engine().run_until_idle();
    EXPECT_EQ(engine().change(id).error,
              "cannot perform the following tasks:\n- Do fly (cannot "
              "run fly: this podreeve knows no such task)");
}

TEST_F(Runner, RetriesWhenTheTimeHasComeAndRemembersItOverARestart) {
    const auto retry = [&](TaskContext&) -> TaskOutcome {
        journal_.add("ran");
        return journal_.count("ran") < 3 ? TaskOutcome(TaskRetry{minutes(5), "not up yet"})
                                         : TaskDone{};
    };
    handle("a", retry);
    const ChangeId id = engine().add(one_task("a"));
    engine().run_until_idle();
    EXPECT_EQ(engine().change(id).tasks[0].wait_reason, "not up yet");
    EXPECT_EQ(engine().change(id).tasks[0].at, time_.system_now() + minutes(5));
    EXPECT_EQ(engine().statuses(id), "Doing");
    time_.advance(minutes(5) - milliseconds(1));
    engine().run_until_idle();
    EXPECT_EQ(journal_.text(), "ran") << "an ensure must not pull it nearer";
    time_.advance(milliseconds(1));
    engine().run_until_idle();
    EXPECT_EQ(journal_.text(), "ran ran");
    time_.advance(minutes(1));
    restart();
    handle("a", retry);
    engine().run_until_idle();
    EXPECT_EQ(journal_.text(), "ran ran");
    time_.advance(minutes(4));
    engine().run_until_idle();
    EXPECT_EQ(journal_.text(), "ran ran ran");
    EXPECT_EQ(engine().statuses(id), "Done");
    EXPECT_EQ(engine().change(id).tasks[0].wait_reason, "");
    EXPECT_EQ(engine().change(id).tasks[0].at, std::nullopt);
}

TEST_F(Runner, RetriesByTheSteadyClockWhateverTheWallClockDoes) {
    handle("a", [&](TaskContext&) -> TaskOutcome {
        journal_.add("ran");
        return journal_.count("ran") < 2 ? TaskOutcome(TaskRetry{seconds(10), ""}) : TaskDone{};
    });
    engine().add(one_task("a"));
    engine().run_until_idle();
    time_.set_wall(time_.system_now() - hours(24 * 365));
    time_.advance(seconds(10));
    engine().run_until_idle();
    EXPECT_EQ(journal_.text(), "ran ran");
}

TEST_F(Runner, RetriesWithoutATimeAtTheNextEnsureOrSoonAfter) {
    handle("a", [&](TaskContext&) -> TaskOutcome {
        journal_.add("ran");
        return journal_.count("ran") < 3 ? TaskOutcome(TaskRetry{}) : TaskDone{};
    });
    const ChangeId id = engine().add(one_task("a"));
    engine().run_until_idle();
    EXPECT_EQ(journal_.text(), "ran") << "it spins";
    engine().run_until_idle();
    EXPECT_EQ(journal_.text(), "ran ran");
    time_.advance(seconds(1));
    EXPECT_TRUE(engine().posted().run_until([&] { return engine().change(id).is_ready; }));
}

TEST_F(Runner, WaitsUntilItIsResumed) {
    handle("a", [](TaskContext&) -> TaskOutcome { return TaskWait{"a reboot"}; });
    const ChangeId id = engine().add(one_task("a"));
    engine().run_until_idle();
    EXPECT_EQ(to_string(engine().change(id).status), "Wait");
    EXPECT_EQ(engine().change(id).tasks[0].wait_reason, "a reboot");
    EXPECT_FALSE(engine().change(id).is_ready);
    restart();
    handle("a", [](TaskContext&) -> TaskOutcome { return TaskWait{"again"}; });
    engine().run_until_idle();
    EXPECT_EQ(engine().change(id).tasks[0].wait_reason, "a reboot");
    ASSERT_TRUE(engine().state().resume_task(engine().change(id).tasks[0].id));
    engine().run_until_idle();
    EXPECT_EQ(engine().statuses(id), "Done");
    EXPECT_FALSE(engine().state().resume_task(engine().change(id).tasks[0].id));
}

TEST_F(Runner, StopsARunningHandlerWhenItsChangeIsAborted) {
    handle("a", gated(journal_, gate_), [&](TaskContext&) -> TaskOutcome {
        journal_.add("undone");
        return TaskDone{};
    });
    const ChangeId id = engine().add(one_task("a"));
    engine().runner().ensure();
    wait_for("begin");
    ASSERT_TRUE(engine().state().abort_change(id));
    EXPECT_EQ(engine().statuses(id), "Abort");
    ASSERT_TRUE(engine().posted().run_until([&] { return engine().change(id).is_ready; }));
    EXPECT_EQ(journal_.text(), "begin stopped undone");
    EXPECT_EQ(engine().statuses(id), "Undone");
    EXPECT_EQ(engine().change(id).error, "");
}

TEST_F(Runner, TakesAnErrorOfItsOwnSeriouslyAlsoInAnAbort) {
    handle("a", [&](TaskContext& task) -> TaskOutcome {
        journal_.add("begin");
        gate_.pass(task.stop());
        return Error{Code::Internal, "broken"};
    });
    const ChangeId id = engine().add(one_task("a"));
    engine().runner().ensure();
    wait_for("begin");
    ASSERT_TRUE(engine().state().abort_change(id));
    ASSERT_TRUE(engine().posted().run_until([&] { return engine().change(id).is_ready; }));
    EXPECT_EQ(engine().statuses(id), "Error");
}

TEST_F(Runner, UndoesARetryThatIsAbortedWhileItWaits) {
    handle(
        "a",
        [](TaskContext&) -> TaskOutcome {
            return TaskRetry{hours(1), "later"};
        },
        [&](TaskContext&) -> TaskOutcome {
            journal_.add("undone");
            return TaskDone{};
        });
    const ChangeId id = engine().add(one_task("a"));
    engine().run_until_idle();
    ASSERT_TRUE(engine().state().abort_change(id));
    engine().run_until_idle();
    EXPECT_EQ(engine().statuses(id), "Undone");
    EXPECT_EQ(journal_.text(), "undone");
}

TEST_F(Runner, TellsOnceThatAChangeIsReady) {
    handle("a", [](TaskContext&) -> TaskOutcome { return TaskDone{}; });
    handle("b", [](TaskContext&) -> TaskOutcome { return Error{Code::Internal, "no"}; });
    engine().runner().on_change_ready([&](const ChangeView& change) {
        journal_.add(std::to_string(change.id) + ":" + std::string(to_string(change.status)));
    });
    engine().add(one_task("a"));
    engine().add(one_task("b"));
    const ChangeId held = engine().add(one_task("a"));
    ASSERT_TRUE(engine().state().abort_change(held));
    engine().run_until_idle();
    engine().run_until_idle();
    EXPECT_EQ(journal_.count("1:Done"), 1U) << journal_.text();
    EXPECT_EQ(journal_.count("2:Error"), 1U) << journal_.text();
    EXPECT_EQ(journal_.count("3:Hold"), 1U) << journal_.text();
}

TEST_F(Runner, LetsACallbackAddTheNextChange) {
    engine().runner().add_handlers("a", no_op());
    engine().runner().on_change_ready([&](const ChangeView& change) {
        if (change.id < 3) {
            engine().add(one_task("a", "web"));
            engine().runner().ensure();
        }
    });
    engine().add(one_task("a", "web"));
    engine().run_until_idle();
    EXPECT_EQ(engine().state().changes().size(), 3U);
    EXPECT_TRUE(engine().change(3).is_ready);
}

TEST_F(Runner, ShowsProgressAndLogWhileItRunsAndKeepsThem) {
    handle("a", [&](TaskContext& task) -> TaskOutcome {
        task.progress({"layers", 3, 7});
        task.log("pulling");
        journal_.add("begin");
        gate_.pass(task.stop());
        return TaskDone{};
    });
    const ChangeId id = engine().add(one_task("a"));
    engine().runner().ensure();
    wait_for("begin");
    const std::uint64_t rows = engine().state().rows_written();
    EXPECT_EQ(engine().change(id).tasks[0].progress.done, 3);
    EXPECT_EQ(engine().change(id).tasks[0].log[0].text, "pulling");
    EXPECT_EQ(engine().state().rows_written(), rows) << "progress is not worth a write";
    gate_.open();
    engine().run_until_idle();
    restart();
    const TaskView task = engine().change(id).tasks[0];
    EXPECT_EQ(task.progress.label, "layers");
    EXPECT_EQ(task.progress.done, 7);
    ASSERT_EQ(task.log.size(), 1U);
    EXPECT_EQ(task.log[0].text, "pulling");
    EXPECT_FALSE(task.log[0].is_error);
}

TEST_F(Runner, SavesTheDataOfATaskBeforeItGoesOn) {
    handle(
        "a",
        [&](TaskContext& task) -> TaskOutcome {
            EXPECT_EQ(task.data().at("image"), "x");
            EXPECT_EQ(task.change_data().at("n"), 1);
            EXPECT_TRUE(task.save({{"id", "abc"}, {"image", nullptr}}));
            EXPECT_EQ(task.data().dump(), R"({"id":"abc"})");
            EXPECT_EQ(engine().state().change(1)->tasks[0].data, R"({"id":"abc"})");
            const std::uint64_t rows = engine().state().rows_written();
            EXPECT_TRUE(task.save({{"id", "abc"}}));
            EXPECT_EQ(engine().state().rows_written(), rows);
            return TaskRetry{hours(1), ""};
        },
        [&](TaskContext& task) -> TaskOutcome {
            journal_.add(task.data().at("id").get<std::string>());
            return TaskDone{};
        });
    NewChange change = one_task("a");
    change.data = R"({"n":1})";
    change.tasks[0].data = R"({"image":"x"})";
    const ChangeId id = engine().add(change);
    engine().run_until_idle();
    ASSERT_TRUE(engine().state().abort_change(id));
    engine().run_until_idle();
    EXPECT_EQ(journal_.text(), "abc");
}

TEST_F(Runner, TellsTheHandlerWhenItsDataCouldNotBeSaved) {
    std::atomic<bool> full = false;
    engine().state().core().store.before_commit = [&full] {
        return full ? Status(Error{Code::Unavailable, "full"}) : Status();
    };
    handle("a", [&](TaskContext& task) -> TaskOutcome {
        full = true;
        const Status saved = task.save({{"id", "abc"}});
        full = false;
        EXPECT_FALSE(saved);
        EXPECT_TRUE(task.data().empty());
        return saved ? TaskOutcome(TaskDone{}) : TaskOutcome(saved.error());
    });
    const ChangeId id = engine().add(one_task("a"));
    engine().run_until_idle();
    EXPECT_EQ(engine().statuses(id), "Error");
    engine().state().core().store.before_commit = nullptr;
}

TEST_F(Runner, KeepsWhatIsNoTextFromBreakingTheStore) {
    handle("a", [&](TaskContext& task) -> TaskOutcome {
        task.log("bad \xff byte");
        EXPECT_TRUE(task.save({{"name", "\xfe"}}));
        return Error{Code::Internal, "worse \xff"};
    });
    const ChangeId id = engine().add(one_task("a"));
    engine().run_until_idle();
    restart();
    EXPECT_EQ(engine().statuses(id), "Error");
    EXPECT_EQ(engine().change(id).tasks[0].log.size(), 2U);
}

TEST_F(Runner, StopsAtOnceWhenNothingRuns) {
    engine().runner().add_handlers("a", no_op());
    bool stopped = false;
    engine().runner().stop(seconds(10), [&] { stopped = true; });
    time_.run_posted();
    EXPECT_TRUE(stopped);
    const ChangeId id = engine().add(one_task("a"));
    engine().runner().ensure();
    EXPECT_EQ(engine().statuses(id), "Do") << "a stopping runner starts something";
    EXPECT_TRUE(engine().runner().idle());
}

TEST_F(Runner, FinishesWhatRunsWithinTheGrace) {
    handle("a", gated(journal_, gate_));
    const ChangeId id = engine().add(one_task("a"));
    engine().runner().ensure();
    wait_for("begin");
    bool stopped = false;
    engine().runner().stop(seconds(10), [&] { stopped = true; });
    time_.advance(seconds(9));
    EXPECT_FALSE(stopped);
    gate_.open();
    ASSERT_TRUE(engine().posted().run_until([&] { return stopped; }));
    EXPECT_EQ(engine().statuses(id), "Done");
}

TEST_F(Runner, CutsWhatRunsBeyondTheGraceAndResumesItAtTheNextStart) {
    handle("a", gated(journal_, gate_));
    const ChangeId id = engine().add(one_task("a"));
    engine().runner().ensure();
    wait_for("begin");
    bool stopped = false;
    engine().runner().stop(seconds(10), [&] { stopped = true; });
    time_.advance(seconds(10));
    ASSERT_TRUE(engine().posted().run_until([&] { return stopped; }));
    EXPECT_EQ(journal_.text(), "begin stopped");
    EXPECT_EQ(engine().statuses(id), "Doing") << "what a stop cut off is no error";
    restart();
    engine().runner().add_handlers("a", no_op());
    engine().run_until_idle();
    EXPECT_EQ(engine().statuses(id), "Done");
}

TEST_F(Runner, WaitsForItsHandlersWhenItGoes) {
    handle("a", gated(journal_, gate_));
    engine().add(one_task("a"));
    engine().runner().ensure();
    wait_for("begin");
    engine_.reset();
    EXPECT_EQ(journal_.text(), "begin stopped");
    time_.run_posted();  // what it had posted finds nobody
}

TEST_F(Runner, WritesNothingWhenThereIsNothingToDo) {
    engine().runner().add_handlers("a", no_op());
    engine().add(one_task("a"));
    engine().run_until_idle();
    const std::uint64_t rows = engine().state().rows_written();
    for (int i = 0; i < 3; ++i) {
        engine().run_until_idle();
        time_.advance(minutes(11));
    }
    EXPECT_EQ(engine().state().rows_written(), rows);
}

TEST_F(Runner, WritesOnlyTheRowsThatATaskTouches) {
    engine().runner().add_handlers("a", no_op());
    NewChange change = one_task("a");
    for (std::size_t i = 0; i < 9; ++i) {
        change.tasks.push_back({.kind = "a", .summary = "More", .after = {i}});
    }
    engine().add(change);
    const std::uint64_t added = engine().state().rows_written();
    EXPECT_EQ(added, 11U);
    engine().run_until_idle();
    // Each task becomes Doing and then Done; the change becomes ready.
    EXPECT_EQ(engine().state().rows_written(), added + 21);
}

// Later at every look, as a real one is.
class TickingClock final : public Clock {
  public:
    SteadyTime steady_now() const override { return SteadyTime(milliseconds(++ticks_)); }

    WallTime system_now() const override { return WallTime(milliseconds(++ticks_)); }

  private:
    mutable std::atomic<std::int64_t> ticks_ = 1'000'000;
};

TEST(RunnerOnARealClock, StartsWhatIsNotDelayed) {
    const MemoryDir dir;
    TickingClock clock;
    fakes::FakeTime timers;
    test::PostedTime posted(timers);
    const auto state = test::open_state(dir.path(), clock);
    WorkerPool workers(2);
    TaskRunner runner(*state, clock, posted, workers);
    runner.add_handlers("a", no_op());
    ASSERT_TRUE(state->add_change(one_task("a")));
    EXPECT_FALSE(runner.idle());
    runner.ensure();
    EXPECT_EQ(state->change(1)->status, TaskStatus::Doing);
    EXPECT_TRUE(posted.run_until([&] { return runner.idle(); }));
    EXPECT_EQ(state->change(1)->status, TaskStatus::Done);
}

}  // namespace
}  // namespace podreeve::state
