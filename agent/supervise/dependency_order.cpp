#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/unit_stop.h"
#include "agent/supervise/core.h"

namespace podreeve::supervise {
namespace {

// How often a condition that is pending is looked at again.
constexpr std::chrono::seconds kLookAgain{1};
// What a kill may take after the grace has passed (agent/handlers/running.cpp).
constexpr std::chrono::seconds kBeyondGrace{15};
// Then the step that stops a unit is given up (agent/handlers/table.cpp), however long systemd
// waits.
constexpr std::chrono::minutes kLongestUnitStop{21};

// The apps in an order in which each stands after those it waits for.
class Walk {
  public:
    explicit Walk(const std::map<std::string, SpecPointer>& specs) : specs_(specs) {
        for (const auto& [name, spec] : specs_) {
            visit(name);
        }
    }

    const std::vector<std::string>& order() const { return order_; }

  private:
    // Manifests whose apps wait for each other in a circle are refused, so that this ends; seen_
    // holds against one that slipped through.
    void visit(const std::string& name) {
        const auto spec = specs_.find(name);
        if (spec == specs_.end() || !seen_.insert(name).second) {
            return;
        }
        std::vector<std::string> first;
        for (const manifests::Dependency& on : spec->second->depends_on) {
            first.push_back(on.app);
        }
        collect_services(spec->second->conditions, first);
        for (const std::string& other : first) {
            visit(other);
        }
        order_.push_back(name);
    }

