#include "agent/state/explain.h"

#include <gtest/gtest.h>

#include "tests/unit/state/engine.h"

namespace podreeve::state {
namespace {

using S = TaskStatus;
using std::chrono::hours;
using std::chrono::minutes;
using test::chain;
using test::Engine;
using test::Gate;
using test::Journal;
using test::MemoryDir;
using test::no_op;
using test::one_task;

std::string all_of(const ChangeRecord& change, const Surroundings& around = {}) {
    std::string text;
    for (const Explanation& why : explain(change, around)) {
        text += (text.empty() ? "" : "; ") + std::to_string(why.task) + " " + why.text();
    }
    return text;
}

struct WhyRow {
    std::vector<S> statuses;
    Surroundings around;
    const char* text;
};

TEST(Explanations, SayOfEachTaskThatHasNotEndedWhy) {
    const Surroundings running{.situation = {.running = {11}}};
    const Surroundings blocked{.situation = {.blocked = {{11, "a removal of web runs"}}}};
    const Surroundings full{.situation = {.full = {{11, 3}}}};
    const Surroundings ending{.situation = {.ending = true}};
    const Surroundings queued{.behind = 5};
    const Surroundings read_only{.read_only = true};
    const WhyRow rows[] = {
        {{S::Done, S::Error, S::Undone, S::Hold}, {}, ""},
        {{S::Doing, S::Do, S::Do}, running, "11 runs; 12 waits for task 11; 13 waits for task 12"},
        {{S::Do}, {}, "11 is about to start"},
        {{S::Do}, blocked, "11 is held back: a removal of web runs"},
        {{S::Do}, full, "11 waits for its turn: 3 of pull may run at once"},
        {{S::Do}, ending, "11 is left to the next start of the agent"},
        {{S::Do}, read_only, "11 waits until the state can be written again"},
        {{S::Do, S::Do}, queued, "11 is queued behind change 5; 12 is queued behind change 5"},
        {{S::Wait, S::Do}, {}, "11 waits: for a reboot; 12 waits for task 11"},
        {{S::Abort, S::Hold}, running, "11 was aborted, and is asked to stop"},
        {{S::Undo, S::Undoing},
         {.situation = {.running = {12}}},
         "11 is undone after task 12; 12 runs"},
        {{S::Hold, S::Do, S::Do},
         {},
         "12 can never start: task 11 will not be done; 13 waits for task 12"},
    };
    for (const WhyRow& row : rows) {
        EXPECT_EQ(all_of(chain(row.statuses), row.around), row.text);
    }
}

TEST(Explanations, NameEveryReasonDifferently) {
    std::set<std::string_view> names;
    for (int number = 0; number <= static_cast<int>(Holdup::Stuck); ++number) {
        EXPECT_TRUE(names.insert(to_string(static_cast<Holdup>(number))).second) << number;
    }
}

TEST(StuckTasks, AreFoundOnlyWhereNothingCouldGoOn) {
    EXPECT_TRUE(stuck_tasks(chain({S::Done, S::Do})).empty());
    EXPECT_TRUE(stuck_tasks(chain({S::Doing, S::Do})).empty());
    EXPECT_TRUE(stuck_tasks(chain({S::Wait, S::Do})).empty());
    EXPECT_TRUE(stuck_tasks(chain({S::Undo, S::Undone})).empty());
    EXPECT_TRUE(stuck_tasks(chain({S::Done, S::Error})).empty());
    EXPECT_EQ(stuck_tasks(chain({S::Undone, S::Do, S::Do})), (std::vector<std::size_t>{1}));
    EXPECT_EQ(stuck_tasks(chain({S::Undo, S::Do, S::Do})), (std::vector<std::size_t>{1, 2}));
}

class Explained : public testing::Test {
  protected:
    Explanation why(ChangeId id) {
        const auto all = engine_.state().explain(id);
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? Explanation{} : all[0];
    }

