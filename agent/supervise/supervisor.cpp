#include "agent/supervise/supervisor.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/plan/steps.h"
#include "agent/supervise/core.h"
#include "runtime/base/contained.h"
#include "runtime/base/json_text.h"
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

std::set<std::string> pod_names(const observe::Observed& observed) {
    std::set<std::string> names;
    for (const podman::PodSummary& pod : observed.pods) {
        names.insert(pod.name);
    }
    return names;
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
        set_before = set_by;
        set_by = set;
    }
}

// The clock may have been set since the start: it began after the last look, by whichever clock.
std::optional<WallTime> Supervisor::Core::start_by_now(WallTime said) const {
    for (const WallTime start : {as_shown(said), said - set_before}) {
        if (runs_noted_at && start >= *runs_noted_at - std::chrono::seconds(1) &&
            start <= now() + std::chrono::seconds(1)) {
            return start;
        }
    }
    const bool ahead = said > wall() + std::chrono::seconds(1);
    return ahead ? std::nullopt : std::optional(as_shown(said));
}

void Supervisor::Core::note_run_starts(const observe::Observed& observed) {
    RunStarts seen;
    for (const podman::ContainerSummary& container : observed.containers) {
        if (!container.started) {
            continue;
        }
        const WallTime said = *container.started;
        const auto before = run_starts.find(container.id);
        if (before != run_starts.end() && before->second.said == said) {
            seen.insert(*before);
        } else {
            seen[container.id] = {said, start_by_now(said)};
        }
    }
    run_starts = std::move(seen);
    runs_noted_at = now();
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

void Supervisor::set_aside(AppsAside aside) {
    const std::lock_guard lock(core_->mutex);
    core_->aside = std::move(aside);
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
            const auto version = core_->effective.find(name);
            if (version != core_->effective.end()) {
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

// Forgets what the last pass has found.
void Supervisor::Core::begin_pass(const observe::Observed& observed) {
    note_clock();
    note_run_starts(observed);
    next.reset();
    next_attempts.clear();
    crash_loops.clear();
    crash_starts.clear();
}

Supervisor::Prepared Supervisor::prepare(const manifests::Desired& desired,
                                         const observe::Observed& observed,
                                         const std::set<std::string>& busy_before,
                                         const WorldFacts& facts) {
    const std::lock_guard lock(core_->mutex);
    Core& core = *core_;
    const ObservedIndex index(observed, core.state.owner());
    Prepared prepared;
    for (const auto& [name, why] : core.aside) {
        prepared.policy.apps[name].set_aside = why.why;
    }
    prepared.effective = desired;
    prepared.policy.owner = core.state.owner();
    prepared.policy.owner_file = core.state.owner_file().string();
    core.begin_pass(observed);
    prepared.policy.now = core.wall();
    prepared.policy.removals_allowed = desired.complete;
    const auto is_busy = [&](const std::string& name) {
        return busy_before.contains(name) || observed.in_motion.contains(name) ||
               core.state.active_change_of(name).has_value();
    };

    for (const auto& [name, spec] : desired.apps) {
        plan::AppPolicy& policy = prepared.policy.apps[name];
        policy.busy = is_busy(name);
        policy.companions.busy = busy_before.contains(plan::companions_of(name));
        core.contain(name, prepared.policy, [&, &name = name, &spec = spec] {
            prepared.effective.apps[name] = core.evaluate_app(name, spec, index, prepared);
        });
        const auto before = core.effective.find(name);
        if (!policy.trouble.empty() && before != core.effective.end()) {
            prepared.effective.apps[name] = before->second;
        }
    }
    core.effective = prepared.effective.apps;
    core.end_restarts(prepared, index);
    core.order_stops(prepared, index);
    core.evaluate_dependencies(desired, prepared, index);
    core.hold_starts(prepared, facts);
    core.has_evaluated = true;
    core.evaluate_companions(prepared, observed);
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
    core.stuck_watch.keep_only(ids_of(observed), pod_names(observed), core.clock.steady_now());
    keep_earliest(core.next, core.failures.next_after(core.now()));
    if (const auto stuck = core.stuck_watch.next_after(core.clock.steady_now())) {
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

// An empty volume in the place of one that held data is nothing to be found out by looking into it.
void Supervisor::Core::report_lost_volumes(const plan::AppPlan& planned) {
    for (const plan::Step& step : planned.steps) {
        if (step.kind == plan::StepKind::CreateVolume &&
            flag_in(json_object_from(step.details), "lost")) {
            append({0, wall(), planned.app, "VolumeLost",
                    fmt::format("volume {}: {}", step.object, step.reason)});
        }
    }
}

// Of what was stuck, and of nothing else: not of what is removed for another reason.
void Supervisor::Core::note_recreations(const plan::AppPlan& planned) {
    for (const plan::Step& step : planned.steps) {
        const bool removes =
            step.kind == plan::StepKind::RemoveContainer || step.kind == plan::StepKind::RemovePod;
        const bool service =
            step.kind == plan::StepKind::RemoveService && planned.action == plan::AppAction::Repair;
        if (service || (removes && text_in(json_object_from(step.details), "why") == "stuck")) {
            stuck_watch.note_recreated(step.object, clock.steady_now());
        }
    }
}

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
            stuck_watch.note_pod_start(text_in(data, "object"), done);
        }
    }
}

std::set<std::string> Supervisor::Core::breaker_names(const std::string& app) const {
    std::set<std::string> names;
    if (const auto spec = effective.find(app); spec != effective.end()) {
        for (const manifests::PodSpec& pod : spec->second->pods) {
            names.insert(pod.name);
        }
        for (const manifests::ContainerSpec& container : spec->second->containers) {
            names.insert(container.name);
        }
        names.insert(plan::service_name(app, state.owner()));
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
    std::erase_if(asked_to_start, is_gone);
    std::erase_if(hashes, is_gone);
}

std::vector<const plan::AppPlan*> Supervisor::admit(const plan::Plan& plan) const {
    const std::lock_guard lock(core_->mutex);
    std::vector<const plan::AppPlan*> admitted;
    for (const auto& [name, planned] : plan.apps) {
        const InHand in_hand(name);
        contained_or_logged("admitting a plan", [&, &planned = planned] {
            core_->note_conflict(planned);
            if (planned.empty() || core_->failures.holds(planned, core_->now())) {
                return;
            }
            core_->note_recreations(planned);
            core_->report_lost_volumes(planned);
            admitted.push_back(&planned);
        });
    }
    return admitted;
}

std::vector<const plan::AppPlan*> Supervisor::admit_companions(const plan::Plan& plan) const {
    const std::lock_guard lock(core_->mutex);
    std::vector<const plan::AppPlan*> admitted;
    for (const auto& [name, planned] : plan.companions) {
        const InHand in_hand(name);
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
    core_->stuck_watch.reset(app ? std::optional(core_->breaker_names(*app)) : std::nullopt);
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
