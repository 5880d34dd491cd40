#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/plan/steps.h"
#include "agent/supervise/core.h"
#include "runtime/base/contained.h"
#include "runtime/base/json_text.h"

// Which plans may be committed now, and what is remembered of them.
namespace podreeve::supervise {
namespace {

// Nothing is wrong but that a restart is left to a person.
bool is_converged(const plan::AppPlan& plan) {
    return std::all_of(
        plan.conditions.begin(), plan.conditions.end(),
        [](const plan::Condition& condition) { return condition.type == "RestartPending"; });
}

}  // namespace

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
    memory.failures.note_conflict(planned.app, planned.spec, conflict->message, now());
    keep_earliest(found.next, now());
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

// Before the steps, which are let at the emptyDirs of those that the app has taken over.
void Supervisor::Core::note_former(const plan::AppPlan& planned) {
    const auto record = state.app(planned.app);
    if (!record || planned.former.empty()) {
        return;
    }
    AppMemory remembered = memory_from(record->extra);
    if (remembered.former != planned.former) {
        remembered.former = planned.former;
        keep(planned.app, remembered);
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
            memory.stuck_watch.note_recreated(step.object, clock.steady_now());
        }
    }
}

void Supervisor::Core::note_starts(const plan::AppPlan& planned) {
    for (const plan::Step& step : planned.steps) {
        if (step.kind == plan::StepKind::StartUnit) {
            memory.asked_to_start[planned.app].insert(step.object);
        }
    }
}

std::vector<const plan::AppPlan*> Supervisor::admit(const plan::Plan& plan) {
    const std::lock_guard lock(core_->mutex);
    std::vector<const plan::AppPlan*> admitted;
    for (const auto& [name, planned] : plan.apps) {
        const InHand in_hand(name);
        contained_or_logged("admitting a plan", [&, &planned = planned] {
            core_->note_conflict(planned);
            if (planned.empty() || core_->memory.failures.holds(planned, core_->now())) {
                return;
            }
            core_->note_recreations(planned);
            core_->report_lost_volumes(planned);
            core_->note_former(planned);
            admitted.push_back(&planned);
        });
    }
    return admitted;
}

std::vector<const plan::AppPlan*> Supervisor::admit_companions(const plan::Plan& plan) {
    const std::lock_guard lock(core_->mutex);
    std::vector<const plan::AppPlan*> admitted;
    for (const auto& [name, planned] : plan.companions) {
        const InHand in_hand(name);
        contained_or_logged("admitting a plan", [&, &planned = planned] {
            if (!planned.empty() && !core_->memory.failures.holds(planned, core_->now())) {
                core_->note_starts(planned);
                admitted.push_back(&planned);
            }
        });
    }
    return admitted;
}

// What stands as the manifest says counts as deployed: from then on a missing file is a loss.
void Supervisor::Core::note_companions(const Prepared& prepared, const plan::Plan& plan) {
    for (const auto& [name, planned] : plan.companions) {
        const InHand in_hand(name);
        contained_or_logged("noting the companions of an app",
                            [&, &planned = planned] { note_companions_of(planned, prepared); });
    }
}

void Supervisor::Core::note_companions_of(const plan::AppPlan& planned, const Prepared& prepared) {
    const std::string& name = planned.app;
    const auto version = prepared.companions.find(name);
    const auto policy = prepared.policy.apps.find(name);
    const auto record = state.app(name);
    if (version == prepared.companions.end() || policy == prepared.policy.apps.end() || !record ||
        !planned.empty() || !is_converged(planned) || policy->second.companions.busy ||
        policy->second.stopped || !policy->second.companions.parts.empty()) {
        return;
    }
    AppMemory remembered = memory_from(record->extra);
    const std::string& hash = planned.spec;
    // What was planned may be outlived by now.
    if (!hash.empty() && remembered.companions != hash && !was_undone(planned.subject(), hash)) {
        remembered.companions_before = remembered.companions;
        remembered.companions = hash;
        keep(name, remembered);
    }
    memory.failures.forget_outlived(planned.subject(), now());
}

// Those of apps with which a pass had nothing to do: what is being made is not there yet.
void Supervisor::Core::note_volumes(const Prepared& prepared,
                                    const observe::Observed& observed,
                                    const plan::Plan& plan) {
    if (!observed.resources) {
        return;
    }
    for (const auto& [name, version] : prepared.effective.apps) {
        const auto policy = prepared.policy.apps.find(name);
        const auto planned = plan.apps.find(name);
        if (policy == prepared.policy.apps.end() || policy->second.busy ||
            planned == plan.apps.end() || !planned->second.empty()) {
            continue;
        }
        const InHand in_hand(name);
        contained_or_logged("noting the volumes of an app", [&, &name = name, &version = version] {
            note_volumes_of(name, version, *observed.resources);
        });
    }
}

void Supervisor::Core::note_volumes_of(const std::string& app,
                                       const SpecPointer& version,
                                       const observe::HostResources& resources) {
    const auto record = state.app(app);
    if (!record || record->deployed_spec.empty() ||
        manifests::spec_hash(*version) != record->deployed_spec) {
        return;
    }
    AppMemory remembered = memory_from(record->extra);
    plan::KeptVolumes seen =
        plan::look_again(remembered.volumes, *version, record->deployed_spec, resources);
    if (seen != remembered.volumes) {
        remembered.volumes = std::move(seen);
        keep(app, remembered);
    }
}

}  // namespace podreeve::supervise
