// Sequences in the manner of snapd's: a graph
//
//     t11 ─┐         ┌─ t31
//          ├─▶ t21 ─▶┤
//     t12 ─┘         └─ t32
//
// a set-up in words, and what must come of it: the handlers that ran, in order, and the statuses at
// the end. Words of the set-up, TASK:WORD:
//   do-error do-retry do-wait do-throw do-abort   what the do handler answers (retry only once;
//   do-again do-nonsense                          abort: the change is aborted while it runs;
//   undo-error undo-retry undo-wait               again: waits to be run once more)
//   no-undo            it has no undo handler
//   unknown            nobody has registered its kind
//   lane=1,2           the lanes it is in (all are in lane 1)
//   was-STATUS         the status it is found in, as after a kill
#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/unit/state/engine.h"

namespace podreeve::state {
namespace {

using test::Engine;
using test::Journal;
using test::MemoryDir;

const char* const kTasks[] = {"t11", "t12", "t21", "t31", "t32"};
const std::vector<std::size_t> kAfter[] = {{}, {}, {0, 1}, {2}, {2}};

struct Row {
    const char* name;
    const char* setup;
    const char* events;
    const char* statuses;  // of t11 t12 t21 t31 t32
    const char* change;
};

const Row kRows[] = {
    {"everything goes well", "", "t11:do t12:do t21:do t31:do t32:do", "Done Done Done Done Done",
     "Done"},
    {"a late failure undoes the others in reverse", "t32:do-error",
     "t11:do t12:do t21:do t31:do t32:do t31:undo t21:undo t11:undo t12:undo",
     "Undone Undone Undone Undone Error", "Error"},
    {"what was not begun is held", "t21:do-error", "t11:do t12:do t21:do t11:undo t12:undo",
     "Undone Undone Error Hold Hold", "Error"},
    {"a throwing handler fails its task alone", "t21:do-throw",
     "t11:do t12:do t21:do t11:undo t12:undo", "Undone Undone Error Hold Hold", "Error"},
    {"a kind that nobody knows fails its task", "t21:unknown", "t11:do t12:do t11:undo t12:undo",
     "Undone Undone Error Hold Hold", "Error"},
    {"a failed undo does not keep the others from it", "t31:undo-error t32:do-error",
     "t11:do t12:do t21:do t31:do t32:do t31:undo t21:undo t11:undo t12:undo",
     "Undone Undone Undone Error Error", "Error"},
    {"two failed undos neither", "t31:undo-error t21:undo-error t32:do-error",
     "t11:do t12:do t21:do t31:do t32:do t31:undo t21:undo t11:undo t12:undo",
     "Undone Undone Error Error Error", "Error"},
    {"a waiting task that is to be run again is held by an abort", "t31:do-again t32:do-error",
     "t11:do t12:do t21:do t31:do t32:do t21:undo t11:undo t12:undo",
     "Undone Undone Undone Hold Error", "Error"},
    {"a task that wants to become what it cannot fails", "t21:do-nonsense",
     "t11:do t12:do t21:do t11:undo t12:undo", "Undone Undone Error Hold Hold", "Error"},
    {"an undo that waits holds up those before it", "t31:undo-wait t32:do-error",
     "t11:do t12:do t21:do t31:do t32:do t31:undo", "Undo Undo Undo Wait Error", "Wait"},
    {"undoing is over for a kind that has lost its undo",
     "t11:was-done t12:was-undo t21:was-undoing t21:no-undo t31:was-undone t32:was-error",
     "t12:undo", "Done Undone Done Undone Error", "Error"},
    {"what can never start is given up, and what is done of it undone", "t11:was-hold t12:was-done",
     "t12:undo", "Hold Undone Error Hold Hold", "Error"},
    {"what waits for what is to be undone is given up first", "t11:was-done t12:was-undo",
     "t11:undo t12:undo", "Undone Undone Error Hold Hold", "Error"},
    {"what has no undo stays done", "t21:no-undo t32:do-error",
     "t11:do t12:do t21:do t31:do t32:do t31:undo t11:undo t12:undo",
     "Undone Undone Done Undone Error", "Error"},
    {"nothing has an undo", "t11:no-undo t12:no-undo t21:no-undo t31:no-undo t32:do-error",
     "t11:do t12:do t21:do t31:do t32:do", "Done Done Done Done Error", "Error"},
    {"a retried task goes on", "t21:do-retry", "t11:do t12:do t21:do t21:do t31:do t32:do",
     "Done Done Done Done Done", "Done"},
    {"a retried undo goes on", "t21:undo-retry t32:do-error",
     "t11:do t12:do t21:do t31:do t32:do t31:undo t21:undo t21:undo t11:undo t12:undo",
     "Undone Undone Undone Undone Error", "Error"},
    {"a waiting task holds up what comes after", "t21:do-wait", "t11:do t12:do t21:do",
     "Done Done Wait Do Do", "Wait"},
    {"a task that waits beside others lets them run", "t31:do-wait",
     "t11:do t12:do t21:do t31:do t32:do", "Done Done Done Wait Done", "Wait"},
    {"a waiting task counts as done for an abort", "t31:do-wait t32:do-error",
     "t11:do t12:do t21:do t31:do t32:do t31:undo t21:undo t11:undo t12:undo",
     "Undone Undone Undone Undone Error", "Error"},
    {"an abort in the middle undoes what is done and what runs", "t21:do-abort",
     "t11:do t12:do t21:do t21:undo t11:undo t12:undo", "Undone Undone Undone Hold Hold", "Undone"},
    {"an abort holds what stopped and has no undo", "t21:do-abort t21:no-undo",
     "t11:do t12:do t21:do t11:undo t12:undo", "Undone Undone Hold Hold Hold", "Undone"},
    {"an abort stops those that have not got a worker yet", "t11:do-abort",
     "t11:do t11:undo t12:undo", "Undone Undone Hold Hold Hold", "Undone"},
    {"doing and undoing are run again after a kill", "t11:was-done t12:was-doing",
     "t12:do t21:do t31:do t32:do", "Done Done Done Done Done", "Done"},
    {"undoing is run again after a kill",
     "t11:was-done t12:was-undo t21:was-undoing t31:was-undone t32:was-error", "t21:undo t12:undo",
     "Done Undone Undone Undone Error", "Error"},
    {"an abort found after a kill is undone",
     "t11:was-abort t12:was-hold t21:was-hold t31:was-hold t32:was-hold", "t11:undo",
     "Undone Hold Hold Hold Hold", "Undone"},
    {"an abort found after a kill is held where nothing can undo it",
     "t11:was-abort t11:no-undo t12:was-done t21:was-hold t31:was-hold t32:was-hold", "",
     "Hold Done Hold Hold Hold", "Done"},
    {"a failure leaves another lane alone",
     "t11:lane=1 t12:lane=1 t21:lane=1 t31:lane=2 t32:lane=3 t31:do-error",
     "t11:do t12:do t21:do t31:do t32:do", "Done Done Done Error Done", "Error"},
    {"a failure takes those that wait for it, and their lanes",
     "t11:lane=5 t12:lane=2 t21:lane=4 t31:lane=5 t32:lane=6 t12:do-error",
     "t11:do t12:do t11:undo", "Undone Error Hold Hold Hold", "Error"},
    {"a failure leaves what is done in a lane that nothing drew in",
     "t11:lane=2 t12:lane=3 t21:lane=4 t31:lane=5 t32:lane=6 t11:do-error", "t11:do t12:do",
     "Error Done Hold Hold Hold", "Error"},
    {"tasks in a lane that is wholly alive are spared",
     "t11:lane=2,3 t12:lane=2,3 t21:lane=2,3 t31:lane=2 t32:lane=3 t32:do-error",
     "t11:do t12:do t21:do t31:do t32:do", "Done Done Done Done Error", "Error"},
    {"tasks whose lanes all fail are not",
     "t11:lane=2,3 t12:lane=2,3 t21:lane=2,3 t31:lane=2 t32:lane=3 t31:do-error t32:do-error",
     "t11:do t12:do t21:do t31:do t32:do t21:undo t11:undo t12:undo",
     "Undone Undone Undone Error Error", "Error"},
};

using Words = std::map<std::string, std::set<std::string>>;

Words parse(const std::string& setup) {
    Words words;
    std::istringstream in(setup);
    for (std::string word; in >> word;) {
        words[word.substr(0, 3)].insert(word.substr(4));
    }
    return words;
}

TaskStatus status_named(std::string name) {
    for (int number = 0; number <= static_cast<int>(TaskStatus::Wait); ++number) {
        const auto status = static_cast<TaskStatus>(number);
        std::string lower(to_string(status));
        std::ranges::transform(lower, lower.begin(),
                               [](unsigned char c) { return std::tolower(c); });
        if (lower == name) {
            return status;
        }
    }
    throw std::runtime_error("no status " + name);
}

class Sequence {
  public:
    explicit Sequence(const Row& row) : words_(parse(row.setup)), engine_(dir_.path(), time_) {
        for (const char* task : kTasks) {
            if (!words_[task].contains("unknown")) {
                engine_.runner().add_handlers(task, handlers(task));
            }
        }
        id_ = engine_.add(change());
        preset();
    }