    const std::map<std::string, SpecPointer>& specs_;
    std::set<std::string> seen_;
    std::vector<std::string> order_;
};

std::optional<Blocker> worst(const std::vector<Blocker>& blockers) {
    const auto blocked = std::find_if(blockers.begin(), blockers.end(),
                                      [](const Blocker& blocker) { return blocker.blocked; });
    if (blocked != blockers.end()) {
        return *blocked;
    }
    return blockers.empty() ? std::nullopt : std::optional<Blocker>(blockers.front());
}

std::string hold_text(const std::vector<Blocker>& blockers, const Assessment& pending) {
    std::string text = to_text(blockers);
    if (!pending.pending.empty()) {
        text += (text.empty() ? "" : "; ") + pending.pending;
    }
    return text;
}

// One that has ended for good, or goes down, does not wait for anything outside.
bool is_for_start(ServiceState state) {
    return state != ServiceState::Finished && state != ServiceState::Skipped &&
           state != ServiceState::Stopping;
}

bool has_stop_failed(const Failure& failure) {
    return failure.until != kUntilChanged &&
           (failure.kind == "stop-app" || failure.kind == "remove-app");
}

}  // namespace

void collect_services(const std::vector<manifests::StartCondition>& conditions,
                      std::vector<std::string>& out) {
    for (const manifests::StartCondition& one : conditions) {
        if (one.kind == manifests::StartConditionKind::Service) {
            out.push_back(one.subject);
        }
        collect_services(one.of, out);
    }
}

namespace {

bool has_processes(const manifests::CompanionSpec& companion) {
    return companion.part.ends_with(".container") || companion.part.ends_with(".pod") ||
           companion.part.ends_with(".kube");
}

// Of one service. What has commands of its own may use all of the time that systemd gives it.
Duration time_to_stop(const manifests::CompanionSpec& companion, StopTimes times) {
    const plan::UnitStop stop = plan::stop_of(companion);
    const Duration within = std::min<Duration>(stop.within, kLongestUnitStop);
    return times.at_most || stop.own_commands ? within
                                              : std::min(stop.grace + times.beyond_grace, within);
}

}  // namespace

Duration time_to_stop(const manifests::AppSpec& spec, StopTimes times) {
    Duration all{};
    for (const manifests::PodSpec& pod : spec.pods) {
        std::chrono::seconds longest{0};
        for (const manifests::ContainerSpec& container : spec.containers) {
            longest = container.pod == pod.part ? std::max(longest, container.stop_grace) : longest;
        }
        all += longest + times.beyond_grace;
    }
    for (const manifests::ContainerSpec& container : spec.containers) {
        all += container.pod.empty() ? container.stop_grace + times.beyond_grace : Duration{};
    }
    for (const manifests::CompanionSpec& companion : spec.companions) {
        const auto services =
            static_cast<int>(std::max<std::size_t>(companion.instances.size(), 1));
        all += has_processes(companion) ? time_to_stop(companion, times) * services : Duration{};
    }
    return all;
}

Duration longest_stop(const manifests::AppSpec& spec) {
    return time_to_stop(spec, {kBeyondGrace, true});
}

void Supervisor::Core::evaluate_dependencies(const manifests::Desired& desired,
                                             Prepared& prepared,
                                             const ObservedIndex& index) {
    dependency_statuses.clear();
    blockers.clear();
    const Walk walk(prepared.effective.apps);
    for (const std::string& name : walk.order()) {
        const bool evaluated = contain(
            name, prepared.policy, [&] { evaluate_dependency(name, desired, prepared, index); });
        if (!evaluated) {
            // Those that wait for it go on waiting, and those that run stay up.
            DependencyStatus& status = dependency_statuses[name];
            status = {};
            status.state = ServiceState::Unknown;
            status.message = aside.contains(name)
                                 ? "set aside, since podreeve has crashed over it"
                                 : "internal error: " + prepared.policy.apps[name].trouble;
        }
    }
}

void Supervisor::Core::evaluate_dependency(const std::string& name,
                                           const manifests::Desired& desired,
                                           const Prepared& prepared,
                                           const ObservedIndex& index) {
    const manifests::AppSpec& spec = *prepared.effective.apps.at(name);
    AppView view = view_of(name, desired, prepared.effective, index);
    add_part_statuses(view);
    std::vector<Blocker> held = blockers_of(spec, dependency_statuses);
    view.facts.hold = to_text(held);
    if (const auto why = down.find(name); why != down.end()) {
        view.facts.down_because = why->second;
    }
    const auto policy = prepared.policy.apps.find(name);
    add_conditions(view, nullptr, policy == prepared.policy.apps.end() ? nullptr : &policy->second);
    const DerivedState derived = derive_state(view.facts);
    const bool waits = derived.state == ServiceState::Waiting;
    dependency_statuses[name] = {derived.state,
                                 derived.message,
                                 view.record.stopped && !view.facts.autostart_off,
                                 view.facts.ready == view.facts.total,
                                 waits ? worst(held) : std::nullopt,
                                 view.facts.up > 0};
    blockers[name] = std::move(held);
}

void Supervisor::Core::keep_next_look(const manifests::AppSpec& spec) {
    if (const auto time = next_time(spec.conditions, wall())) {
        keep_earliest(next, as_shown(*time));
    }
    std::map<LeafKey, const manifests::StartCondition*> leaves;
    collect_leaves(spec.conditions, leaves);
    if (!leaves.empty()) {
        keep_earliest(next, now() + kLookAgain);
    }
}

void Supervisor::Core::hold_starts(Prepared& prepared, const WorldFacts& facts) {
    pending.clear();
    for (const auto& [name, spec] : prepared.effective.apps) {
        plan::AppPolicy& policy = prepared.policy.apps[name];
        contain(name, prepared.policy,
                [&, &name = name, &spec = spec] { hold_start(name, *spec, facts, policy); });
    }
}

void Supervisor::Core::hold_start(const std::string& name,
                                  const manifests::AppSpec& spec,
                                  const WorldFacts& facts,
                                  plan::AppPolicy& policy) {
    const DependencyStatus& status = dependency_statuses[name];
    // What is up in part is only mended.
    if (!spec.conditions.empty() && !status.any_up) {
        pending[name] = assess(spec.conditions, facts, dependency_statuses, wall());
        const bool waits = !policy.stopped && blockers[name].empty() && is_for_start(status.state);
        if (waits && pending[name].outcome != ConditionOutcome::Met) {
            keep_next_look(spec);
        }
    }
    const std::string why = hold_text(blockers[name], pending[name]);
    if (!why.empty()) {
        policy.hold_start = true;
        policy.why = why;
    }
}

// What is being stopped still runs, its service container too. Podman can be stuck in that state
// for ever, which holds up nobody once no change of ours is at it.
bool Supervisor::Core::is_being_stopped(const std::string& app,
                                        const manifests::AppSpec* spec,
                                        const std::vector<PartStatus>& parts,
                                        const ObservedIndex& index) {
    return std::any_of(parts.begin(), parts.end(), [&](const PartStatus& part) {
        const podman::ContainerSummary* container =
            part.state == "stopping" ? index.container(part.object) : nullptr;
        if (container == nullptr) {
            return false;
        }
        const auto* wanted = spec == nullptr ? nullptr : spec->find_container(part.name);
        const Duration grace = wanted == nullptr ? Duration::zero() : Duration(wanted->stop_grace);
        return !stuck_watch.is_stuck(*container, clock.steady_now(), grace) ||
               state.active_change_of(app).has_value();
    });
}

void Supervisor::Core::fill_down_facts(const std::string& name,
                                       const SpecPointer& spec,
                                       bool wanted,
                                       const ObservedIndex& index,
                                       DownFacts& facts) {
    const auto record = state.app(name);
    const AppMemory memory = memory_from(record ? record->extra : "");
    const auto parts = list_parts(name, spec.get(), index, memory, readiness);
    const PartCounts counts = count_parts(parts, spec.get());
    const StartTimes starts = spec ? start_times(*spec, index, run_starts) : StartTimes{};
    facts.runs = counts.any_running || is_being_stopped(name, spec.get(), parts, index);
    facts.met_started = counts.total > 0 && counts.up == counts.total;
    // What is only not proved yet takes nobody down.
    facts.met_healthy = facts.met_started && !counts.unhealthy;
    facts.first_start = starts.first;
    facts.last_start = starts.last;
    facts.abandoned = std::ranges::any_of(failures.of(name), has_stop_failed);
    facts.depends_on = spec ? spec->depends_on : std::vector<manifests::Dependency>{};
    if (shutting_down) {
        facts.asked = "the host goes down";
    } else if (!wanted) {
        facts.asked = "its manifest is gone";
        facts.with_dependents = false;  // their manifests tell what they want
    } else if (record && record->stopped) {
        facts.asked = memory.autostart_off ? "autostart is off" : "stopped on request";
        facts.with_dependents = !memory.alone && !memory.autostart_off;
    } else if (memory.restart != 0) {
        facts.asked = "is restarted";
        facts.stays = true;
    }
}

DownTable Supervisor::Core::down_table(Prepared& prepared, const ObservedIndex& index) {
    DownTable table;
    const auto fill = [&](const std::string& name, const SpecPointer& spec, bool wanted) {
        const bool filled = contain(name, prepared.policy, [&] {
            fill_down_facts(name, spec, wanted, index, table[name]);
        });
        if (!filled) {
            table[name] = {};  // nobody goes down for its sake
        }
    };
    for (const auto& [name, spec] : prepared.effective.apps) {
        fill(name, spec, true);
    }
    for (const std::string& name : index.apps()) {
        if (!prepared.effective.apps.contains(name)) {
            const auto record = state.app(name);
            SpecPointer former;
            contain(name, prepared.policy,
                    [&] { former = record ? accepted(name, record->deployed_spec) : nullptr; });
            fill(name, former, false);
        }
    }
    return table;
}

void Supervisor::Core::order_stops(Prepared& prepared, const ObservedIndex& index) {
    const DownTable table = down_table(prepared, index);
    down = going_down(table);
    const std::int64_t share = share_of_graces(table);
    std::set<std::string> names;
    for (const auto& [name, why] : down) {
        names.insert(name);
        plan::AppPolicy& policy = prepared.policy.apps[name];
        policy.stopped = true;
        policy.stop_why = why;
        policy.grace_share = share;
    }
    stop_waits = stops_that_wait(table, names);
    for (const auto& [name, why] : stop_waits) {
        prepared.policy.apps[name].hold_stop = true;
        prepared.policy.apps[name].stop_why = why;
    }
}

// A restart is over its first half once nothing runs any more; the rest is a start like any other.
void Supervisor::Core::end_restarts(Prepared& prepared, const ObservedIndex& index) {
    for (const auto& [name, spec] : prepared.effective.apps) {
        const auto policy = prepared.policy.apps.find(name);
        if (policy != prepared.policy.apps.end() && !policy->second.busy) {
            contain(name, prepared.policy,
                    [&, &name = name, &spec = spec] { end_restart(name, *spec, index); });
        }
    }
}

void Supervisor::Core::end_restart(const std::string& app,
                                   const manifests::AppSpec& spec,
                                   const ObservedIndex& index) {
    const auto record = state.app(app);
    AppMemory memory = memory_from(record ? record->extra : "");
    if (memory.restart == 0) {
        return;
    }
    const std::vector<PartStatus> parts = list_parts(app, &spec, index, memory);
    const bool unknown =
        std::ranges::any_of(parts, [](const PartStatus& part) { return part.state == "unknown"; });
    if (!unknown && !count_parts(parts, &spec).any_running) {
        memory.restart = 0;
        keep(app, memory);
    }
}

}  // namespace podreeve::supervise
