#include <algorithm>
#include <iterator>

#include "agent/supervise/core.h"

// The status of one app, as people are told.
namespace podreeve::supervise {
namespace {

template <class Map>
typename Map::mapped_type value_in(const Map& map, const std::string& name) {
    const auto it = map.find(name);
    return it == map.end() ? typename Map::mapped_type{} : it->second;
}

template <class Map>
const typename Map::mapped_type* find_in(const Map& map, const std::string& name) {
    const auto it = map.find(name);
    return it == map.end() ? nullptr : &it->second;
}

}  // namespace

void Supervisor::Core::add_companion_conditions(AppView& view, const plan::AppPlan* planned) const {
    static const std::vector<plan::Condition> kNone;
    for (const plan::Condition& condition : planned == nullptr ? kNone : planned->conditions) {
        // It may have been told of the app's other parts already.
        if (std::find(view.conditions.begin(), view.conditions.end(), condition) ==
            view.conditions.end()) {
            view.conditions.push_back(condition);
        }
        if (condition.type == "RemovalHeld" && view.facts.removal_held.empty()) {
            view.facts.removal_held = condition.message;
        }
        const bool waits = condition.type == "Blocked" || condition.type == "RestartPending" ||
                           condition.type == "ForeignDropIn" || condition.type == "RemovalHeld";
        if (!waits && view.facts.companions.empty()) {
            view.facts.companions = condition.message;
            view.facts.companions_unknown = condition.type == "Unknown";
        }
    }
    for (const Failure& failure : memory.failures.of(plan::companions_of(view.name))) {
        const std::string text = text_of(failure, memory.clock);
        view.facts.failure = view.facts.failure.empty() ? text : view.facts.failure;
        view.conditions.push_back({"CompanionFailed", "ChangeFailed", text, ""});
    }
}

std::optional<WallTime> Supervisor::Core::next_try_of(const std::string& app) const {
    std::optional<WallTime> earliest;
    for (const std::string& subject : {app, plan::companions_of(app)}) {
        for (const Failure& failure : memory.failures.of(subject)) {
            if (failure.until != kUntilChanged) {
                keep_earliest(earliest, memory.clock.shown(failure.until));
            }
        }
    }
    return earliest;
}

AppStatus Supervisor::Core::status_of(const std::string& app,
                                      const ViewSources& sources,
                                      const plan::Policy& policy,
                                      const plan::Plan& plan) {
    AppView view = view_of(app, sources);
    const plan::AppPlan* planned = find_in(plan.apps, app);
    if (planned != nullptr && planned->empty() && !view.facts.change) {
        memory.failures.forget_outlived(app, now());
    }
    add_conditions(view, planned, find_in(policy.apps, app), memory);
    add_companion_conditions(view, find_in(plan.companions, app));
    view.facts.down_because = value_in(memory.down, app);
    view.facts.stop_waits = value_in(found.stop_waits, app);
    view.blockers = value_in(found.blockers, app);
    const Assessment* wait = find_in(found.pending, app);
    if (wait != nullptr && !wait->pending.empty()) {
        view.pending = {wait->pending};
    }
    const WallTime* attempt = find_in(found.next_attempts, app);
    view.next_attempt = attempt != nullptr ? std::optional(*attempt) : next_try_of(app);
    return make_status(view, last.find(app), wall());
}

// What is the matter with a manifest is so whatever can be read of its app.
void Supervisor::Core::keep_of_manifest(AppStatus& status) const {
    if (const AppStatus* before = last.find(status.name)) {
        std::ranges::copy_if(
            before->conditions, std::back_inserter(status.conditions),
            [](const StatusCondition& condition) { return is_of_manifest(condition.type); });
    }
}

AppStatus Supervisor::Core::status_unread(const std::string& app,
                                          const ViewSources& sources,
                                          const Error& why) const {
    AppView view = view_of(app, sources);
    view.facts.podman_known = false;
    view.facts.podman_error = why.message;
    AppStatus status = make_status(view, last.find(app), wall());
    for (PartStatus& part : status.parts) {
        part.state = "unknown";
    }
    keep_of_manifest(status);
    return status;
}

AppStatus Supervisor::Core::status_left(const std::string& app, const plan::Condition& what) const {
    const AppStatus* before = last.find(app);
    AppStatus status = before == nullptr ? AppStatus{} : *before;
    const auto known =
        std::find_if(status.conditions.begin(), status.conditions.end(),
                     [&](const StatusCondition& condition) { return condition.type == what.type; });
    const WallTime since = known == status.conditions.end() ? wall() : known->since;
    status.name = app;
    status.since = status.state == ServiceState::Unknown ? status.since : wall();
    status.state = ServiceState::Unknown;
    status.healthy = false;
    status.health = "unknown";
    status.message = what.message;
    status.conditions = {{what.type, what.reason, what.message, "", true, since}};
    keep_of_manifest(status);
    return status;
}

AppStatus Supervisor::Core::status_aside(const std::string& app, const Aside& why) const {
    AppStatus status = status_left(app, plan::set_aside(why.why));
    status.change = 0;
    status.blockers.clear();
    status.pending.clear();
    status.next_attempt = why.next_try;
    return status;
}

}  // namespace podreeve::supervise
