// The engine against the model: random graphs of tasks, and random things that happen to them.
// After every step the two agree on the status of every task and change, on which handlers run and
// on which of them were told to stop; and everything comes to an end.
//
// A case is made from its seed alone. One that fails prints the seed and what happened; it is run
// again, alone, with
//     PODREEVE_SEED=N unit_state_model
#include "tests/unit/state/model.h"

#include <cstdlib>
#include <deque>
#include <random>

#include <gtest/gtest.h>

#include "runtime/base/log.h"
#include "tests/unit/state/engine.h"

#ifndef PODREEVE_MODEL_CASES
#define PODREEVE_MODEL_CASES 2000
#endif

namespace podreeve::state {
namespace {

using model::Answer;
using model::Ms;
using std::chrono::milliseconds;

constexpr std::uint64_t kCases = PODREEVE_MODEL_CASES;
constexpr std::uint64_t kBlocks = 20;
constexpr int kMostSteps = 40;
constexpr int kMostRounds = 300;  // until all has to be over

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : bits_(seed * 0x9E3779B97F4A7C15U + 1) {}

    // 0 … sides - 1
    std::size_t roll(std::size_t sides) { return static_cast<std::size_t>(bits_() % sides); }

    bool chance(std::size_t percent) { return roll(100) < percent; }

  private:
    std::mt19937_64 bits_;
};

// The engine on its own, everything on this thread: a handler runs when a job is taken.
class Subject {
  public:
    Subject() { open(); }

    ~Subject() { close(); }

    void restart() {
        close();
        open();
    }

    TaskRunner& runner() { return *runner_; }

    State& state() { return *state_; }

    void take(std::size_t job) {
        const std::function<void()> run = std::move(jobs_[job]);
        jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(job));
        run();
    }

    std::size_t jobs() const { return jobs_.size(); }

    fakes::FakeTime time;
    std::map<std::string, model::Kind> kinds{{"a", {.limit = 1}},
                                             {"b", {}},
                                             {"c", {.undo = false, .limit = 3}},
                                             {"n", {}},
                                             {"x", {.known = false}}};
    std::function<TaskOutcome(TaskContext&)> handler;
    bool failing = false;

  private:
    void open() {
        state_ = test::open_state(directory_.path(), time);
        state_->core().store.before_commit = [this]() -> Status {
            return std::exchange(failing, false)
                       ? Status(Error{Code::Unavailable, "the disk is full"})
                       : Status();
        };
        runner_ = std::make_unique<TaskRunner>(
            *state_, time, time, [this](std::function<void()> job) { jobs_.push_back(job); });
        for (const auto& [name, kind] : kinds) {
            const auto call = [this](TaskContext& task) { return handler(task); };
            if (kind.known) {
                runner_->add_handlers(name, {.run = call,
                                             .undo = kind.undo ? TaskHandler(call) : nullptr,
                                             .limit = kind.limit});
            }
        }
        runner_->add_rule([](const TaskRef& task, const std::vector<TaskRef>& running) {
            const bool beside_a =
                task.kind == "b" && std::ranges::count(running, "a", &TaskRef::kind) != 0;
            return task.kind == "n" || beside_a ? std::optional<std::string>("not now")
                                                : std::nullopt;
        });
    }

    void close() {
        runner_.reset();
        jobs_.clear();
        state_.reset();
    }

    test::MemoryDir directory_;
    std::unique_ptr<State> state_;
    std::unique_ptr<TaskRunner> runner_;
    std::deque<std::function<void()>> jobs_;
};

// One case: the dice decide what happens, the engine and the model are told alike.
class Case {
  public:
    Case(Subject& subject, std::uint64_t seed) : subject_(subject), dice_(seed) {
        model_.kinds = subject.kinds;
        subject.handler = [this](TaskContext& task) { return handle(task); };
        subject.failing = false;
    }

    ~Case() {
        subject_.failing = false;
        Transaction transaction(core());
        std::vector<ChangeId> all;
        for (const auto& [id, change] : model_.changes) {
            all.push_back(id);
        }
        transaction.remove_changes(all);
        EXPECT_TRUE(transaction.commit(false));
    }

    // Lets what an earlier case has left behind (a timer, a pass that is posted) run out.
    void calm() {
        subject_.time.run_posted();
        subject_.time.advance(milliseconds(kMs));
    }

    // False when engine and model came to differ, or do not come to an end.
    bool run() {
        calm();
        add();
        if (dice_.chance(10)) {
            preset();
        }
        const std::size_t steps = 5 + dice_.roll(kMostSteps);
        for (std::size_t i = 0; i < steps && agree(); ++i) {
            step();
        }
        return agree() && drain();
    }

