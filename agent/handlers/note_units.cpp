#include <nlohmann/json.hpp>

#include "agent/handlers/kinds.h"
#include "agent/handlers/unit_jobs.h"
#include "agent/handlers/unit_times.h"
#include "runtime/base/json_text.h"

namespace podreeve::handlers {

using nlohmann::json;

namespace {

constexpr std::uint64_t kAnyReload = 0;

// What is on its way up comes from the files that are gone by now.
bool runs_since(const systemd::UnitState& state, std::int64_t since) {
    return state.is_active() && state.active_since.time_since_epoch().count() == since;
}

// What ran is to run again, from the former files: what was not restarted since still does.
Status run_again(const Task& task, const std::string& service, std::int64_t since) {
    ASSIGN_OR_RETURN(CompanionWorld * world, companions_of(task));
    ASSIGN_OR_RETURN(const systemd::UnitState state, unit_state(task, service));
    if (state.is_down()) {
        // It may have failed so often that it would not be started.
        RETURN_IF_ERROR(forget_failure(task, service));
        return run_job(task, world->systemd.start, service);
    }
    return runs_since(state, since) ? Status() : run_job(task, world->systemd.restart, service);
}

bool may_run_another_text(const Task& task, const std::string& service, std::int64_t since) {
    const auto state = unit_state(task, service);
    return !state || !(state->is_down() || runs_since(*state, since));
}

}  // namespace

HandlerResult note_units(Task& task) {
    if (task.has_saved("ran")) {
        return done();
    }
    json ran = json::object();
    for (const std::string& service : task.list("services")) {
        ASSIGN_OR_RETURN(const systemd::UnitState state, unit_state(task, service));
        if (!state.is_down()) {
            ran[service] = state.active_since.time_since_epoch().count();
        }
    }
    RETURN_IF_ERROR(
        task.context.save(json{{"ran", json_text(ran)}, {"times", times_of_units(task)}}));
    return done();
}

// By now the former files are there again.
HandlerResult undo_note_units(Task& task) {
    if (!task.has_saved("ran")) {
        return done();
    }
    give_times_back(task, child_in(task.context.data(), "times"));
    const Status reloaded = reload_units_of(task, kAnyReload);
    Status first = reloaded;
    bool unsure = false;
    const json ran = json_object_from(task.saved("ran"));
    for (const auto& [service, value] : ran.items()) {
        const std::int64_t since = value.is_number_integer() ? value.get<std::int64_t>() : 0;
        Status again = reloaded ? run_again(task, service, since) : reloaded;
        unsure = unsure || (!again && may_run_another_text(task, service, since));
        first = first ? std::move(again) : first;
    }
    if (unsure) {
        make_units_young(task);
    }
    RETURN_IF_ERROR(std::move(first));
    return done();
}

}  // namespace podreeve::handlers
