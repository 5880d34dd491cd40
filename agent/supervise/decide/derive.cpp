#include "agent/supervise/decide/derive.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/step_kinds.h"

namespace podreeve::supervise {
namespace {

using state::ChangeView;
using state::TaskStatus;
using state::TaskView;

const TaskView* current_task(const ChangeView& change) {
    const auto has = [&](auto... statuses) -> const TaskView* {
        const auto it =
            std::find_if(change.tasks.begin(), change.tasks.end(),
                         [&](const TaskView& task) { return ((task.status == statuses) || ...); });
        return it == change.tasks.end() ? nullptr : &*it;
    };
    if (const TaskView* task = has(TaskStatus::Doing, TaskStatus::Undoing, TaskStatus::Abort)) {
        return task;
    }
    return has(TaskStatus::Do, TaskStatus::Wait, TaskStatus::Undo);
}

bool is_undoing(const ChangeView& change) {
    return change.status == TaskStatus::Undo || change.status == TaskStatus::Undoing ||
           change.status == TaskStatus::Abort;
}

bool prepares(const std::string& kind) {
    const plan::StepKindRow* const row = plan::row_named(kind);
    return row != nullptr && row->prepares;
}

DerivedState of_change(const ChangeView& change) {
    const TaskView* task = current_task(change);
    std::string message = task == nullptr ? change.summary : task->summary;
    if (task != nullptr && !task->progress.label.empty()) {
        message += ": " + task->progress.label;
    }
    if (task != nullptr && !task->wait_reason.empty()) {
        message += ": " + task->wait_reason;
    }
    if (is_undoing(change)) {
        return {ServiceState::Starting, "puts the last version back: " + message};
    }
    return {phase_of(change.kind, task == nullptr ? "" : task->kind), message};
}

std::string count_text(const Facts& facts) {
    return fmt::format("{} of {} {} run", facts.up, facts.total,
                       facts.has_companions ? "parts" : "containers");
}

DerivedState of_parts(const Facts& facts) {
    const bool all_up = facts.up == facts.total;
    if (facts.total > 0 && facts.finished_well == facts.total) {
        return {ServiceState::Finished, "ran to its end"};
    }
    if (facts.failed_for_good > 0) {
        return {ServiceState::Failed,
                fmt::format("{} of {} containers failed and are not to be restarted",
                            facts.failed_for_good, facts.total)};
    }
    if (all_up && facts.total > 0) {
        return {ServiceState::Running, facts.failure.empty() ? facts.not_ready : facts.failure};
    }
    if (!facts.conflict.empty()) {
        return {ServiceState::Failed, facts.conflict};
    }
    if (!facts.companions.empty()) {
        return {facts.companions_unknown ? ServiceState::Unknown : ServiceState::Failed,
                facts.companions};
    }
    if (!facts.hold.empty()) {
        return {ServiceState::Waiting, facts.hold};
    }
    if (!facts.failure.empty()) {
        return {ServiceState::Failed, facts.failure};
    }
    if (!facts.backing_off.empty()) {
        return {facts.crash_loop ? ServiceState::CrashLoop : ServiceState::Waiting,
                facts.backing_off};
    }
    return {ServiceState::Starting, count_text(facts)};
}

// Nothing is done about it, so that it stands as it is.
DerivedState of_leftover(const Facts& facts) {
    return {facts.any_running ? ServiceState::Running : ServiceState::Finished, facts.removal_held};
}

}  // namespace

ServiceState phase_of(const std::string& change_kind, const std::string& task_kind) {
    if (change_kind.starts_with("remove-") || change_kind.starts_with("stop-")) {
        return ServiceState::Stopping;
    }
    return prepares(task_kind) ? ServiceState::Preparing : ServiceState::Starting;
}

DerivedState derive_state(const Facts& facts) {
    if (!facts.has_spec && facts.desired) {
        return {ServiceState::Failed, facts.manifest_error};
    }
    if (!facts.podman_known) {
        return {ServiceState::Unknown, facts.podman_error};
    }
    if (facts.change) {
        return of_change(*facts.change);
    }
    if (!facts.desired && !facts.removal_held.empty()) {
        return of_leftover(facts);
    }
    if (!facts.desired) {
        return {ServiceState::Stopping, facts.failure.empty() ? "is being removed" : facts.failure};
    }
    const bool down = facts.stopped || !facts.down_because.empty();
    if (down && facts.any_running) {
        return {ServiceState::Stopping,
                facts.stop_waits.empty() ? facts.failure : facts.stop_waits};
    }
    if (facts.stopped) {
        return facts.autostart_off ? DerivedState{ServiceState::Skipped, "autostart is off"}
                                   : DerivedState{ServiceState::Finished, "stopped on request"};
    }
    if (down) {
        return {ServiceState::Waiting, facts.down_because};
    }
    return of_parts(facts);
}

void show_change(AppStatus& app, const std::optional<state::ChangeView>& change) {
    const bool is_unread = app.state == ServiceState::Unknown;
    if (app.change == 0 || !change || change->is_ready || is_unread) {
        return;
    }
    DerivedState derived = of_change(*change);
    app.state = derived.state;
    app.message = std::move(derived.message);
}

}  // namespace podreeve::supervise
