#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/state/core.h"
#include "agent/state/state.h"
#include "agent/state/task_runner.h"
#include "runtime/base/worker_pool.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::state::test {

// In memory where that can be had: the state syncs its commits.
class MemoryDir : public fakes::TempDir {
  public:
    MemoryDir();
};

// FakeTime, with a way to wait for what another thread posts.
class PostedTime final : public Scheduler {
  public:
    explicit PostedTime(fakes::FakeTime& time) : time_(time) {}

    TimerHandle after(Duration delay, std::function<void()> fn) override {
        return time_.after(delay, std::move(fn));
    }

    void post(std::function<void()> fn) override;

    // Runs what is posted until holds() does; false when nothing comes for ten seconds.
    bool run_until(const std::function<bool()>& holds);

  private:
    fakes::FakeTime& time_;
    std::mutex mutex_;
    std::condition_variable posted_;
    std::size_t waiting_ = 0;
};

// What happened, in order; any thread.
class Journal {
  public:
    void add(std::string entry);
    std::string text() const;  // joined by blanks
    bool has(const std::string& entry) const;
    std::size_t count(const std::string& entry) const;
    // Waits for an entry of another thread; false when it does not come within ten seconds.
    bool wait_for(const std::string& entry) const;

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable added_;
    std::vector<std::string> entries_;
};

// A gate that handlers stop at until the test opens it.
class Gate {
  public:
    void open();
    // Returns when it is open or the token asks to stop; true when it is open.
    bool pass(std::stop_token stop);

  private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool open_ = false;
};

// State and runner over one directory and a time that outlives them, so that they can be made again
// as after a kill.
class Engine {
  public:
    explicit Engine(const std::filesystem::path& directory,
                    fakes::FakeTime& time,
                    unsigned workers = 1);
    ~Engine();

    State& state() { return *state_; }

    TaskRunner& runner() { return *runner_; }

    PostedTime& posted() { return posted_; }

    // Adds the change or fails the test.
    ChangeId add(const NewChange& change);
    // Runs until nothing runs and nothing could be started, without moving time.
    void run_until_idle();
    ChangeView change(ChangeId id) const;
    // "Done Undone Hold": the statuses of the tasks, in order.
    std::string statuses(ChangeId id) const;

  private:
    PostedTime posted_;
    std::unique_ptr<State> state_;
    std::unique_ptr<WorkerPool> workers_;
    std::unique_ptr<TaskRunner> runner_;
};

std::unique_ptr<State> open_state(const std::filesystem::path& directory, Clock& clock);

// A change, not in any state, of tasks 11, 12, …, each after the one before it.
ChangeRecord chain(const std::vector<TaskStatus>& statuses);
// Handlers that do nothing.
TaskHandlers no_op();
// A change of one task.
NewChange one_task(std::string kind, std::string subject = "");

}  // namespace podreeve::state::test
