// How fast the engine is: the latency of a commit beside more and more old changes, tasks a second
// through handlers that do nothing, and how long a start takes with many changes to load. State is
// kept in the directory of $TMPDIR, /var/tmp without it: a real disk, since syncing is the cost.
#include <benchmark/benchmark.h>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "agent/state/core.h"
#include "agent/state/task_runner.h"
#include "runtime/base/log.h"
#include "tests/fakes/fake_time.h"

namespace podreeve::state {
namespace {

class Directory {
  public:
    Directory() {
        const char* const parent = std::getenv("TMPDIR");
        std::string name = std::string(parent == nullptr ? "/var/tmp" : parent);
        name += "/podreeve-bench-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("cannot make a directory: " + name);
        }
        path = name;
    }

    ~Directory() {
        std::error_code error;
        std::filesystem::remove_all(path, error);
    }

    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    std::filesystem::path path;
};

std::unique_ptr<State> open_state(const Directory& directory, Clock& clock) {
    auto state = State::open(directory.path, clock);
    if (!state) {
        throw std::runtime_error(state.error().message);
    }
    return std::move(*state);
}

NewChange change_of(std::size_t tasks) {
    NewChange change{.kind = "deploy-app", .summary = "Deploy web: some steps"};
    for (std::size_t i = 0; i < tasks; ++i) {
        NewTask task{.kind = "nothing", .summary = "Do nothing"};
        task.data = R"({"app":"web","object":"web-one","spec":"0123456789abcdef"})";
        if (i > 0) {
            task.after = {i - 1};
        }
        change.tasks.push_back(std::move(task));
    }
    return change;
}

// So many changes of five tasks each, that have ended or are still to be begun.
void add_changes(State& state, std::int64_t count, TaskStatus status) {
    while (count > 0) {
        Transaction transaction(state.core());
        ChangeId id = transaction.memory().last_change;
        TaskId task_id = transaction.memory().last_task;
        for (int i = 0; i < 1000 && count > 0; ++i, --count) {
            ChangeRecord record;
            record.id = ++id;
            record.kind = "deploy-app";
            record.summary = "Deploy web: 5 steps";
            record.created = transaction.now();
            std::vector<std::vector<std::size_t>> before(5);
            for (int task = 0; task < 5; ++task) {
                TaskRecord one;
                one.id = ++task_id;
                one.kind = "nothing";
                one.summary = "Do nothing";
                one.status = status;
                one.lanes = {1};
                one.ready = is_ready(status) ? transaction.now() : WallTime{};
                record.tasks.push_back(std::make_shared<const TaskRecord>(std::move(one)));
            }
            record.graph = std::make_shared<const TaskGraph>(*TaskGraph::make(std::move(before)));
            transaction.add(std::move(record));
        }
        if (!transaction.commit(false)) {
            throw std::runtime_error("cannot write the changes");
        }
    }
}

// One status of one task, as the runner writes it.
void commit_of_a_status(benchmark::State& bench) {
    const Directory directory;
    fakes::FakeTime time;
    add_changes(*open_state(directory, time), bench.range(0), TaskStatus::Done);
    const auto state = open_state(directory, time);
    const ChangeId id = *state->add_change(change_of(5));
    bool flip = false;
    for (auto _ : bench) {
        Transaction transaction(state->core());
        transaction.change(id)->edit(0).status = flip ? TaskStatus::Do : TaskStatus::Doing;
        flip = !flip;
        if (!transaction.commit(false)) {
            bench.SkipWithError("the commit failed");
            return;
        }
    }
    bench.counters["old changes"] = static_cast<double>(bench.range(0));
}

// A change of five tasks, acknowledged when it is on the disk.
void durable_commit_of_a_change(benchmark::State& bench) {
    const Directory directory;
    fakes::FakeTime time;
    add_changes(*open_state(directory, time), bench.range(0), TaskStatus::Done);
    const auto state = open_state(directory, time);
    for (auto _ : bench) {
        if (!state->add_change(change_of(5))) {
            bench.SkipWithError("the commit failed");
            return;
        }
    }
    bench.counters["old changes"] = static_cast<double>(bench.range(0));
}

// Changes of ten tasks in a row, everything on this thread.
void tasks_through_a_handler_that_does_nothing(benchmark::State& bench) {
    const Directory directory;
    fakes::FakeTime time;
    const auto state = open_state(directory, time);
    std::deque<std::function<void()>> jobs;
    TaskRunner runner(*state, time, time,
                      [&](std::function<void()> job) { jobs.push_back(std::move(job)); });
    runner.add_handlers("nothing", {.run = [](TaskContext&) -> TaskOutcome { return TaskDone{}; }});
    std::int64_t tasks = 0;
    for (auto _ : bench) {
        const ChangeId id = *state->add_change(change_of(10));
        while (!state->core().find(id)->is_ready()) {
            time.run_posted();
            while (!jobs.empty()) {
                const auto job = std::move(jobs.front());
                jobs.pop_front();
                job();
            }
        }
        tasks += 10;
    }
    bench.SetItemsProcessed(tasks);
}

// All of them under way, so that none may be left out.
void loading_at_start(benchmark::State& bench) {
    const Directory directory;
    fakes::FakeTime time;
    add_changes(*open_state(directory, time), bench.range(0), TaskStatus::Do);
    for (auto _ : bench) {
        benchmark::DoNotOptimize(open_state(directory, time));
    }
    bench.counters["changes"] = static_cast<double>(bench.range(0));
}

constexpr std::int64_t kMany = 10'000, kMost = 100'000;

BENCHMARK(commit_of_a_status)
    ->Arg(0)
    ->Arg(1000)
    ->Arg(kMany)
    ->Arg(kMost)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(durable_commit_of_a_change)
    ->Arg(0)
    ->Arg(1000)
    ->Arg(kMany)
    ->Arg(kMost)
    ->Iterations(200)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(tasks_through_a_handler_that_does_nothing)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(loading_at_start)->Arg(100)->Arg(1000)->Arg(kMany)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace podreeve::state

int main(int argc, char** argv) {
    podreeve::log::init(podreeve::log::Sink::Terminal, "off");
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
