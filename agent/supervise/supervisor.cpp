#include "agent/supervise/supervisor.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/plan/steps.h"
#include "agent/supervise/core.h"
#include "runtime/base/contained.h"
#include "runtime/base/log.h"

namespace podreeve::supervise {
namespace {

std::set<std::string> ids_of(const observe::Observed& observed) {
    std::set<std::string> ids;
    for (const podman::ContainerSummary& container : observed.containers) {
        ids.insert(container.id);
    }
    return ids;
}

}  // namespace

void keep_earliest(std::optional<WallTime>& next, std::optional<WallTime> candidate) {
    if (candidate && (!next || *candidate < *next)) {
        next = candidate;
    }
}

void Supervisor::Core::note_clock() {
    const Duration set = wall() - now();
    if (std::chrono::abs(set - set_by) >= std::chrono::seconds(1)) {
        set_by = set;
    }
}

Supervisor::Supervisor(state::State& state, const Clock& clock, AcceptedSpecs accepted)
    : core_(new Core{state, clock, std::move(accepted)}) {
    core_->recall();
}

Supervisor::~Supervisor() = default;

void Supervisor::set_readiness(PartReadiness readiness) {
    const std::lock_guard lock(core_->mutex);
    core_->readiness = std::move(readiness);
}

Subscriptions& Supervisor::subscriptions() const {
    return *core_->subscriptions;
}

std::set<std::string> Supervisor::busy(const manifests::Desired& desired) const {
    std::set<std::string> names;
    const auto note = [&](const std::string& name) {
        for (const std::string& subject : {name, plan::companions_of(name)}) {
            if (core_->state.active_change_of(subject)) {
                names.insert(subject);
            }
        }
    };
    for (const auto& [name, spec] : desired.apps) {
        note(name);
    }
    for (const state::AppRecord& record : core_->state.apps()) {
        note(record.name);
    }
    return names;
}

bool Supervisor::Core::was_up(const std::string& app) const {
    const AppStatus* status = last.find(app);
    return status != nullptr && last.passes > 0 && status->state == ServiceState::Running;
}

std::map<LeafKey, manifests::StartCondition> Supervisor::leaves_to_look_at(
    const manifests::Desired& desired, const observe::Observed& observed) const {
    const std::lock_guard lock(core_->mutex);
    const ObservedIndex index(observed, core_->state.owner());
    std::map<LeafKey, const manifests::StartCondition*> found;
    for (const auto& [name, spec] : desired.apps) {
        // One that has just died would wait for the next pass, were its conditions not known in
        // this.
        const bool runs = std::ranges::any_of(index.containers_of(name), [](const auto* container) {
            return container->state == podman::ContainerState::Running;
        });
        if (!core_->was_up(name) || !runs) {
            collect_leaves(spec->conditions, found);
            // While the newest version fails, the one before is held by its own conditions.
            const auto version = core_->in_force.find(name);
            if (version != core_->in_force.end()) {
                collect_leaves(version->second->conditions, found);
            }
        }
    }
    std::map<LeafKey, manifests::StartCondition> leaves;
    for (const auto& [key, leaf] : found) {
        leaves.emplace(key, *leaf);
    }
    return leaves;
}

// Also those that are only left over: as objects, or as a record of which volumes and secrets may
// be left.
std::vector<std::string> Supervisor::Core::known_apps(const ObservedIndex& index) const {
    std::vector<std::string> names = index.apps();
    for (const state::AppRecord& record : state.apps()) {
        names.push_back(record.name);
    }
    return names;
}

Supervisor::Prepared Supervisor::prepare(const manifests::Desired& desired,
                                         const observe::Observed& observed,
                                         const std::set<std::string>& busy_before,
                                         const WorldFacts& facts) {
    const std::lock_guard lock(core_->mutex);
    Core& core = *core_;
    const ObservedIndex index(observed, core.state.owner());
    Prepared prepared;
    prepared.in_force = desired;
    prepared.policy.owner = core.state.owner();
    core.note_clock();
    prepared.policy.now = core.wall();
    prepared.policy.removals_allowed = desired.complete;
    core.next.reset();
    core.next_attempts.clear();
    core.crash_loops.clear();
    core.crash_starts.clear();
    const auto is_busy = [&](const std::string& name) {
        return busy_before.contains(name) || observed.in_motion.contains(name) ||
               core.state.active_change_of(name).has_value();
    };

    for (const auto& [name, spec] : desired.apps) {
        plan::AppPolicy& policy = prepared.policy.apps[name];
        policy.busy = is_busy(name);
        policy.companions.busy = busy_before.contains(plan::companions_of(name));
        core.contain(name, prepared.policy, [&, &name = name, &spec = spec] {
            prepared.in_force.apps[name] = core.weigh_app(name, spec, index, prepared);
        });
        const auto before = core.in_force.find(name);
        if (!policy.trouble.empty() && before != core.in_force.end()) {
            prepared.in_force.apps[name] = before->second;
        }
    }
    core.in_force = prepared.in_force.apps;
    core.end_restarts(prepared, index);
    core.order_stops(prepared, index);
    core.weigh_standings(desired, prepared, index);
    core.hold_starts(prepared, facts);
    core.weigh_companions(prepared, observed);
    for (const std::string& name : core.known_apps(index)) {
        if (!desired.apps.contains(name)) {
            plan::AppPolicy& policy = prepared.policy.apps[name];
            const std::string companions = plan::companions_of(name);
            policy.companions.busy = busy_before.contains(companions) ||
                                     core.state.active_change_of(companions).has_value();
            prepared.policy.apps[name].busy = is_busy(name);
            prepared.policy.apps[name].owner = core.state.owner();
        }
    }
    core.forget_gone(prepared.policy);
    core.govern(prepared.policy);
    core.wedges.keep_only(ids_of(observed), core.clock.steady_now());
    keep_earliest(core.next, core.failures.next_after(core.now()));
    if (const auto stuck = core.wedges.next_after(core.clock.steady_now())) {
        keep_earliest(core.next, core.now() + *stuck);
    }
    return prepared;
}

// A new version that cannot be brought in must not cost the one before its repairs: that one is in
// force from the next pass on, which comes at once.
void Supervisor::Core::note_conflict(const plan::AppPlan& planned) {
    const auto conflict =
        std::find_if(planned.conditions.begin(), planned.conditions.end(),
                     [](const auto& condition) { return condition.type == "Conflict"; });
    const auto record = state.app(planned.app);
    if (conflict == planned.conditions.end() || !record || record->deployed_spec.empty() ||
        planned.spec != record->spec || record->deployed_spec == record->spec ||
        !accepted(planned.app, record->deployed_spec)) {
        return;
    }
    failures.note_conflict(planned.app, planned.spec, conflict->message, now());
    keep_earliest(next, now());
}

// Of what was stuck, and of nothing else: not of what is removed for another reason.
void Supervisor::Core::note_recreations(const plan::AppPlan& planned) {
    for (const plan::Step& step : planned.steps) {
        const bool removes =
            step.kind == plan::StepKind::RemoveContainer || step.kind == plan::StepKind::RemovePod;
        const auto details = nlohmann::json::parse(step.details, nullptr, false);
        const bool service =
            step.kind == plan::StepKind::RemoveService && planned.action == plan::AppAction::Repair;
        if (service || (removes && details.is_object() && details.value("why", "") == "wedged")) {
            wedges.note_recreated(step.object, clock.steady_now());
        }
    }
}

void Supervisor::Core::note_pod_starts(const state::ChangeView& change) {
    for (const state::TaskView& task : change.tasks) {
        const bool failed = task.status == state::TaskStatus::Error;
        if (task.kind == "start-pod" && (failed || task.status == state::TaskStatus::Done)) {
            const auto data = nlohmann::json::parse(task.data, nullptr, false);
            wedges.note_pod_start(data.is_object() ? data.value("object", "") : "", !failed);
        }
    }
}

std::set<std::string> Supervisor::Core::breaker_names(const std::string& app) const {
    std::set<std::string> names;
    if (const auto spec = in_force.find(app); spec != in_force.end()) {
        for (const manifests::PodSpec& pod : spec->second->pods) {
            names.insert(pod.name);
        }
        for (const manifests::ContainerSpec& container : spec->second->containers) {
            names.insert(container.name);
        }
        names.insert(plan::service_name(app));
    }
    return names;
}

// An app of the same name that comes one day is another.
void Supervisor::Core::forget_gone(const plan::Policy& policy) {
    std::set<std::string> names;
    for (const auto& [name, app] : policy.apps) {
        names.insert(name);
    }
    failures.keep_only(names);
    const auto is_gone = [&](const auto& row) { return !names.contains(row.first); };
    std::erase_if(told_to_start, is_gone);
    std::erase_if(hashes, is_gone);
}

std::vector<const plan::AppPlan*> Supervisor::admit(const plan::Plan& plan) const {
    const std::lock_guard lock(core_->mutex);
    std::vector<const plan::AppPlan*> admitted;
    for (const auto& [name, planned] : plan.apps) {
        contained_or_logged("admitting a plan", [&, &planned = planned] {
            core_->note_conflict(planned);
            if (planned.empty() || core_->failures.holds(planned, core_->now())) {
                return;
            }
            core_->note_recreations(planned);
            admitted.push_back(&planned);
        });
    }
    return admitted;
}

std::vector<const plan::AppPlan*> Supervisor::admit_companions(const plan::Plan& plan) const {
    const std::lock_guard lock(core_->mutex);
    std::vector<const plan::AppPlan*> admitted;
    for (const auto& [name, planned] : plan.companions) {
        contained_or_logged("admitting a plan", [&, &planned = planned] {
            if (!planned.empty() && !core_->failures.holds(planned, core_->now())) {
                core_->note_starts(planned);
                admitted.push_back(&planned);
            }
        });
    }
    return admitted;
}

void Supervisor::change_ended(const state::ChangeView& change) {
    const std::lock_guard lock(core_->mutex);
    const bool called_off = core_->called_off.erase(change.id) > 0;
    if (!called_off || change.status == state::TaskStatus::Error) {
        // One that ended in the future ended before the clock was set back.
        const Duration ago = std::max(core_->wall() - change.ready, Duration::zero());
        core_->failures.note(change, core_->now() - ago);
    }
    core_->put_companions_back(change);
    core_->forget_exits(change);
    core_->note_pod_starts(change);
}

void Supervisor::forget_failures(const std::optional<std::string>& app) {
    const std::lock_guard lock(core_->mutex);
    core_->failures.forget(app);
    core_->wedges.reset(app ? std::optional(core_->breaker_names(*app)) : std::nullopt);
    if (app) {
        core_->failures.forget(plan::companions_of(*app));
    }
}

std::optional<WallTime> Supervisor::next_decision() const {
    const std::lock_guard lock(core_->mutex);
    return core_->next ? std::optional(core_->wall() + (*core_->next - core_->now()))
                       : std::nullopt;
}

}  // namespace podreeve::supervise
