#include <algorithm>

#include <fmt/format.h>

#include "agent/supervise/decide/decider.h"

namespace podreeve::supervise {
namespace {

// How often a condition that is pending is looked at again.
constexpr std::chrono::seconds kLookAgain{1};

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

}  // namespace

void Decider::evaluate_dependencies() {
    const Walk walk(prepared_.effective.apps);
    for (const std::string& name : walk.order()) {
        const bool evaluated = contain(name, [&] { evaluate_dependency(name); });
        if (!evaluated) {
            // Those that wait for it go on waiting, and those that run stay up.
            DependencyStatus& status = found_.dependency_statuses[name];
            status = {};
            status.state = ServiceState::Unknown;
            status.message = in_.aside.contains(name)
                                 ? "set aside, since podreeve has crashed over it"
                                 : "internal error: " + policies()[name].trouble;
        }
    }
}

void Decider::evaluate_dependency(const std::string& name) {
    const manifests::AppSpec& spec = *prepared_.effective.apps.at(name);
    AppView view = view_of(name, {in_.desired, prepared_.effective, index_, stored_, in_.active,
                                  in_.readiness, found_.crash_loops});
    add_part_statuses(view);
    std::vector<Blocker> held = blockers_of(spec, found_.dependency_statuses);
    view.facts.hold = to_text(held);
    if (const auto why = carried_.down.find(name); why != carried_.down.end()) {
        view.facts.down_because = why->second;
    }
    const auto policy = prepared_.policy.apps.find(name);
    add_conditions(view, nullptr, policy == prepared_.policy.apps.end() ? nullptr : &policy->second,
                   carried_);
    const DerivedState derived = derive_state(view.facts);
    const bool waits = derived.state == ServiceState::Waiting;
    found_.dependency_statuses[name] = {derived.state,
                                        derived.message,
                                        view.record.stopped && !view.facts.autostart_off,
                                        view.facts.ready == view.facts.total,
                                        waits ? worst(held) : std::nullopt,
                                        view.facts.up > 0};
    found_.blockers[name] = std::move(held);
}

// Every companion stands for itself, and the containers of an app that has some apart from them.
void Decider::add_part_statuses(const AppView& view) {
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
                found_.dependency_statuses.try_emplace(dependency_key(view.name, part.name), status)
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
    found_.dependency_statuses[dependency_key(view.name, kOwnContainers)] = own;
}

void Decider::keep_next_look(const manifests::AppSpec& spec) {
    if (const auto time = next_time(spec.conditions, in_.wall)) {
        keep_earliest(found_.next, carried_.clock.as_shown(*time));
    }
    std::map<LeafKey, const manifests::StartCondition*> leaves;
    collect_leaves(spec.conditions, leaves);
    if (!leaves.empty()) {
        keep_earliest(found_.next, in_.now + kLookAgain);
    }
}

void Decider::hold_starts() {
    for (const auto& [name, spec] : prepared_.effective.apps) {
        plan::AppPolicy& policy = policies()[name];
        contain(name, [&, &name = name, &spec = spec] { hold_start(name, *spec, policy); });
    }
}

void Decider::hold_start(const std::string& name,
                         const manifests::AppSpec& spec,
                         plan::AppPolicy& policy) {
    const DependencyStatus& status = found_.dependency_statuses[name];
    // What is up in part is only mended.
    if (!spec.conditions.empty() && !status.any_up) {
        found_.pending[name] =
            assess(spec.conditions, in_.facts, found_.dependency_statuses, in_.wall);
        const bool waits =
            !policy.stopped && found_.blockers[name].empty() && is_for_start(status.state);
        if (waits && found_.pending[name].outcome != ConditionOutcome::Met) {
            keep_next_look(spec);
        }
    }
    const std::string why = hold_text(found_.blockers[name], found_.pending[name]);
    if (!why.empty()) {
        policy.hold_start = true;
        policy.why = why;
    }
}

}  // namespace podreeve::supervise