    void run() {
        engine_.run_until_idle();
        engine_.runner().ensure();  // a Retry without a time is due at the next ensure
        engine_.run_until_idle();
    }

    std::string events() const { return journal_.text(); }

    std::string statuses() const { return engine_.statuses(id_); }

    ChangeView view() const { return engine_.change(id_); }

  private:
    NewChange change() {
        NewChange change{.kind = "sequence", .summary = "Sequence", .subject = "", .tasks = {}};
        for (std::size_t i = 0; i < std::size(kTasks); ++i) {
            NewTask task{.kind = kTasks[i], .summary = kTasks[i], .after = kAfter[i]};
            for (const std::string& word : words_[kTasks[i]]) {
                if (word.starts_with("lane=")) {
                    task.lane = word[5] - '0';
                    for (std::size_t at = 7; at < word.size(); at += 2) {
                        task.also_lanes.push_back(word[at] - '0');
                    }
                }
            }
            change.tasks.push_back(std::move(task));
        }
        return change;
    }

    void preset() {
        Transaction transaction(engine_.state().core());
        ChangeDraft& draft = *transaction.change(id_);
        for (std::size_t i = 0; i < std::size(kTasks); ++i) {
            for (const std::string& word : words_[kTasks[i]]) {
                if (word.starts_with("was-")) {
                    draft.edit(i).status = status_named(word.substr(4));
                }
            }
        }
        ASSERT_TRUE(transaction.commit(false));
    }

