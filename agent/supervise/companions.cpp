#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/supervise/core.h"

// The companions of apps: which version of them is in force, what they wait for, how they back off.
namespace podreeve::supervise {
namespace {

std::set<std::string> parts_of(const SpecPointer& spec) {
    std::set<std::string> out;
    if (spec) {
        for (const manifests::CompanionSpec& companion : spec->companions) {
            out.insert(companion.part);
        }
    }
    return out;
}

void add_hold(plan::CompanionPolicy& policy, const std::string& part, const std::string& why) {
    plan::PartPolicy& hold = policy.parts[part];
    hold.hold_start = true;
    hold.why += (hold.why.empty() ? "" : "; ") + why;
}

// Which end of a unit this is: it was active since then, and is not any more.
std::string exit_key(const std::string& service, const systemd::UnitState& state) {
    return fmt::format("{}/{}", service, state.active_since.time_since_epoch().count());
}

// Nothing is wrong but that a restart is left to a person.
bool is_converged(const plan::AppPlan& plan) {
    return std::all_of(
        plan.conditions.begin(), plan.conditions.end(),
        [](const plan::Condition& condition) { return condition.type == "RestartPending"; });
}

Duration length_of_run(const systemd::UnitState& state, WallTime now) {
    return (state.inactive_since > state.active_since ? state.inactive_since : now) -
           state.active_since;
}

bool is_over(const systemd::UnitState& state, bool one_shot) {
    const bool well = one_shot && state.has_ended_well();
    return state.is_down() && !well && !state.is_masked();
}

constexpr std::string_view kNeverActive = "/never-active";

std::string why_resting(const std::string& service, const RestartRecord& record, WallTime until) {
    const std::string next = to_rfc3339(until);
    if (record.last_exit.ends_with(kNeverActive)) {
        return fmt::format(
            "{} was started and is not active: a condition in its [Unit] may not hold "
            "(`systemctl status` of it shows why); next start at {}",
            service, next);
    }
    return fmt::format("{} ended {} times in a row after a short run; next start at {}", service,
                       record.short_runs, next);
}

// Counters of services that no version has any more: a renamed unit's. Where a companion's services
// are not known, nothing is.
void forget_services(std::initializer_list<const manifests::AppSpec*> versions,
                     const observe::Companions& seen,
                     AppMemory& memory) {
    std::set<std::string> services;
    for (const manifests::AppSpec* version : versions) {
        for (const manifests::CompanionSpec& companion : version->companions) {
            const observe::WantedUnits* wanted = seen.find_wanted(companion.part);
            if (wanted == nullptr) {
                return;
            }
            services.insert(wanted->services.begin(), wanted->services.end());
        }
    }
    std::erase_if(memory.restarts, [&](const auto& row) {
        return row.first.ends_with(".service") && !services.contains(row.first);
    });
}

}  // namespace

// Those of the version before, while the newest is not tried again after it has failed.
SpecPointer Supervisor::Core::choose_companions(const std::string& name,
                                                const SpecPointer& target,
                                                const AppMemory& memory) {
    const std::string& hash = hash_of(name, target);
    const std::string subject = plan::companions_of(name);
    failures.forget_others(subject, {hash, memory.companions});
    const std::vector<Failure> known = failures.of(subject);
    const bool held = std::any_of(known.begin(), known.end(), [&](const Failure& failure) {
        return failure.spec == hash && now() < failure.until &&
               (failure.kind == "deploy-companions" || failure.until == kUntilChanged);
    });
    if (!held || memory.companions.empty() || memory.companions == hash) {
        return target;
    }
    SpecPointer former = accepted(name, memory.companions);
    return former ? former : target;
}

void Supervisor::Core::evaluate_companions(Prepared& prepared, const observe::Observed& observed) {
    for (const auto& [name, target] : prepared.effective.apps) {
        contain(name, prepared.policy, [&, &name = name, &target = target] {
            evaluate_companions_of(name, target, observed, prepared);
        });
    }
}

void Supervisor::Core::evaluate_companions_of(const std::string& name,
                                              const SpecPointer& target,
                                              const observe::Observed& observed,
                                              Prepared& prepared) {
    const auto record = state.app(name);
    AppMemory memory = memory_from(record ? record->extra : "");
    if (target->companions.empty() && memory.companions.empty()) {
        return;
    }
    plan::AppPolicy& policy = prepared.policy.apps[name];
    plan::CompanionPolicy& own = policy.companions;
    own.busy = own.busy || state.active_change_of(plan::companions_of(name)).has_value();
    const SpecPointer version = choose_companions(name, target, memory);
    prepared.companions[name] = version;
    if (!memory.companions.empty()) {
        const SpecPointer deployed = accepted(name, memory.companions);
        own.deployed = deployed ? manifests::companions_hash(*deployed) : "";
        own.deployed_parts = parts_of(deployed);
    }
    if (observed.companions && observed.companions->units && !own.busy) {
        evaluate_units(*version, *observed.companions, policy.stopped, memory, own);
        forget_services({version.get(), target.get()}, *observed.companions, memory);
        if (record && record->extra != to_extra(memory)) {
            keep(name, memory);
        }
    }
    hold_companions(*version, own);
}

void Supervisor::Core::evaluate_units(const manifests::AppSpec& spec,
                                      const observe::Companions& seen,
                                      bool stopped,
                                      AppMemory& memory,
                                      plan::CompanionPolicy& policy) {
    for (const manifests::CompanionSpec& companion : spec.companions) {
        const observe::WantedUnits* wanted = seen.find_wanted(companion.part);
        if (wanted == nullptr) {
            continue;
        }
        for (const std::string& service : wanted->services) {
            const systemd::UnitState* unit = seen.unit(service);
            if (unit == nullptr || !is_over(*unit, wanted->ends)) {
                asked_to_start[spec.name].erase(service);
                continue;
            }
            RestartRecord& record = memory.restarts[service];
            count_end(spec.name, service, *unit, stopped, record);
            if (!stopped && is_held(record, now())) {
                policy.resting[service] = why_resting(service, record, shown(record.until));
                keep_earliest(next, record.until);
                next_attempts.emplace(spec.name, shown(record.until));
                const bool ran = !record.last_exit.ends_with(kNeverActive);
                if (ran && record.short_runs >= kCrashLoop) {
                    crash_loops.insert(spec.name);
                }
            }
        }
    }
}

// systemd forgets a unit that is inactive at its next reload, and one whose condition does not hold
// was never active: then only that it was told to start says that this is another end.
void Supervisor::Core::count_end(const std::string& app,
                                 const std::string& service,
                                 const systemd::UnitState& unit,
                                 bool stopped,
                                 RestartRecord& record) {
    const bool was_started = asked_to_start[app].erase(service) > 0;
    const bool is_known = unit.active_since != WallTime{};
    // A start that failed is its change's failure, which has a delay of its own.
    const bool vanished = !is_known && was_started && unit.active_state == "inactive";
    const std::string key =
        is_known ? exit_key(service, unit) : service + std::string(kNeverActive);
    if (!vanished && (!is_known || record.last_exit == key)) {
        return;
    }
    const bool good = stopped || (is_known && length_of_run(unit, wall()) >= kGoodRun);
    record.last_exit = key;
    record.short_runs = good ? 0 : record.short_runs + 1;
    record.restarts += stopped ? 0 : 1;
    record.until = now() + backoff(record.short_runs, app + "/" + service);
}

void Supervisor::Core::note_starts(const plan::AppPlan& planned) {
    for (const plan::Step& step : planned.steps) {
        if (step.kind == plan::StepKind::StartUnit) {
            asked_to_start[planned.app].insert(step.object);
        }
    }
}

void Supervisor::Core::hold_companions(const manifests::AppSpec& spec,
                                       plan::CompanionPolicy& policy) const {
    const auto why_not = [&](const std::vector<manifests::Dependency>& waits, bool of_companion) {
        std::vector<Blocker> held;
        for (const manifests::Dependency& on : waits) {
            // Those of the same app are started in order, by the plan and by systemd.
            if (on.app == spec.name && (!on.companion.empty() || !of_companion)) {
                continue;
            }
            if (auto blocker = blocker_of(of_own_containers(on, spec.name), dependency_statuses)) {
                held.push_back(std::move(*blocker));
            }
        }
        return to_text(held);
    };
    std::string all = why_not(spec.depends_on, false);
    if (const auto wait = pending.find(spec.name); wait != pending.end()) {
        all += (all.empty() || wait->second.pending.empty() ? "" : "; ") + wait->second.pending;
    }
    for (const manifests::CompanionSpec& companion : spec.companions) {
        std::string why = why_not(companion.depends_on, true);
        why += (why.empty() || all.empty() ? "" : "; ") + all;
        if (!why.empty()) {
            add_hold(policy, companion.part, why);
        }
    }
}

// Every companion stands for itself, and the containers of an app that has some apart from them.
void Supervisor::Core::add_part_statuses(const AppView& view) {
    if (view.spec == nullptr || view.spec->companions.empty()) {
        return;
    }
    PartCounts counts;
    for (const PartStatus& part : view.parts) {
        if (part.kind == "companion") {
            DependencyStatus status;
            status.state = part.up                  ? ServiceState::Running
                           : part.state == "failed" ? ServiceState::Failed
                                                    : ServiceState::Starting;
            status.message = part.health_message;
            status.healthy = part.ready;
            DependencyStatus& kept =
                dependency_statuses.try_emplace(dependency_key(view.name, part.name), status)
                    .first->second;
            // Of a template all instances count.
            if (!part.up) {
                kept = status;
            }
        } else if (part.kind == "container") {
            ++counts.total;
            counts.up += part.up ? 1 : 0;
            counts.ready += part.ready ? 1 : 0;
        }
    }
    DependencyStatus own;
    own.state = counts.up == counts.total ? ServiceState::Running : ServiceState::Starting;
    own.healthy = counts.ready == counts.total;
    dependency_statuses[dependency_key(view.name, kOwnContainers)] = own;
}

// What stands as the manifest says counts as deployed: from then on a missing file is a loss.
void Supervisor::Core::note_companions(const Prepared& prepared, const plan::Plan& plan) {
    for (const auto& [name, planned] : plan.companions) {
        const InHand in_hand(name);
        contained_or_logged("noting the companions of an app",
                            [&, &planned = planned] { note_companions_of(planned, prepared); });
    }
}

bool Supervisor::Core::was_undone(const std::string& subject, const std::string& spec) const {
    const std::vector<Failure> known = failures.of(subject);
    return std::any_of(known.begin(), known.end(), [&](const Failure& failure) {
        return failure.until == kUntilChanged && failure.spec == spec;
    });
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
    AppMemory memory = memory_from(record->extra);
    const std::string& hash = planned.spec;
    // What was planned may be outlived by now.
    if (!hash.empty() && memory.companions != hash && !was_undone(planned.subject(), hash)) {
        memory.companions_before = memory.companions;
        memory.companions = hash;
        keep(name, memory);
    }
    failures.forget_outlived(planned.subject(), now());
}

// A person has undone the version that stood: the one before stands again.
void Supervisor::Core::put_companions_back(const state::ChangeView& change) {
    const std::string app = plan::app_of(change.subject);
    const auto record = state.app(app);
    if (change.kind != state::kUndoKind || change.subject == app || !record) {
        return;
    }
    AppMemory memory = memory_from(record->extra);
    if (was_undone(change.subject, memory.companions)) {
        memory.companions = std::exchange(memory.companions_before, "");
        keep(app, memory);
    }
}

}  // namespace podreeve::supervise
