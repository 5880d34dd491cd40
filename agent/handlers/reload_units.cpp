#include <algorithm>

#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_jobs.h"
#include "agent/plan/plan.h"

namespace podreeve::handlers {

namespace {

constexpr std::chrono::milliseconds kReloadLookAgain{20};
constexpr int kReloadLooks = 50;  // so long the files of other apps are waited for: a second

bool writes_unit_files(const state::TaskView& task) {
    const bool ahead =
        task.status == state::TaskStatus::Do || task.status == state::TaskStatus::Doing;
    return ahead && (task.kind == "install-unit" || task.kind == "remove-unit");
}

// Other apps' files that are about to be written: then one reload does for all of them.
bool others_write(const Task& task) {
    const auto records = task.world.state.apps();
    return std::any_of(records.begin(), records.end(), [&](const state::AppRecord& record) {
        const auto change =
            record.name == task.app
                ? std::nullopt
                : task.world.state.active_change_of(plan::companions_of(record.name));
        return change && std::any_of(change->tasks.begin(), change->tasks.end(), writes_unit_files);
    });
}

}  // namespace

Ended reload_units(Task& task) {
    if (others_write(task)) {
        ASSIGN_OR_RETURN(const int looks, task.count("looks"));
        if (looks < kReloadLooks) {
            return retry(kReloadLookAgain, "other apps' unit files are being written");
        }
    }
    const std::int64_t seen = task.number("reloads").value_or(0);
    RETURN_IF_ERROR(reload_units_of(task, static_cast<std::uint64_t>(seen)));
    return done();
}

}  // namespace podreeve::handlers
