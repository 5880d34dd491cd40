#include "agent/state/running_task.h"

#include <exception>

#include <fmt/format.h>

#include "runtime/base/json_text.h"

namespace podreeve::state {
namespace {

Error thrown(const std::string& kind, const char* what) {
    return {Code::Internal, fmt::format("cannot run {}: the handler threw: {}", kind, what)};
}

const TaskHandler& handler_for(const TaskHandlers& handlers, Direction direction) {
    switch (direction) {
        case Direction::Undo:
            return handlers.undo;
        case Direction::Clean:
            return handlers.cleanup;
        case Direction::Do:
            break;
    }
    return handlers.run;
}

}  // namespace

RunningTask::RunningTask(State::Core& state,
                         const ChangeRecord& change,
                         const TaskRecord& task,
                         const TaskHandlers& handlers,
                         Direction direction)
    : state_(state),
      handler_(handler_for(handlers, direction)),
      direction_(direction),
      change_(change.id),
      id_(task.id),
      kind_(task.kind),
      subject_(change.subject),
      data_(nlohmann::json::parse(task.data, nullptr, false)),
      change_data_(nlohmann::json::parse(change.data, nullptr, false)) {}

TaskOutcome RunningTask::call() noexcept {
    try {
        return handler_(*this);
    } catch (const std::exception& error) {
        return thrown(kind_, error.what());
    } catch (...) {
        return thrown(kind_, "not a std::exception");
    }
}

Status RunningTask::save(const nlohmann::json& patch) {
    nlohmann::json merged = data_;
    merged.merge_patch(patch);
    if (!merged.is_object()) {
        return fail(Code::Internal,
                    fmt::format("cannot save the data of task {}: not a JSON object", id_));
    }
    if (merged == data_) {
        return {};
    }
    Transaction transaction(state_);
    ChangeDraft* const change = transaction.change(change_);
    if (change == nullptr) {
        return fail(Code::NotFound, fmt::format("cannot save the data of task {}: change {} is "
                                                "gone",
                                                id_, change_));
    }
    change->edit(change->record().position(id_)).data = json_text(merged);
    RETURN_IF_ERROR(transaction.commit(true));
    data_ = std::move(merged);
    return {};
}

void RunningTask::log(std::string text) {
    const WallTime now = state_.clock.system_now();
    state_.amend(change_, id_,
                 [&](TaskRecord& task) { add_log_line(task, now, false, std::move(text)); });
}

void RunningTask::progress(Progress progress) {
    state_.amend(change_, id_, [&](TaskRecord& task) { task.progress = std::move(progress); });
}

}  // namespace podreeve::state
