#include "tests/unit/state/engine.h"

#include <algorithm>
#include <chrono>

#include <gtest/gtest.h>

namespace podreeve::state::test {

MemoryDir::MemoryDir()
    : fakes::TempDir(std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp") {}

void PostedTime::post(std::function<void()> fn) {
    const std::lock_guard lock(mutex_);
    time_.post(std::move(fn));
    ++waiting_;
    posted_.notify_all();
}

bool PostedTime::run_until(const std::function<bool()>& holds) {
    // What is waited for may come true on another thread, which need not post anything afterwards.
    constexpr int kLooks = 500;
    for (int look = 0; look < kLooks; ++look) {
        time_.run_posted();
        if (holds()) {
            return true;
        }
        std::unique_lock lock(mutex_);
        if (posted_.wait_for(lock, std::chrono::milliseconds(20),
                             [this] { return waiting_ > 0; })) {
            waiting_ = 0;
            look = 0;
        }
    }
    return false;
}

void Journal::add(std::string entry) {
    const std::lock_guard lock(mutex_);
    entries_.push_back(std::move(entry));
    added_.notify_all();
}

bool Journal::wait_for(const std::string& entry) const {
    std::unique_lock lock(mutex_);
    return added_.wait_for(lock, std::chrono::seconds(10),
                           [&] { return std::ranges::find(entries_, entry) != entries_.end(); });
}

std::string Journal::text() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const std::string& entry : entries_) {
        text += (text.empty() ? "" : " ") + entry;
    }
    return text;
}

bool Journal::has(const std::string& entry) const {
    return count(entry) > 0;
}

std::size_t Journal::count(const std::string& entry) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count(entries_, entry));
}

void Gate::open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
}

bool Gate::pass(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    return changed_.wait(lock, std::move(stop), [this] { return open_; });
}

Engine::Engine(const std::filesystem::path& directory, fakes::FakeTime& time, unsigned workers)
    : posted_(time),
      state_(open_state(directory, time)),
      workers_(std::make_unique<WorkerPool>(workers)),
      runner_(std::make_unique<TaskRunner>(*state_, time, posted_, *workers_)) {}

Engine::~Engine() {
    runner_.reset();
    workers_.reset();
}

ChangeId Engine::add(const NewChange& change) {
    const Result<ChangeId> id = state_->add_change(change);
    EXPECT_TRUE(id) << id.error().message;
    return id.value_or(0);
}

void Engine::run_until_idle() {
    runner_->ensure();
    EXPECT_TRUE(posted_.run_until([this] { return runner_->idle(); })) << "does not converge";
}

ChangeView Engine::change(ChangeId id) const {
    const auto view = state_->change(id);
    EXPECT_TRUE(view.has_value()) << "no change " << id;
    return view.value_or(ChangeView{});
}

std::string Engine::statuses(ChangeId id) const {
    std::string text;
    for (const TaskView& task : change(id).tasks) {
        text += (text.empty() ? "" : " ") + std::string(to_string(task.status));
    }
    return text;
}

std::unique_ptr<State> open_state(const std::filesystem::path& directory, Clock& clock) {
    auto state = State::open(directory, clock);
    if (!state) {
        ADD_FAILURE() << state.error().message;
        std::abort();
    }
    return std::move(*state);
}

TaskHandlers no_op() {
    const auto done = [](TaskContext&) -> TaskOutcome { return TaskDone{}; };
    return {.run = done, .undo = done};
}

ChangeRecord chain(const std::vector<TaskStatus>& statuses) {
    ChangeRecord change;
    change.id = 7;
    std::vector<std::vector<std::size_t>> before(statuses.size());
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        TaskRecord task;
        task.id = static_cast<TaskId>(i) + 11;
        task.kind = "pull";
        task.status = statuses[i];
        task.waited = statuses[i] == TaskStatus::Wait ? TaskStatus::Done : TaskStatus::Default;
        task.wait_reason = statuses[i] == TaskStatus::Wait ? "for a reboot" : "";
        task.lanes = {1};
        change.tasks.push_back(std::make_shared<const TaskRecord>(task));
        if (i > 0) {
            before[i] = {i - 1};
        }
    }
    change.graph = std::make_shared<const TaskGraph>(*TaskGraph::make(std::move(before)));
    return change;
}

NewChange one_task(std::string kind, std::string subject) {
    return {.kind = "test",
            .summary = "Test it",
            .subject = std::move(subject),
            .tasks = {{.kind = kind, .summary = "Do " + kind, .after = {}}}};
}

}  // namespace podreeve::state::test