    MemoryDir dir_;
    fakes::FakeTime time_;
    Journal journal_;
    Gate gate_;
    Engine engine_{dir_.path(), time_, 2};
};

TEST_F(Explained, ARetryTellsUntilWhenAndWhy) {
    engine_.runner().add_handlers("a", {.run = [](TaskContext&) -> TaskOutcome {
                                      return TaskRetry{minutes(5), "podman is away"};
                                  }});
    const ChangeId id = engine_.add(one_task("a"));
    engine_.run_until_idle();
    EXPECT_EQ(why(id).holdup, Holdup::Retrying);
    EXPECT_EQ(why(id).until, time_.system_now() + minutes(5));
    EXPECT_EQ(why(id).detail, "podman is away");
}

TEST_F(Explained, ARuleTellsWhatItSaysUntilItLetsGo) {
    engine_.runner().add_handlers("slow", {.run = [&](TaskContext& task) -> TaskOutcome {
                                      journal_.add("begin");
                                      gate_.pass(task.stop());
                                      return TaskDone{};
                                  }});
    engine_.runner().add_handlers("a", no_op());
    std::vector<TaskRef> seen;
    engine_.runner().add_rule(
        [&](const TaskRef& task,
            const std::vector<TaskRef>& running) -> std::optional<std::string> {
            if (task.kind != "a" || running.empty()) {
                return std::nullopt;
            }
            seen = running;
            return "change " + std::to_string(running[0].change) + " comes first";
        });
    const ChangeId slow = engine_.add(one_task("slow", "web"));
    const ChangeId held = engine_.add(one_task("a", "db"));
    engine_.runner().ensure();
    ASSERT_TRUE(engine_.posted().run_until([&] { return journal_.has("begin"); }));
    EXPECT_EQ(engine_.statuses(held), "Do");
    EXPECT_EQ(why(held).holdup, Holdup::Blocked);
    EXPECT_EQ(why(held).detail, "change 1 comes first");
    EXPECT_EQ(seen, (std::vector<TaskRef>{{1, 1, "slow", "web", false}}));
    gate_.open();
    ASSERT_TRUE(engine_.posted().run_until([&] { return engine_.change(held).is_ready; }));
    EXPECT_EQ(engine_.statuses(slow), "Done");
    EXPECT_TRUE(engine_.state().explain(held).empty());
}

TEST_F(Explained, ARuleThatHoldsBackThoughNothingRunsEndsTheTask) {
    engine_.runner().add_handlers("a", no_op());
    engine_.runner().add_rule(
        [](const TaskRef&, const std::vector<TaskRef>&) { return "it is not the day for it"; });
    NewChange change = one_task("a");
    change.tasks.push_back({.kind = "a", .summary = "Other", .lane = 2});
    const ChangeId id = engine_.add(change);
    engine_.run_until_idle();
    EXPECT_EQ(engine_.statuses(id), "Error Error");
    EXPECT_EQ(engine_.change(id).error,
              "cannot perform the following tasks:\n- Do a (cannot start, though nothing runs: it "
              "is not the day for it)\n- Other (cannot start, though nothing runs: it is not the "
              "day for it)");
}

TEST_F(Explained, NothingIsToldOfWhatIsNotThereOrHasEnded) {
    engine_.runner().add_handlers("a", no_op());
    const ChangeId id = engine_.add(one_task("a"));
    EXPECT_EQ(why(id).holdup, Holdup::Starting);
    engine_.run_until_idle();
    EXPECT_TRUE(engine_.state().explain(id).empty());
    EXPECT_TRUE(engine_.state().explain(99).empty());
}

// A change of one task whose kind cleans up.
class CleanedUp : public Explained {
  protected:
    void handle(TaskHandler run, TaskHandler cleanup) {
        engine_.runner().add_handlers("a", {.run = std::move(run), .cleanup = std::move(cleanup)});
    }

    TaskHandler noted(const std::string& word, TaskOutcome outcome = TaskDone{}) {
        return [this, word, outcome](TaskContext&) -> TaskOutcome {
            journal_.add(word);
            return outcome;
        };
    }
};

TEST_F(CleanedUp, OnceTheWholeChangeHasEndedHoweverItDid) {
    handle(noted("run"), noted("clean"));
    engine_.runner().add_handlers("bad", {.run = noted("bad", Error{Code::Internal, "no"})});
    NewChange change = one_task("a");
    change.tasks.push_back({.kind = "bad", .summary = "Bad", .after = {0}});
    change.tasks.push_back({.kind = "a", .summary = "Never", .after = {1}});
    const ChangeId id = engine_.add(change);
    engine_.run_until_idle();
    EXPECT_EQ(journal_.text(), "run bad clean clean");
    EXPECT_EQ(engine_.statuses(id), "Done Error Hold");
    EXPECT_TRUE(engine_.change(id).tasks[0].clean);
    EXPECT_FALSE(engine_.change(id).tasks[1].clean);
    engine_.run_until_idle();
    EXPECT_EQ(journal_.count("clean"), 2U) << "once is enough";
}

TEST_F(CleanedUp, LaterWhenItDidNotWorkAtFirst) {
    handle(noted("run"), [this](TaskContext& task) -> TaskOutcome {
        journal_.add("clean");
        EXPECT_TRUE(task.save({{"tried", true}}));
        return journal_.count("clean") < 3 ? TaskOutcome(Error{Code::Unavailable, "away"})
                                           : TaskDone{};
    });
    const ChangeId id = engine_.add(one_task("a"));
    engine_.run_until_idle();
    EXPECT_EQ(engine_.statuses(id), "Done") << "a cleanup fails no task";
    EXPECT_EQ(journal_.count("clean"), 1U);
    time_.advance(minutes(1));
    engine_.run_until_idle();
    EXPECT_EQ(journal_.count("clean"), 2U);
    EXPECT_FALSE(engine_.change(id).tasks[0].clean);
    time_.advance(minutes(1));
    engine_.run_until_idle();
    EXPECT_TRUE(engine_.change(id).tasks[0].clean);
    time_.advance(hours(1));
    EXPECT_EQ(journal_.count("clean"), 3U);
}

TEST(CleanedUpAfterAKill, WhatWasNotCleanedBefore) {
    const MemoryDir dir;
    fakes::FakeTime time;
    Journal journal;
    const auto clean = [&](TaskContext&) -> TaskOutcome {
        journal.add("clean");
        return TaskDone{};
    };
    {
        Engine engine(dir.path(), time);
        engine.runner().add_handlers("a", no_op());
        engine.add(one_task("a"));
        engine.run_until_idle();
    }
    for (int start = 0; start < 2; ++start) {
        Engine engine(dir.path(), time);
        engine.runner().add_handlers("a", {.run = no_op().run, .cleanup = clean});
        engine.run_until_idle();
        EXPECT_TRUE(engine.change(1).tasks[0].clean);
        EXPECT_EQ(journal.text(), "clean");
    }
}

}  // namespace
}  // namespace podreeve::state
