#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/supervise/decide/decider.h"

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
    std::erase_if(memory.foreign_runs,
                  [&](const auto& row) { return !services.contains(row.first); });
}

}  // namespace

// Those of the version before, while the newest is not tried again after it has failed.
SpecPointer Decider::choose_companions(const std::string& name,
                                       const SpecPointer& target,
                                       const AppMemory& memory) {
    const std::string hash = hash_of(name, target);
    const std::string subject = plan::companions_of(name);
    carried_.failures.forget_others(subject, {hash, memory.companions});
    const std::vector<Failure> known = carried_.failures.of(subject);
    const bool held = std::any_of(known.begin(), known.end(), [&](const Failure& failure) {
        return failure.spec == hash && in_.now < failure.until &&
               (failure.kind == "deploy-companions" || failure.until == kUntilChanged);
    });
    if (!held || memory.companions.empty() || memory.companions == hash) {
        return target;
    }
    SpecPointer former = accepted(name, memory.companions);
    return former ? former : target;
}

void Decider::evaluate_companions() {
    for (const auto& [name, target] : prepared_.effective.apps) {
        contain(name,
                [&, &name = name, &target = target] { evaluate_companions_of(name, target); });
    }
}

void Decider::evaluate_companions_of(const std::string& name, const SpecPointer& target) {
    const StoredApp* known = find_stored(name);
    AppMemory memory = memory_of(name);
    if (target->companions.empty() && memory.companions.empty()) {
        return;
    }
    plan::AppPolicy& policy = policies()[name];
    plan::CompanionPolicy& own = policy.companions;
    own.busy = own.busy || is_under_way(plan::companions_of(name));
    const SpecPointer version = choose_companions(name, target, memory);
    prepared_.companions[name] = version;
    if (!memory.companions.empty()) {
        const SpecPointer deployed = accepted(name, memory.companions);
        own.deployed = deployed ? manifests::companions_hash(*deployed) : "";
        own.deployed_parts = parts_of(deployed);
    }
    const auto& seen = in_.observed.companions;
    if (seen && seen->units && !own.busy) {
        evaluate_units(*version, policy.stopped, memory, own);
        forget_services({version.get(), target.get()}, *seen, memory);
        if (known != nullptr && known->memory != memory) {
            keep(name, memory);
        }
    }
    hold_companions(*version, own);
}

void Decider::evaluate_units(const manifests::AppSpec& spec,
                             bool stopped,
                             AppMemory& memory,
                             plan::CompanionPolicy& policy) {
    const observe::Companions& seen = *in_.observed.companions;
    for (const manifests::CompanionSpec& companion : spec.companions) {
        const observe::WantedUnits* wanted = seen.find_wanted(companion.part);
        if (wanted == nullptr) {
            continue;
        }
        for (const std::string& service : wanted->services) {
            const systemd::UnitState* unit = seen.unit(service);
            note_foreign_run(spec.name, companion.part, service, memory, policy);
            if (unit == nullptr || !is_over(*unit, wanted->ends)) {
                carried_.asked_to_start[spec.name].erase(service);
                continue;
            }
            RestartRecord& record = memory.restarts[service];
            count_end(spec.name, service, *unit, stopped, record);
            if (!stopped && is_held(record, in_.now)) {
                rest_unit(spec.name, service, record, policy);
            }
        }
    }
}

// What was started from another's file goes on running that when the file is gone: only which run
// it was tells it from ours.
void Decider::note_foreign_run(const std::string& app,
                               const std::string& part,
                               const std::string& service,
                               AppMemory& memory,
                               plan::CompanionPolicy& policy) const {
    const observe::Companions& seen = *in_.observed.companions;
    const systemd::UnitState* unit = seen.unit(service);
    if (unit == nullptr || !unit->is_active() || unit->load_state != "loaded") {
        return;
    }
    const auto known = memory.foreign_runs.find(service);
    if (!seen.is_made_from(app, part, *unit)) {
        memory.foreign_runs[service] = unit->invocation;
    } else if (known != memory.foreign_runs.end() && known->second == unit->invocation) {
        policy.foreign_runs.insert(service);
    } else {
        memory.foreign_runs.erase(service);
    }
}

void Decider::rest_unit(const std::string& app,
                        const std::string& service,
                        const RestartRecord& record,
                        plan::CompanionPolicy& policy) {
    const WallTime until = carried_.clock.shown(record.until);
    policy.resting[service] = why_resting(service, record, until);
    keep_earliest(found_.next, record.until);
    found_.next_attempts.emplace(app, until);
    const bool ran = !record.last_exit.ends_with(kNeverActive);
    if (ran && record.short_runs >= kCrashLoop) {
        found_.crash_loops.insert(app);
    }
}

// systemd forgets a unit that is inactive at its next reload, and one whose condition does not hold
// was never active: then only that it was told to start says that this is another end.
void Decider::count_end(const std::string& app,
                        const std::string& service,
                        const systemd::UnitState& unit,
                        bool stopped,
                        RestartRecord& record) {
    const bool was_started = carried_.asked_to_start[app].erase(service) > 0;
    const bool is_known = unit.active_since != WallTime{};
    // A start that failed is its change's failure, which has a delay of its own.
    const bool vanished = !is_known && was_started && unit.active_state == "inactive";
    const std::string key =
        is_known ? exit_key(service, unit) : service + std::string(kNeverActive);
    if (!vanished && (!is_known || record.last_exit == key)) {
        return;
    }
    const bool good = stopped || (is_known && length_of_run(unit, in_.wall) >= kGoodRun);
    record.last_exit = key;
    record.short_runs = good ? 0 : record.short_runs + 1;
    record.restarts += stopped ? 0 : 1;
    record.until = in_.now + backoff(record.short_runs, app + "/" + service);
}

void Decider::hold_companions(const manifests::AppSpec& spec, plan::CompanionPolicy& policy) const {
    const auto why_not = [&](const std::vector<manifests::Dependency>& waits, bool of_companion) {
        std::vector<Blocker> held;
        for (const manifests::Dependency& on : waits) {
            // Those of the same app are started in order, by the plan and by systemd.
            if (on.app == spec.name && (!on.companion.empty() || !of_companion)) {
                continue;
            }
            if (auto blocker =
                    blocker_of(of_own_containers(on, spec.name), found_.dependency_statuses)) {
                held.push_back(std::move(*blocker));
            }
        }
        return to_text(held);
    };
    std::string all = why_not(spec.depends_on, false);
    if (const auto wait = found_.pending.find(spec.name); wait != found_.pending.end()) {
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

}  // namespace podreeve::supervise
