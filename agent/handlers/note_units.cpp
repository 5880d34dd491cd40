#include <nlohmann/json.hpp>

#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_jobs.h"
#include "runtime/base/json_text.h"

namespace podreeve::handlers {

namespace {

constexpr std::uint64_t kAnyReload = 0;

// What ran is to run again, from the former files: what was not restarted since still does.
Status run_again(const Task& task, const std::string& service, std::int64_t since) {
    ASSIGN_OR_RETURN(CompanionWorld * world, companions_of(task));
    ASSIGN_OR_RETURN(const systemd::UnitState state, unit_state(task, service));
    if (state.is_down()) {
        // It may have failed so often that it would not be started.
        RETURN_IF_ERROR(forget_failure(task, service));
        return run_job(task, world->systemd.start, service);
    }
    // What is on its way up comes from the files that are gone by now.
    return state.is_active() && state.active_since.time_since_epoch().count() == since
               ? Status()
               : run_job(task, world->systemd.restart, service);
}

}  // namespace

Ended note_units(Task& task) {
    if (task.has_saved("ran")) {
        return done();
    }
    nlohmann::json ran = nlohmann::json::object();
    for (const std::string& service : task.list("services")) {
        ASSIGN_OR_RETURN(const systemd::UnitState state, unit_state(task, service));
        if (!state.is_down()) {
            ran[service] = state.active_since.time_since_epoch().count();
        }
    }
    RETURN_IF_ERROR(task.save_once("ran", json_text(ran)));
    return done();
}

Ended undo_note_units(Task& task) {
    if (!task.has_saved("ran")) {
        return done();
    }
    RETURN_IF_ERROR(reload_units_of(task, kAnyReload));
    const auto ran = json_object_from(task.saved("ran"));
    Status first;
    for (const auto& [service, since] : ran.items()) {
        Status status =
            run_again(task, service, since.is_number_integer() ? since.get<std::int64_t>() : 0);
        if (!status && first) {
            first = std::move(status);
        }
    }
    RETURN_IF_ERROR(std::move(first));
    return done();
}

}  // namespace podreeve::handlers
