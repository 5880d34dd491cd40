#include <algorithm>

#include <fmt/format.h>

#include "agent/supervise/core.h"
#include "agent/supervise/pod_dependencies.h"
#include "runtime/base/log.h"

// What is asked again at the instant of starting, and the requests that may have changed meanwhile.
namespace podreeve::supervise {
namespace {

const manifests::PodSpec* pod_of(const manifests::AppSpec& spec, const std::string& part) {
    if (const manifests::PodSpec* pod = spec.find_pod(part)) {
        return pod;
    }
    const manifests::ContainerSpec* container = spec.find_container(part);
    return container == nullptr ? nullptr : spec.find_pod(container->pod);
}

ServiceState state_of(const PartCounts& counts, const std::vector<Failure>& failures) {
    Facts facts;
    take_counts(facts, counts);
    facts.failure = failures.empty() ? "" : failures.back().message;
    return derive_state(facts).state;
}

// All apps that are asked about before one of that spec starts.
std::set<std::string> asked_about(const manifests::AppSpec& spec, bool with_conditions) {
    std::vector<std::string> names;
    for (const manifests::Dependency& on : spec.depends_on) {
        names.push_back(on.app);
    }
    if (with_conditions) {
        collect_services(spec.conditions, names);
    }
    return {names.begin(), names.end()};
}

}  // namespace

// Conditions are for bringing an app up: what runs in part is only mended.
bool Supervisor::Core::comes_up(const std::string& app) const {
    const AppStatus* status = last.find(app);
    return status != nullptr && status->parts_up == 0;
}

void Supervisor::Core::look_again_at(const std::string& app,
                                     const ObservedIndex& index,
                                     std::map<std::string, DependencyStatus>& statuses_now) const {
    const auto version = effective.find(app);
    if (version == effective.end()) {
        statuses_now.erase(app);
        return;
    }
    if (!version->second->companions.empty()) {
        return;  // systemd was not looked at again
    }
    const manifests::AppSpec* spec = version->second.get();
    const PartCounts counts = count_parts(list_parts(app, spec, index, {}, readiness), spec);
    const auto record = state.app(app);
    DependencyStatus& status = statuses_now[app];
    status.state = down.contains(app) ? ServiceState::Stopping : state_of(counts, failures.of(app));
    status.healthy = counts.ready == counts.total;
    status.stopped = record && record->stopped;
}

Supervisor::StartNeeds Supervisor::start_needs(const std::string& app,
                                               const std::string& part) const {
    const std::lock_guard lock(core_->mutex);
    StartNeeds needs;
    const auto it = core_->effective.find(app);
    if (it == core_->effective.end()) {
        return needs;
    }
    const manifests::AppSpec& spec = *it->second;
    if (spec.find_companion(part) != nullptr) {
        return needs;  // weighed by the pass
    }
    const manifests::PodSpec* pod = pod_of(spec, part);
    const bool comes_up = core_->comes_up(app);
    needs.observation =
        !asked_about(spec, comes_up).empty() || (pod != nullptr && !pod->depends_on.empty());
    if (comes_up) {
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
    // A step that the last agent left behind may be taken up sooner. As long as for one's own pods,
    // since the first pass takes its time on a host that is just coming up.
    if (!core.has_evaluated) {
        return Refusal{"the agent has made no pass yet", false, true};
    }
    const auto it = core.effective.find(app);
    if (it == core.effective.end()) {
        return std::nullopt;
    }
    const manifests::AppSpec& spec = *it->second;
    if (spec.find_companion(part) != nullptr) {
        return std::nullopt;
    }
    std::map<std::string, DependencyStatus> dependency_statuses = core.dependency_statuses;
    if (observed != nullptr) {
        const ObservedIndex index(*observed, core.state.owner());
        for (const std::string& name : asked_about(spec, core.comes_up(app))) {
            core.look_again_at(name, index, dependency_statuses);
        }
        if (const manifests::PodSpec* pod = pod_of(spec, part)) {
            std::string within =
                waits_within(spec, *pod, list_parts(app, &spec, index, {}, core.readiness));
            if (!within.empty()) {
                return Refusal{std::move(within), false, true};
            }
        }
    }
    std::string why = to_text(blockers_of(spec, dependency_statuses));
    if (why.empty() && core.comes_up(app) && !spec.conditions.empty()) {
        why = assess(spec.conditions, facts, dependency_statuses, core.wall()).pending;
    }
    return why.empty() ? std::nullopt : std::optional<Refusal>(Refusal{std::move(why)});
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
    RETURN_IF_ERROR(
        core.state.edit_app(app, [&](state::AppRecord& record) { apply(request, record); }));
    // Where nothing of it was ever up there is no other version to start.
    if (request.verb == Verb::Start && known->deployed_spec.empty()) {
        core.failures.forget(app);
    }
    core.failures.forget_last(app);
    if (request.verb != Verb::Stop) {
        core.stuck_watch.reset(core.breaker_names(app));
    }
    core.failures.forget_last(plan::companions_of(app));
    if (request.verb != Verb::Start) {
        core.call_off(app);
    }
    RequestReport report;
    const auto requested =
        core.state.app(app);  // gone already, when the pass has just forgotten it
    report.number = memory_from(requested ? requested->extra : "").request;
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
    for (const auto& [name, spec] : effective) {
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
            const auto spec = effective.find(name);
            if (spec != effective.end()) {
                longest = std::max(longest, longest_stop(*spec->second));
            }
        }
        report.at_most += longest;
    }
    return report;
}

}  // namespace podreeve::supervise
