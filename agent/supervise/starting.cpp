#include <algorithm>

#include <fmt/format.h>

#include "agent/supervise/core.h"
#include "agent/supervise/decide/shutdown_order.h"
#include "runtime/base/log.h"

// What is asked again at the instant of starting, and the requests that may have changed meanwhile.
namespace podreeve::supervise {
// Conditions are for bringing an app up: what runs in part is only mended.
bool Supervisor::Core::comes_up(const std::string& app) const {
    const AppStatus* status = last.find(app);
    return status != nullptr && status->parts_up == 0;
}

std::set<std::string> Supervisor::Core::stopped_of(const std::string& app) const {
    std::set<std::string> names = {app};
    if (const auto version = memory.effective.find(app); version != memory.effective.end()) {
        names.merge(asked_about(*version->second, comes_up(app)));
    }
    std::erase_if(names, [&](const std::string& name) {
        const auto record = state.app(name);
        return !record || !record->stopped;
    });
    return names;
}

StartNeeds Supervisor::start_needs(const std::string& app, const std::string& part) const {
    const std::lock_guard lock(core_->mutex);
    return supervise::start_needs(core_->memory, app, part, core_->comes_up(app));
}

std::optional<StartDenial> Supervisor::why_not_start(const std::string& app,
                                                     const std::string& part,
                                                     const observe::Observed* observed,
                                                     const WorldFacts& facts) const {
    const std::lock_guard lock(core_->mutex);
    const Core& core = *core_;
    std::optional<ObservedIndex> index;
    if (observed != nullptr) {
        index.emplace(*observed, core.state.owner());
    }
    return supervise::why_not_start({.app = app,
                                     .part = part,
                                     .memory = core.memory,
                                     .found = core.found,
                                     .index = index ? &*index : nullptr,
                                     .facts = facts,
                                     .stopped = core.stopped_of(app),
                                     .readiness = core.readiness(),
                                     .wall = core.wall(),
                                     .comes_up = core.comes_up(app),
                                     .shutting_down = core.shutting_down,
                                     .has_evaluated = core.has_evaluated});
}

bool Supervisor::is_stop_wanted(const std::string& app, std::int64_t request) const {
    const std::lock_guard lock(core_->mutex);
    const auto record = core_->state.app(app);
    if (!record || core_->shutting_down) {
        return true;
    }
    const AppMemory memory = memory_from(record->extra);
    return memory.request == request || record->stopped || memory.restart != 0;
}

Result<RequestReport> Supervisor::request(const std::string& app, const AppRequest& request) {
    const std::lock_guard lock(core_->mutex);
    Core& core = *core_;
    const auto known = core.state.app(app);
    if (!known) {
        return fail(
            Code::NotFound,
            fmt::format("cannot {} {}: no manifest declares it; `podreeve status` lists the apps",
                        to_string(request.verb), app));
    }
    if (core.shutting_down && request.verb != Verb::Stop) {
        return fail(Code::Conflict,
                    fmt::format("cannot {} {}: all apps are down since `podreeve shutdown`; "
                                "`podreeve shutdown --undo` lets them run again",
                                to_string(request.verb), app));
    }
    // A pass may forget the app at any moment: no record is looked up once it is written.
    RequestReport report;
    RETURN_IF_ERROR(core.state.edit_app(
        app, [&](state::AppRecord& record) { report.number = apply(request, record); }));
    // Where nothing of it was ever up there is no other version to start.
    if (request.verb == Verb::Start && known->deployed_spec.empty()) {
        core.memory.failures.forget(app);
    }
    core.memory.failures.forget_last(app);
    if (request.verb != Verb::Stop) {
        core.memory.stuck_watch.reset(core.breaker_names(app));
    }
    core.memory.failures.forget_last(plan::companions_of(app));
    if (request.verb != Verb::Start) {
        core.call_off(app);
    }
    if (request.verb == Verb::Start) {
        return report;
    }
    return core.report_stop({app}, request.verb == Verb::Stop && !request.alone, report.number);
}

// What is only being prepared (a pull can take long) is not waited for, nor a unit that is on its
// way up; where something has been touched already, the change is finished first.
void Supervisor::Core::call_off(const std::string& app) {
    for (const std::string& subject : {app, plan::companions_of(app)}) {
        const auto change = state.active_change_of(subject);
        if (!change) {
            continue;
        }
        Facts facts;
        facts.change = change;
        const bool starts_unit =
            std::any_of(change->tasks.begin(), change->tasks.end(), [](const auto& task) {
                return task.status == state::TaskStatus::Doing &&
                       (task.kind == "start-unit" || task.kind == "restart-unit");
            });
        if (derive_state(facts).state != ServiceState::Preparing && !starts_unit) {
            continue;
        }
        if (const Status aborted = state.abort_change(change->id, state::AbortedBy::Agent);
            !aborted) {
            log::warn("{}", aborted.error().message);
        } else {
            called_off.insert(change->id);
        }
    }
}

RequestReport Supervisor::Core::report_stop(std::set<std::string> names,
                                            bool dependents_too,
                                            std::int64_t number) {
    DownTable table;
    for (const auto& [name, spec] : memory.effective) {
        table[name].depends_on = spec->depends_on;
    }
    if (dependents_too) {
        names = with_dependents(table, names);
    }
    RequestReport report;
    report.number = number;
    report.levels = stop_levels(table, names);
    for (const std::vector<std::string>& level : report.levels) {
        Duration longest{};
        for (const std::string& name : level) {
            const auto spec = memory.effective.find(name);
            if (spec != memory.effective.end()) {
                longest = std::max(longest, longest_stop(*spec->second));
            }
        }
        report.at_most += longest;
    }
    return report;
}

}  // namespace podreeve::supervise
