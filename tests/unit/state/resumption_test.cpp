// A kill at every commit. The files of the store are copied at the instant before and after each
// commit of an unbroken run, which is what a SIGKILL there would leave; every copy is then opened
// by a new engine and must come to the end state of the unbroken run.
#include <filesystem>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/state/delays.h"
#include "tests/unit/state/engine.h"

namespace podreeve::state {
namespace {

namespace fs = std::filesystem;
using test::Engine;
using test::Journal;
using test::MemoryDir;

// What the handlers act upon: it survives the agent, as podman does. A handler looks, then acts.
class World {
  public:
    void make(const std::string& thing) {
        const std::lock_guard lock(mutex_);
        things_.insert(thing);
    }

    void remove(const std::string& thing) {
        const std::lock_guard lock(mutex_);
        things_.erase(thing);
    }

    std::set<std::string> things() const {
        const std::lock_guard lock(mutex_);
        return things_;
    }

    void set(std::set<std::string> things) {
        const std::lock_guard lock(mutex_);
        things_ = std::move(things);
    }

  private:
    mutable std::mutex mutex_;
    std::set<std::string> things_;
};

struct Kill {
    fs::path directory;
    std::set<std::string> world;
};

class Resumption : public testing::TestWithParam<const char*> {
  protected:
    void add_handlers(TaskRunner& runner) {
        const std::string failing = GetParam();
        for (const std::string name : {"a", "b", "c", "d"}) {
            TaskHandlers handlers;
            handlers.run = [this, name, failing](TaskContext& task) -> TaskOutcome {
                if (name == failing) {
                    return Error{Code::Internal, "fails"};
                }
                if (const Status saved = task.save({{"made", name}}); !saved) {
                    return saved.error();
                }
                world_.make(name);
                return TaskDone{};
            };
            handlers.undo = [this](TaskContext& task) -> TaskOutcome {
                world_.remove(task.data().value("made", ""));
                return TaskDone{};
            };
            runner.add_handlers(name, handlers);
        }
    }

    // Diamond a → b, c → d; b and c fail and undo with the rest.
    static NewChange diamond() {
        NewChange change{.kind = "test", .summary = "Diamond", .subject = "web", .tasks = {}};
        change.tasks.push_back({.kind = "a", .summary = "a", .after = {}});
        change.tasks.push_back({.kind = "b", .summary = "b", .after = {0}});
        change.tasks.push_back({.kind = "c", .summary = "c", .after = {0}});
        change.tasks.push_back({.kind = "d", .summary = "d", .after = {1, 2}});
        return change;
    }

    // Only the files that a kill leaves; on the thread that commits.
    void copy_now(const fs::path& from) {
        const fs::path to = copies_.path() / std::to_string(kills_.size());
        fs::create_directory(to);
        for (const char* const name : {"state.db", "state.db-wal", "owner"}) {
            if (fs::exists(from / name)) {
                fs::copy_file(from / name, to / name);
            }
        }
        kills_.push_back({to, world_.things()});
    }

    World world_;
    MemoryDir copies_;
    std::vector<Kill> kills_;
};

TEST_P(Resumption, ReachesTheSameEndFromEveryCommit) {
    fakes::FakeTime time;
    std::string end;
    std::set<std::string> end_world;
    {
        const MemoryDir dir;
        Engine engine(dir.path(), time, 2);
        add_handlers(engine.runner());
        Store& store = engine.state().core().store;
        store.before_commit = [&]() -> Status {
            copy_now(dir.path());
            return {};
        };
        store.after_commit = [&] { copy_now(dir.path()); };
        const ChangeId id = engine.add(diamond());
        engine.run_until_idle();
        end = engine.statuses(id);
        end_world = world_.things();
        ASSERT_TRUE(engine.change(id).is_ready) << end;
    }
    ASSERT_GE(kills_.size(), 6U);
    for (std::size_t i = 0; i < kills_.size(); ++i) {
        SCOPED_TRACE("killed at commit point " + std::to_string(i));
        world_.set(kills_[i].world);
        Engine engine(kills_[i].directory, time, 2);
        EXPECT_EQ(engine.state().health().set_aside, "");
        add_handlers(engine.runner());
        if (engine.state().changes().empty()) {
            EXPECT_EQ(i, 0U) << "a committed change is lost";
            continue;
        }
        engine.run_until_idle();
        EXPECT_EQ(engine.statuses(1), end);
        EXPECT_EQ(world_.things(), end_world);
    }
}

INSTANTIATE_TEST_SUITE_P(Kills, Resumption, testing::Values("none", "a", "b", "c", "d"));

TEST(AfterAKill, ATimeOfAnotherClockHoldsNothingBackForLong) {
    const MemoryDir dir;
    fakes::FakeTime time;
    test::Journal journal;
    const auto handler = [&](TaskContext&) -> TaskOutcome {
        journal.add("ran");
        return TaskRetry{std::chrono::minutes(1), "not yet"};
    };
    const WallTime before = time.system_now();
    time.set_wall(before + std::chrono::hours(24 * 3652));
    {
        Engine engine(dir.path(), time);
        engine.runner().add_handlers("a", {.run = handler, .undo = nullptr});
        engine.add(test::one_task("a"));
        engine.run_until_idle();
        ASSERT_EQ(journal.count("ran"), 1U);
    }
    time.set_wall(before);
    Engine engine(dir.path(), time);
    engine.runner().add_handlers("a", {.run = handler, .undo = nullptr});
    engine.run_until_idle();
    time.advance(kLongestDelay);
    engine.run_until_idle();
    EXPECT_EQ(journal.count("ran"), 2U);
}

TEST(AfterAKill, WhatRanIsRunAgain) {
    const MemoryDir dir;
    fakes::FakeTime time;
    Journal journal;
    test::Gate gate;
    const auto handler = [&](TaskContext& task) -> TaskOutcome {
        journal.add("ran");
        gate.pass(task.stop());
        return TaskDone{};
    };
    {
        Engine engine(dir.path(), time);
        engine.runner().add_handlers("a", {.run = handler, .undo = nullptr});
        engine.add(test::one_task("a"));
        engine.runner().ensure();
        ASSERT_TRUE(journal.wait_for("ran"));
    }
    gate.open();
    Engine engine(dir.path(), time);
    engine.runner().add_handlers("a", {.run = handler, .undo = nullptr});
    EXPECT_EQ(engine.statuses(1), "Doing");
    engine.run_until_idle();
    EXPECT_EQ(engine.statuses(1), "Done");
    EXPECT_EQ(journal.text(), "ran ran");
}

}  // namespace
}  // namespace podreeve::state