    const std::string& story() const { return story_; }

    void report(bool on) { telling_ = on; }

  private:
    State::Core& core() { return subject_.state().core(); }

    void note(const std::string& what) {
        if (telling_) {
            story_ += what + "\n";
        }
    }

    std::string kind() {
        static const char* const kUsual[] = {"a", "a", "b", "b", "b", "c", "c"};
        return dice_.chance(2) ? "x" : dice_.chance(2) ? "n" : kUsual[dice_.roll(7)];
    }

    model::Change random_change() {
        model::Change change;
        change.id = core().memory.last_change + 1;
        change.subject = dice_.chance(70) ? "web" : dice_.chance(50) ? "db" : "";
        const std::size_t tasks = 1 + dice_.roll(6);
        const std::size_t lanes = 1 + dice_.roll(3);
        for (std::size_t i = 0; i < tasks; ++i) {
            model::Task task;
            task.id = core().memory.last_task + 1 + static_cast<TaskId>(i);
            task.kind = kind();
            for (std::size_t before = 0; before < i; ++before) {
                if (dice_.chance(40)) {
                    task.after.push_back(before);
                }
            }
            task.lanes.push_back(static_cast<int>(dice_.roll(lanes)) + 1);
            while (dice_.chance(20)) {
                task.lanes.push_back(static_cast<int>(dice_.roll(lanes + 1)) + 1);
            }
            change.tasks.push_back(std::move(task));
        }
        return change;
    }

    void add() {
        const model::Change change = random_change();
        NewChange request{.kind = "random", .summary = "Random", .subject = change.subject};
        std::string drawn;
        for (const model::Task& task : change.tasks) {
            request.tasks.push_back({.kind = task.kind,
                                     .summary = "Task",
                                     .lane = task.lanes.front(),
                                     .after = task.after,
                                     .also_lanes = {task.lanes.begin() + 1, task.lanes.end()}});
            drawn += " " + std::to_string(task.id) + task.kind + "(after";
            for (const std::size_t before : task.after) {
                drawn += " " + std::to_string(change.tasks[before].id);
            }
            drawn += "; lanes";
            for (const int lane : task.lanes) {
                drawn += " " + std::to_string(lane);
            }
            drawn += ")";
        }
        const auto collision = static_cast<Collision>(dice_.roll(3));
        note("add change " + std::to_string(change.id) + " on '" + change.subject +
             "', collision " + std::to_string(static_cast<int>(collision)) + ":" + drawn);
        const bool added = subject_.state().add_change(request, collision).has_value();
        expect_same(
            "add", added,
            model_.add(change, collision == Collision::Queue, collision == Collision::Supersede));
    }

    // As a store may be found that somebody has edited: any statuses beside each other.
    void preset() {
        if (model_.changes.empty()) {
            return;
        }
        auto& [id, change] = *model_.changes.begin();
        Transaction transaction(core());
        ChangeDraft& draft = *transaction.change(id);
        for (std::size_t i = 0; i < change.tasks.size(); ++i) {
            const auto status = static_cast<TaskStatus>(1 + dice_.roll(10));
            const bool waits = status == TaskStatus::Wait;
            const auto waited = !waits             ? TaskStatus::Default
                                : dice_.chance(50) ? TaskStatus::Done
                                                   : TaskStatus::Undo;
            draft.edit(i).status = change.tasks[i].status = status;
            draft.edit(i).waited = change.tasks[i].waited = waited;
            note("preset " + std::to_string(change.tasks[i].id) + " " +
                 std::string(to_string(status)));
        }
        change.ready = std::ranges::all_of(
            change.tasks, [](const model::Task& task) { return is_ready(task.status); });
        ASSERT_TRUE(transaction.commit(false));
    }

