#include <algorithm>

#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_jobs.h"
#include "agent/plan/plan.h"

namespace podreeve::handlers {

namespace {

constexpr std::chrono::hours kForgetWaitAfter{1};

bool is_ahead(const state::TaskView& task) {
    return task.status == state::TaskStatus::Do || task.status == state::TaskStatus::Doing;
}

bool writes(const state::TaskView& task) {
    return is_ahead(task) && (task.kind == "install-unit" || task.kind == "remove-unit");
}

// Stopping a unit and its like can take minutes: files that wait for that are read by another
// reload.
bool stops_first(const state::ChangeView& change) {
    return std::ranges::any_of(change.tasks, [](const state::TaskView& task) {
        return is_ahead(task) && task.kind == "stop-unit";
    });
}

// Other apps' files that are about to be written: then one reload does for all of them.
std::set<state::TaskId> writes_of_others(const Task& task) {
    std::set<state::TaskId> out;
    for (const state::ChangeView& change : task.world.state.active_changes()) {
        if (change.subject == plan::companions_of(task.app) || stops_first(change)) {
            continue;
        }
        for (const state::TaskView& other : change.tasks) {
            if (writes(other)) {
                out.insert(other.id);
            }
        }
    }
    return out;
}

std::optional<Duration> wait_for_others(const Task& task, CompanionWorld& world) {
    // Before the look, which then sees all that was committed.
    const bool all_committed = !world.reloads.is_committing();
    const std::set<state::TaskId> ahead = writes_of_others(task);
    const SteadyTime now = task.world.clock.steady_now();
    auto waits = world.waits.lock();
    // Of those that were aborted nothing more is heard.
    std::erase_if(*waits,
                  [&](const auto& row) { return now - row.second.looked() > kForgetWaitAfter; });
    const auto wait = (*waits)[task.context.id()].look(ahead, all_committed, now);
    if (!wait) {
        waits->erase(task.context.id());
    }
    return wait;
}

}  // namespace

HandlerResult reload_units(Task& task) {
    ASSIGN_OR_RETURN(CompanionWorld * world, companions_of(task));
    if (const auto wait = wait_for_others(task, *world)) {
        return retry(*wait, "other apps' unit files are being written");
    }
    const std::int64_t seen = task.number("reloads").value_or(0);
    RETURN_IF_ERROR(reload_units_of(task, static_cast<std::uint64_t>(seen)));
    return done();
}

}  // namespace podreeve::handlers
