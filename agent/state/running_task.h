#pragma once

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>

#include <nlohmann/json.hpp>

#include "agent/state/core.h"
#include "agent/state/task.h"
#include "runtime/base/clock.h"

namespace podreeve::state {

// Which of its handlers a task is run with.
enum class Direction { Do, Undo, Clean };

// One run of one handler. What a worker touches (the TaskContext part) and what the scheduler's
// thread touches (the public members) do not overlap, but for the stop token.
class RunningTask final : public TaskContext {
  public:
    RunningTask(State::Core& state,
                const ChangeRecord& change,
                const TaskRecord& task,
                const TaskHandlers& handlers,
                Direction direction);

    // Runs the handler; what it throws is an Error of this task alone.
    TaskOutcome call() noexcept;

    TaskId id() const override { return id_; }

    const std::string& kind() const override { return kind_; }

    const std::string& subject() const override { return subject_; }

    const nlohmann::json& data() const override { return data_; }

    const nlohmann::json& change_data() const override { return change_data_; }

    Status save(const nlohmann::json& patch) override;
    void log(std::string text) override;
    void progress(Progress progress) override;

    std::stop_token stop() const override { return stop_source.get_token(); }

    ChangeId change() const { return change_; }

    Direction direction() const { return direction_; }

    // The scheduler's thread alone:
    std::stop_source stop_source;
    TimerHandle deadline;
    bool timed_out = false;  // the token was requested because the deadline passed
    bool ended = false;      // the handler has returned
    SteadyTime begun{};      // when it was given to the workers
    Duration took{};         // from then to its end

  private:
    State::Core& state_;
    const TaskHandler& handler_;
    const Direction direction_;
    const ChangeId change_;
    const TaskId id_;
    const std::string kind_, subject_;
    nlohmann::json data_;
    const nlohmann::json change_data_;
};

}  // namespace podreeve::state
