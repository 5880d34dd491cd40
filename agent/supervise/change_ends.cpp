#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/supervise/core.h"
#include "runtime/base/json_text.h"

// What is remembered of a change that has ended.
namespace podreeve::supervise {

void Supervisor::Core::note_pod_starts(const state::ChangeView& change) {
    for (const state::TaskView& task : change.tasks) {
        const bool done = task.status == state::TaskStatus::Done;
        if (task.kind != "start-pod" || (!done && task.status != state::TaskStatus::Error)) {
            continue;
        }
        // What was amiss beside podman (a path that is not there yet, a full disk) passes, and no
        // new pod helps against it.
        const nlohmann::json data = json_object_from(task.data);
        if (done || text_in(data, "refused") == "yes") {
            memory.stuck_watch.note_pod_start(text_in(data, "object"), done);
        }
    }
}

// podman's list tells exits by the second. What was started since the last one was counted has
// ended anew when it is seen ended again, also within the same second.
void Supervisor::Core::forget_exits(const state::ChangeView& change) {
    const auto record = state.app(change.subject);
    if (!record) {
        return;
    }
    AppMemory remembered = memory_from(record->extra);
    const AppMemory before = remembered;
    for (const state::TaskView& task : change.tasks) {
        if (task.kind == "start-container" && task.status == state::TaskStatus::Done) {
            const auto known =
                remembered.restarts.find(text_in(json_object_from(task.data), "part"));
            // A pass may have come before this and counted the new one already.
            if (known != remembered.restarts.end() && had_ended(known->second, task.created)) {
                known->second.last_exit.clear();
            }
        }
    }
    if (remembered.restarts == before.restarts) {
        return;
    }
    keep(change.subject, remembered);
}

bool Supervisor::Core::was_undone(const std::string& subject, const std::string& spec) const {
    const std::vector<Failure> known = memory.failures.of(subject);
    return std::any_of(known.begin(), known.end(), [&](const Failure& failure) {
        return failure.until == kUntilChanged && failure.spec == spec;
    });
}

// A person has undone the version that stood: the one before stands again.
void Supervisor::Core::put_companions_back(const state::ChangeView& change) {
    const std::string app = plan::app_of(change.subject);
    const auto record = state.app(app);
    if (change.kind != state::kUndoKind || change.subject == app || !record) {
        return;
    }
    AppMemory remembered = memory_from(record->extra);
    if (was_undone(change.subject, remembered.companions)) {
        remembered.companions = std::exchange(remembered.companions_before, "");
        keep(app, remembered);
    }
}

void Supervisor::change_ended(const state::ChangeView& change) {
    const std::lock_guard lock(core_->mutex);
    const bool called_off = core_->called_off.erase(change.id) > 0;
    if (!called_off || change.status == state::TaskStatus::Error) {
        // One that ended in the future ended before the clock was set back.
        const Duration ago = std::max(core_->wall() - change.ready, Duration::zero());
        core_->memory.failures.note(change, core_->now() - ago);
    }
    core_->put_companions_back(change);
    core_->forget_exits(change);
    core_->note_pod_starts(change);
}

}  // namespace podreeve::supervise
