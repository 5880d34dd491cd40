#include <algorithm>

#include <fmt/format.h>

#include "agent/supervise/core.h"
#include "agent/supervise/pods_within.h"
#include "runtime/base/log.h"

// What is asked again at the instant of starting, and the wishes that may have changed meanwhile.
namespace podreeve::supervise {
namespace {

const manifests::PodSpec* pod_of(const manifests::AppSpec& spec, const std::string& part) {
    if (const manifests::PodSpec* pod = spec.find_pod(part)) {
        return pod;
    }
    const manifests::ContainerSpec* container = spec.find_container(part);
    return container == nullptr ? nullptr : spec.find_pod(container->pod);
}

ServiceState state_of(const Census& census) {
    Facts facts;
    take_census(facts, census);
    return derive_state(facts).state;
}

}  // namespace

Supervisor::StartNeeds Supervisor::start_needs(const std::string& app,
                                               const std::string& part) const {
    const std::lock_guard lock(core_->mutex);
    StartNeeds needs;
    const auto it = core_->in_force.find(app);
    if (it == core_->in_force.end()) {
        return needs;
    }
    const manifests::AppSpec& spec = *it->second;
    if (spec.find_companion(part) != nullptr) {
        return needs;  // weighed by the pass
    }
    const manifests::PodSpec* pod = pod_of(spec, part);
    needs.observation = !spec.depends_on.empty() || (pod != nullptr && !pod->depends_on.empty());
    // Conditions are for bringing an app up: what runs in part is only mended.
    const AppStatus* status = core_->last.find(app);
    if (status != nullptr && status->parts_up == 0) {
        std::map<LeafKey, const manifests::StartCondition*> leaves;
        collect_leaves(spec.conditions, leaves);
        for (const auto& [key, leaf] : leaves) {
            needs.leaves.emplace(key, *leaf);
        }
    }
    return needs;
}

std::optional<Supervisor::Refusal> Supervisor::why_not_start(const std::string& app,
                                                             const std::string& part,
                                                             const observe::Observed* observed,
                                                             const WorldFacts& facts) const {
    const std::lock_guard lock(core_->mutex);
    const Core& core = *core_;
    const auto record = core.state.app(app);
    if (core.shutting_down || (record && record->stopped)) {
        return Refusal{core.shutting_down ? "the host goes down" : "stopped on request", true,
                       false};
    }
    if (const auto why = core.down.find(app); why != core.down.end()) {
        return Refusal{why->second, true, false};
    }
    const auto it = core.in_force.find(app);
    if (it == core.in_force.end()) {
        return std::nullopt;
    }
    const manifests::AppSpec& spec = *it->second;
    if (spec.find_companion(part) != nullptr) {
        return std::nullopt;
    }
    std::map<std::string, Standing> standings = core.standings;
    if (observed != nullptr) {
        const ObservedIndex index(*observed, core.state.owner());
        for (const manifests::Dependency& on : spec.depends_on) {
            const auto other = core.in_force.find(on.app);
            Standing& standing = standings[on.app];
            if (other == core.in_force.end()) {
                standings.erase(on.app);
                continue;
            }
            if (!other->second->companions.empty()) {
                continue;  // systemd was not looked at again
            }
            const Census census =
                count_parts(list_parts(on.app, other->second.get(), index, {}, core.readiness),
                            other->second.get());
            const auto other_record = core.state.app(on.app);
            standing.state = core.down.contains(on.app) ? ServiceState::Stopping : state_of(census);
            standing.healthy = census.ready == census.total;
            standing.stopped = other_record && other_record->stopped;
        }
        if (const manifests::PodSpec* pod = pod_of(spec, part)) {
            std::string within =
                waits_within(spec, *pod, list_parts(app, &spec, index, {}, core.readiness));
            if (!within.empty()) {
                return Refusal{std::move(within), false, true};
            }
        }
    }
    std::string why = to_text(blockers_of(spec, standings));
    if (why.empty() && !facts.empty()) {
        why = assess(spec.conditions, facts, standings, core.now()).pending;
    }
    return why.empty() ? std::nullopt : std::optional<Refusal>(Refusal{std::move(why)});
}

bool Supervisor::stop_stands(const std::string& app, std::int64_t wish) const {
    const std::lock_guard lock(core_->mutex);
    const auto record = core_->state.app(app);
    if (!record || core_->shutting_down) {
        return true;
    }
    const Memory memory = memory_from(record->extra);
    return memory.wish == wish || record->stopped || memory.restart != 0;
}

Result<WishReport> Supervisor::wish(const std::string& app, const Wish& wish) {
    const std::lock_guard lock(core_->mutex);
    Core& core = *core_;
    if (!core.state.app(app)) {
        return fail(
            Code::NotFound,
            fmt::format("cannot {} {}: no manifest declares it; `podreeve status` lists the apps",
                        to_string(wish.verb), app));
    }
    RETURN_IF_ERROR(
        core.state.edit_app(app, [&](state::AppRecord& record) { apply(wish, record); }));
    // Where nothing of it was ever up there is no other version to start.
    if (wish.verb == Verb::Start && core.state.app(app)->deployed_spec.empty()) {
        core.failures.forget(app);
    }
    core.failures.forget_last(app);
    if (wish.verb != Verb::Stop) {
        core.wedges.reset(core.breaker_names(app));
    }
    core.failures.forget_last(plan::companions_of(app));
    if (wish.verb != Verb::Start) {
        core.call_off(app);
    }
    WishReport report;
    report.number = memory_from(core.state.app(app)->extra).wish;
    if (wish.verb == Verb::Start) {
        return report;
    }
    return core.report_stop({app}, wish.verb == Verb::Stop && !wish.alone, report.number);
}

WishReport Supervisor::shut_down(bool down) {
    const std::lock_guard lock(core_->mutex);
    core_->shutting_down = down;
    std::set<std::string> names;
    for (const auto& [name, spec] : core_->in_force) {
        names.insert(name);
    }
    return down ? core_->report_stop(names, false, 0) : WishReport{};
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
        }
    }
}

WishReport Supervisor::Core::report_stop(std::set<std::string> names,
                                         bool dependents_too,
                                         std::int64_t number) {
    DownTable table;
    for (const auto& [name, spec] : in_force) {
        table[name].depends_on = spec->depends_on;
    }
    if (dependents_too) {
        names = with_dependents(table, names);
    }
    WishReport report;
    report.number = number;
    report.levels = stop_levels(table, names);
    for (const std::vector<std::string>& level : report.levels) {
        Duration longest{};
        for (const std::string& name : level) {
            const auto spec = in_force.find(name);
            if (spec != in_force.end()) {
                longest = std::max(longest, longest_stop(*spec->second));
            }
        }
        report.at_most += longest;
    }
    return report;
}

}  // namespace podreeve::supervise