    void step() {
        switch (dice_.roll(20)) {
            case 0:
                return abort();
            case 1:
                return dice_.chance(60) ? add() : supersede();
            case 2:
                return dice_.chance(50) ? restart() : undo();
            case 3:
                return fail_next();
            case 4:
            case 5:
                return resume();
            case 6:
            case 7:
                return advance(static_cast<Ms>(dice_.roll(20'000)));
            case 8:
            case 9:
                return ensure();
            case 10:
            case 11:
            case 12:
            case 13:
                return run_posted();
            default:
                return take();
        }
    }

    ChangeId some_change() {
        auto it = model_.changes.begin();
        std::advance(it, static_cast<std::ptrdiff_t>(dice_.roll(model_.changes.size())));
        return it->first;
    }

    void abort() {
        if (model_.changes.empty()) {
            return;
        }
        const ChangeId id = some_change();
        note("abort change " + std::to_string(id));
        const bool aborted = subject_.state().abort_change(id).has_value();
        expect_same("abort", aborted, model_.abort(id));
    }

    void supersede() {
        if (model_.changes.empty()) {
            return;
        }
        const ChangeId id = some_change();
        note("supersede change " + std::to_string(id));
        static_cast<void>(subject_.state().supersede_change(id, "for the test"));
        model_.supersede(id);
    }

    void undo() {
        if (model_.changes.empty()) {
            return;
        }
        const ChangeId id = some_change();
        const ChangeId fresh = core().memory.last_change + 1;
        const TaskId task = core().memory.last_task + 1;
        note("undo change " + std::to_string(id) + " by " + std::to_string(fresh));
        const bool undone = subject_.state().undo_change(id).has_value();
        expect_same("undo", undone, model_.undo(id, fresh, task));
    }

    void resume() {
        for (const auto& [id, change] : model_.changes) {
            for (const model::Task& task : change.tasks) {
                if (task.status == TaskStatus::Wait) {
                    note("resume task " + std::to_string(task.id));
                    const TaskId waiting = task.id;
                    const bool resumed = subject_.state().resume_task(waiting).has_value();
                    expect_same("resume", resumed, model_.resume(waiting));
                    return;
                }
            }
        }
    }

    void restart() {
        note("restart");
        subject_.failing = model_.failing = false;
        subject_.restart();
        model_.restart();
    }

    void fail_next() {
        note("the next commit fails");
        subject_.failing = model_.failing = true;
    }

    void advance(Ms duration) {
        note("advance " + std::to_string(duration) + " ms");
        subject_.time.advance(milliseconds(duration));
        model_.advance(duration);
    }

    void ensure() {
        note("ensure");
        subject_.runner().ensure();
        model_.ensure();
    }

    void run_posted() {
        note("run what is posted");
        subject_.time.run_posted();
        model_.run_posted();
    }

    void take() {
        if (subject_.jobs() == 0) {
            return;
        }
        const std::size_t job = dice_.roll(subject_.jobs());
        const TaskId id = model_.running.at(job);
        note("run the handler of task " + std::to_string(id));
        running_ = id;
        called_ = false;
        answer_ = Answer::RetrySoon;  // what the runner makes of one that was told to stop before
        const bool reported = model_.task(id).told_to_stop;
        subject_.take(job);
        expect_same("call", called_, !reported);
        model_.ended(id, answer_);
    }

    TaskOutcome handle(TaskContext& task) {
        called_ = true;
        expect_same("task", task.id() == running_, true);
        if (dice_.chance(10)) {
            abort();
        }
        if (dice_.chance(15)) {
            run_posted();
        }
        expect_same("stop", task.stop().stop_requested(), model_.task(running_).told_to_stop);
        answer_ = reply(task.stop().stop_requested());
        note("  and it answers " + std::to_string(static_cast<int>(answer_)));
        return outcome(task);
    }

    Answer reply(bool stopped) {
        if (stopped && dice_.chance(60)) {
            return Answer::Cancelled;
        }
        if (twists_ == 0 || dice_.chance(60)) {
            return Answer::Done;
        }
        --twists_;
        return dice_.chance(30) ? Answer::Fail : static_cast<Answer>(1 + dice_.roll(7));
    }

    TaskOutcome outcome(TaskContext& task) {
        const ChangeRecord& change = *find(task.id());
        const TaskStatus status = change.tasks[change.position(task.id())]->status;
        switch (answer_) {
            case Answer::Done:
                return TaskDone{};
            case Answer::Fail:
                if (dice_.chance(50)) {
                    throw std::runtime_error("thrown");
                }
                return Error{Code::Internal, "broken"};
            case Answer::Cancelled:
                return Error{Code::Cancelled, "cut off"};
            case Answer::RetrySoon:
                return TaskRetry{{}, "soon"};
            case Answer::RetryLater:
                return TaskRetry{milliseconds(model::kRetryLater), "later"};
            case Answer::Wait:
                return TaskWait{"for somebody"};
            case Answer::WaitAgain:
                return TaskWait{"to be run again",
                                status == TaskStatus::Undoing ? TaskStatus::Undo : TaskStatus::Do};
            case Answer::WaitNonsense:
                return TaskWait{"for nothing", TaskStatus::Hold};
        }
        return TaskDone{};
    }

    // Nothing new happens any more: it has to come to an end, whatever was done to it.
    bool drain() {
        twists_ = 0;
        for (int round = 0; round < kMostRounds && agree(); ++round) {
            const bool over = std::ranges::all_of(model_.changes,
                                                  [](const auto& row) { return row.second.ready; });
            if (over) {
                return true;
            }
            run_posted();
            ensure();
            while (subject_.jobs() > 0 && agree()) {
                take();
            }
            run_posted();
            resume();
            advance(kMs);
        }
        if (agree()) {
            differ("it does not come to an end");
        }
        return false;
    }

    ChangePtr find(TaskId task) {
        for (const auto& [id, change] : core().memory.changes) {
            if (change->position(task) != change->tasks.size()) {
                return change;
            }
        }
        throw std::logic_error("no such task");
    }

    void differ(const std::string& what) {
        if (!differs_) {
            story_ += "=> " + what + "\n";
        }
        differs_ = true;
    }

    void expect_same(const std::string& what, bool engine, bool model) {
        if (engine != model) {
            differ(what + ": the engine says " + std::to_string(engine) + ", the model " +
                   std::to_string(model));
        }
    }

    bool agree() {
        if (differs_) {
            return false;
        }
        const auto& engine = core().memory.changes;
        if (engine.size() != model_.changes.size() || subject_.jobs() != model_.running.size()) {
            differ("the engine has " + std::to_string(engine.size()) + " changes and " +
                   std::to_string(subject_.jobs()) + " running tasks, the model " +
                   std::to_string(model_.changes.size()) + " and " +
                   std::to_string(model_.running.size()));
            return false;
        }
        for (const auto& [id, change] : model_.changes) {
            compare(*engine.at(id), change);
        }
        return !differs_;
    }

    void compare(const ChangeRecord& engine, const model::Change& change) {
        std::string seen, expected;
        for (std::size_t i = 0; i < change.tasks.size(); ++i) {
            const TaskRecord& task = *engine.tasks[i];
            if (task.status != change.tasks[i].status || task.waited != change.tasks[i].waited) {
                seen += " " + std::to_string(task.id) + ":" + std::string(to_string(task.status));
                expected += " " + std::to_string(task.id) + ":" +
                            std::string(to_string(change.tasks[i].status));
            }
        }
        if (!seen.empty()) {
            differ("the engine has" + seen + ", the model" + expected);
        }
        if (derived_status(engine) != model_.status(change) || engine.is_ready() != change.ready) {
            differ("change " + std::to_string(change.id) + " is " +
                   std::string(to_string(derived_status(engine))) + ", to the model " +
                   std::string(to_string(model_.status(change))));
        }
        const std::size_t reported = subject_.state().explain(change.id).size();
        const auto unready = static_cast<std::size_t>(std::ranges::count_if(
            change.tasks, [](const model::Task& task) { return !is_ready(task.status); }));
        if (reported != unready) {
            differ("change " + std::to_string(change.id) + " does not explain every task");
        }
    }

    static constexpr Ms kMs = 10'000;

    Subject& subject_;
    Dice dice_;
    model::Model model_;
    std::string story_;
    bool telling_ = false;
    bool differs_ = false;
    int twists_ = 12;
    TaskId running_ = 0;
    bool called_ = false;
    Answer answer_ = Answer::Done;
};

std::optional<std::uint64_t> seed_asked_for() {
    const char* const text = std::getenv("PODREEVE_SEED");
    return text == nullptr ? std::nullopt : std::optional(std::strtoull(text, nullptr, 10));
}

// Runs it again to tell what happened: a case depends on its seed alone.
std::string story_of(std::uint64_t seed) {
    Subject subject;
    Case again(subject, seed);
    again.report(true);
    again.run();
    return again.story();
}

class EngineAndModel : public testing::TestWithParam<std::uint64_t> {
  protected:
    static void SetUpTestSuite() { log::init(log::Sink::Terminal, "off"); }

    static void TearDownTestSuite() { log::init(log::Sink::Terminal, "info"); }
};

TEST_P(EngineAndModel, AgreeOnEveryStatusAfterEveryStep) {
    if (const auto seed = seed_asked_for()) {
        Subject subject;
        Case one(subject, *seed);
        one.report(true);
        EXPECT_TRUE(one.run());
        std::printf("%s", one.story().c_str());
        return;
    }
    Subject subject;
    for (std::uint64_t i = 0; i < kCases / kBlocks; ++i) {
        const std::uint64_t seed = GetParam() * (kCases / kBlocks) + i;
        if (!Case(subject, seed).run()) {
            FAIL() << "PODREEVE_SEED=" << seed << "\n" << story_of(seed);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Blocks, EngineAndModel, testing::Range(std::uint64_t{0}, kBlocks));

}  // namespace
}  // namespace podreeve::state