    TaskHandlers handlers(const std::string& name) {
        TaskHandlers both;
        both.run = [this, name](TaskContext& task) { return reply(name, "do", task); };
        if (!words_[name].contains("no-undo")) {
            both.undo = [this, name](TaskContext& task) { return reply(name, "undo", task); };
        }
        return both;
    }

    TaskOutcome reply(const std::string& name, const std::string& direction, TaskContext& task) {
        journal_.add(name + ":" + direction);
        const std::set<std::string>& words = words_.at(name);
        if (words.contains(direction + "-error")) {
            return Error{Code::Internal, name + " " + direction + " failed"};
        }
        if (words.contains(direction + "-throw")) {
            throw std::runtime_error("thrown");
        }
        if (words.contains(direction + "-retry") && journal_.count(name + ":" + direction) == 1) {
            return TaskRetry{.after = {}, .why = "not yet"};
        }
        if (words.contains(direction + "-wait")) {
            return TaskWait{"for the moon"};
        }
        if (words.contains(direction + "-again")) {
            return TaskWait{"for the sun", TaskStatus::Do};
        }
        if (words.contains(direction + "-nonsense")) {
            return TaskWait{"for nothing", TaskStatus::Undone};
        }
        if (words.contains(direction + "-abort")) {
            EXPECT_TRUE(engine_.state().abort_change(id_));
            test::Gate never;
            never.pass(task.stop());
            return Error{Code::Cancelled, "cut off"};
        }
        return TaskDone{};
    }

    MemoryDir dir_;
    fakes::FakeTime time_;
    Words words_;
    Journal journal_;
    ChangeId id_ = 0;
    Engine engine_;
};

TEST(Sequences, RunTheHandlersInThisOrderAndEndLikeThis) {
    for (const Row& row : kRows) {
        SCOPED_TRACE(row.name);
        Sequence sequence(row);
        sequence.run();
        EXPECT_EQ(sequence.events(), row.events);
        EXPECT_EQ(sequence.statuses(), row.statuses);
        EXPECT_EQ(to_string(sequence.view().status), row.change);
    }
}

TEST(Sequences, TellInTheChangeWhichTasksFailedAndWhy) {
    Sequence sequence({"", "t31:undo-error t32:do-error", "", "", ""});
    sequence.run();
    EXPECT_EQ(
        sequence.view().error,
        "cannot perform the following tasks:\n- t31 (t31 undo failed)\n- t32 (t32 do failed)");
}

TEST(Sequences, NameAlsoATaskThatDoesNotTellWhyItFailed) {
    Sequence sequence(
        {"", "t11:was-error t12:was-hold t21:was-hold t31:was-hold t32:do-error", "", "", ""});
    sequence.run();
    EXPECT_EQ(sequence.view().error.find("cannot perform the following tasks:\n- t11 (internal "
                                         "inconsistency: it does not say why)\n- t32 ("),
              0U)
        << sequence.view().error;
}

TEST(Sequences, TellWhatCanNeverStart) {
    Sequence sequence({"", "t11:was-hold t12:was-done", "", "", ""});
    sequence.run();
    EXPECT_EQ(
        sequence.view().error,
        "cannot perform the following tasks:\n- t21 (cannot go on: it can never start: task 1 "
        "will not be done)");
}

}  // namespace
}  // namespace podreeve::state
