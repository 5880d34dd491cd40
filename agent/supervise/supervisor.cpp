#include "agent/supervise/supervisor.h"

#include <algorithm>
#include <utility>

#include "agent/supervise/core.h"
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

std::map<LeafKey, manifests::StartCondition> Supervisor::leaves_to_look_at(
    const manifests::Desired& desired) const {
    const std::lock_guard lock(core_->mutex);
    std::map<LeafKey, const manifests::StartCondition*> found;
    for (const auto& [name, spec] : desired.apps) {
        const AppStatus* status = core_->last.find(name);
        if (status == nullptr || core_->last.passes == 0 ||
            status->state != ServiceState::Running) {
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
        prepared.in_force.apps[name] = core.weigh_app(name, spec, index, prepared);
    }
    core.in_force = prepared.in_force.apps;
    core.end_restarts(prepared, index);
    core.order_stops(prepared, index);
    core.weigh_standings(desired, prepared, index);
    core.hold_starts(prepared, facts);
    core.weigh_companions(prepared, observed);
    // Those that are only left over: as objects, or as a record of which volumes and secrets may be
    // left.
    std::vector<std::string> left_over = index.apps();
    for (const state::AppRecord& record : core.state.apps()) {
        left_over.push_back(record.name);
    }
    for (const std::string& name : left_over) {
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
    core.wedges.keep_only(ids_of(observed));
    keep_earliest(core.next, core.failures.next_after(core.now()));
    keep_earliest(core.next, core.wedges.next_after(core.now()));
    return prepared;
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
        if (planned.empty() || core_->failures.holds(planned, core_->now())) {
            continue;
        }
        for (const plan::Step& step : planned.steps) {
            if (step.kind == plan::StepKind::RemoveContainer &&
                planned.action == plan::AppAction::Repair) {
                core_->wedges.note_recreated(step.object, core_->now());
            }
        }
        admitted.push_back(&planned);
    }
    return admitted;
}

std::vector<const plan::AppPlan*> Supervisor::admit_companions(const plan::Plan& plan) const {
    const std::lock_guard lock(core_->mutex);
    std::vector<const plan::AppPlan*> admitted;
    for (const auto& [name, planned] : plan.companions) {
        if (!planned.empty() && !core_->failures.holds(planned, core_->now())) {
            core_->note_starts(planned);
            admitted.push_back(&planned);
        }
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
}

void Supervisor::forget_failures(const std::optional<std::string>& app) {
    const std::lock_guard lock(core_->mutex);
    core_->failures.forget(app);
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
