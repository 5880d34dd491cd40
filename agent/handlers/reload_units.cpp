#include <algorithm>

#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_jobs.h"
#include "agent/plan/plan.h"

namespace podreeve::handlers {

namespace {

// Looks again after 20 ms, doubling to 640 ms: each look reads the changes of all apps, beside
// those who write. All together five seconds.
constexpr std::chrono::milliseconds kReloadLookAgain{20};
constexpr int kReloadLooks = 12, kDoublings = 5;

bool is_ahead(const state::TaskView& task) {
    return task.status == state::TaskStatus::Do || task.status == state::TaskStatus::Doing;
}

// Stopping a unit and its like can take minutes: files that wait for that are read by another
// reload.
bool writes_soon(const state::ChangeView& change) {
    const auto is_left = [&](const char* kind) {
        return std::ranges::any_of(change.tasks, [&](const state::TaskView& task) {
            return is_ahead(task) && task.kind == kind;
        });
    };
    return (is_left("install-unit") || is_left("remove-unit")) && !is_left("stop-unit");
}

// Other apps' files that are about to be written: then one reload does for all of them.
bool others_write(const Task& task) {
    const auto records = task.world.state.apps();
    return std::any_of(records.begin(), records.end(), [&](const state::AppRecord& record) {
        const auto change =
            record.name == task.app
                ? std::nullopt
                : task.world.state.active_change_of(plan::companions_of(record.name));
        return change && writes_soon(*change);
    });
}

}  // namespace

Ended reload_units(Task& task) {
    if (others_write(task)) {
        ASSIGN_OR_RETURN(const int looks, task.count("looks"));
        if (looks < kReloadLooks) {
            return retry(kReloadLookAgain * (1 << std::min(looks, kDoublings)),
                         "other apps' unit files are being written");
        }
    }
    const std::int64_t seen = task.number("reloads").value_or(0);
    RETURN_IF_ERROR(reload_units_of(task, static_cast<std::uint64_t>(seen)));
    return done();
}

}  // namespace podreeve::handlers
