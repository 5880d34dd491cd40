#include <algorithm>

#include <fmt/format.h>

#include "agent/supervise/core.h"
#include "runtime/base/log.h"

namespace podreeve::supervise {
namespace {

const manifests::AppProblem* problem_of(const manifests::Desired& desired, const std::string& app) {
    for (const manifests::AppProblem& problem : desired.problems) {
        if (shown_name(problem) == app) {
            return &problem;
        }
    }
    return nullptr;
}

template <class Map>
typename Map::mapped_type value_in(const Map& map, const std::string& name) {
    const auto it = map.find(name);
    return it == map.end() ? typename Map::mapped_type{} : it->second;
}

AppStatus* find_app(Overview& overview, const std::string& name) {
    const auto it = std::find_if(overview.apps.begin(), overview.apps.end(),
                                 [&](const AppStatus& app) { return app.name == name; });
    return it == overview.apps.end() ? nullptr : &*it;
}

// Of the parts that are held back, one.
std::string why_held(const plan::AppPolicy& policy) {
    std::string why;
    for (const auto* parts : {&policy.parts, &policy.companions.parts}) {
        for (const auto& [part, held] : *parts) {
            why = held.hold_start ? held.why : why;
        }
    }
    for (const auto& [service, resting] : policy.companions.resting) {
        why = resting;
    }
    return why;
}

}  // namespace

std::string shown_name(const manifests::AppProblem& problem) {
    return problem.app.empty() ? problem.file : problem.app;
}

AppView Supervisor::Core::view_of(const std::string& app,
                                  const manifests::Desired& desired,
                                  const manifests::Desired& versions,
                                  const ObservedIndex& index) const {
    AppView view;
    view.name = app;
    view.readiness = readiness;
    const auto it = versions.apps.find(app);
    view.spec = it == versions.apps.end() ? nullptr : it->second.get();
    view.problem = problem_of(desired, app);
    if (const auto record = state.app(app)) {
        view.record = *record;
    }
    view.memory = memory_from(view.record.extra);
    view.facts.has_spec = view.spec != nullptr;
    view.facts.desired = view.spec != nullptr || view.problem != nullptr;
    view.facts.stopped = view.record.stopped;
    view.facts.autostart_off = view.record.stopped && view.memory.autostart_off;
    view.facts.manifest_error = view.problem == nullptr ? "" : first_error(*view.problem);
    view.facts.change = state.active_change_of(app);
    if (!view.facts.change) {
        view.facts.change = state.active_change_of(plan::companions_of(app));
    }
    view.facts.has_companions = view.spec != nullptr && !view.spec->companions.empty();
    view.facts.crash_loop = crash_loops.contains(app);
    take_counts(view, index);
    return view;
}

// Also while it is the version before that is planned for, whose state is told.
void Supervisor::Core::report_conflict(AppView& view, const Failure& failure) {
    const bool reported = std::any_of(view.conditions.begin(), view.conditions.end(),
                                      [](const auto& one) { return one.type == "Conflict"; });
    view.facts.failure = failure.message;
    if (!reported) {
        view.conditions.push_back({"Conflict", "VersionHeldBack",
                                   failure.message + "; the version before is kept up", ""});
    }
}

std::string Supervisor::Core::text_of(Failure failure) const {
    failure.until = shown(failure.until);
    return to_text(failure);
}

void Supervisor::Core::add_conditions(AppView& view,
                                      const plan::AppPlan* planned,
                                      const plan::AppPolicy* policy) {
    const std::vector<Failure> failed = failures.of(view.name);
    const bool kept_up = std::ranges::any_of(
        failed, [](const Failure& failure) { return failure.kind == kConflictKind; });
    if (planned != nullptr) {
        view.conditions = planned->conditions;
        for (const plan::Condition& condition : planned->conditions) {
            if (condition.type == "RemovalHeld") {
                view.facts.removal_held = condition.message;
            }
            if (condition.type == "Conflict" && view.facts.conflict.empty() && !kept_up) {
                view.facts.conflict = condition.message;
            }
        }
    }
    if (policy != nullptr && policy->hold_start) {
        view.facts.hold = policy->why;
    }
    if (policy != nullptr) {
        view.facts.backing_off = why_held(*policy);
    }
    for (const Failure& failure : failed) {
        if (failure.kind == kConflictKind) {
            report_conflict(view, failure);
            continue;
        }
        view.facts.failure = text_of(failure);
        view.conditions.push_back({"DeployFailed", "ChangeFailed", view.facts.failure, ""});
    }
}

void Supervisor::Core::add_companion_conditions(AppView& view, const plan::AppPlan* planned) {
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
    for (const Failure& failure : failures.of(plan::companions_of(view.name))) {
        const std::string text = text_of(failure);
        view.facts.failure = view.facts.failure.empty() ? text : view.facts.failure;
        view.conditions.push_back({"CompanionFailed", "ChangeFailed", text, ""});
    }
}

std::optional<WallTime> Supervisor::Core::next_try_of(const std::string& app) const {
    std::optional<WallTime> earliest;
    for (const std::string& subject : {app, plan::companions_of(app)}) {
        for (const Failure& failure : failures.of(subject)) {
            if (failure.until != kUntilChanged) {
                keep_earliest(earliest, shown(failure.until));
            }
        }
    }
    return earliest;
}

std::set<std::string> Supervisor::Core::all_apps(const manifests::Desired& desired,
                                                 const ObservedIndex* index) const {
    std::set<std::string> names;
    // One that is removed has no object any more when its last steps are made.
    for (const AppStatus& app : last.apps) {
        if (state.active_change_of(app.name) ||
            state.active_change_of(plan::companions_of(app.name))) {
            names.insert(app.name);
        }
    }
    for (const auto& [name, spec] : desired.apps) {
        names.insert(name);
    }
    for (const manifests::AppProblem& problem : desired.problems) {
        names.insert(shown_name(problem));
    }
    if (index != nullptr) {
        for (const std::string& name : index->apps()) {
            names.insert(name);
        }
    }
    return names;
}

void Supervisor::Core::keep(const std::string& app, const AppMemory& memory) {
    const Status kept = state.edit_app(
        app, [&](state::AppRecord& stored) { stored.extra = to_extra(memory); },
        state::Unwritten::Kept);
    if (!kept) {
        log::warn("{}", kept.error().message);
    }
}

void Supervisor::Core::append(const state::Event& event) {
    if (Status kept = state.append_event(event); !kept) {
        log::warn("{}", kept.error().message);
    }
    log::info("{}: {} {}", event.app, event.state, event.message);
}

void Supervisor::Core::recall() {
    for (const state::Event& event : state.events_since(0)) {
        if (event.app.empty()) {
            continue;
        }
        AppStatus* app = find_app(last, event.app);
        if (app == nullptr) {
            last.apps.emplace_back();
            app = &last.apps.back();
            app->name = event.app;
        }
        if (const auto word = service_state_from(event.state)) {
            app->state = *word;
            app->since = event.time;
        }
        if (event.state == kRemoved || event.state == kWellAgain) {
            std::erase_if(last.apps, [&](const AppStatus& one) { return one.name == event.app; });
        }
    }
}

std::vector<StatusCondition> Supervisor::Core::conditions_of_agent() const {
    std::vector<StatusCondition> conditions;
    for (const auto& [type, condition] : of_agent) {
        conditions.push_back(condition);
    }
    return conditions;
}

bool Supervisor::note_of_agent(StatusCondition condition) {
    const std::lock_guard lock(core_->mutex);
    auto& known = core_->of_agent;
    const auto before = known.find(condition.type);
    const bool is_known = before != known.end();
    const bool is_news = condition.message != (is_known ? before->second.message : "");
    condition.since = is_known ? before->second.since : core_->wall();
    if (condition.message.empty()) {
        known.erase(condition.type);
    } else {
        known.insert_or_assign(condition.type, std::move(condition));
    }
    return is_news;
}

Overview Supervisor::Core::publish(Overview overview) {
    overview.agent_conditions = conditions_of_agent();
    contained_or_logged("summing up how long a shutdown takes", [&] { report_host_end(overview); });
    for (const state::Event& event : events_between(last, overview)) {
        contained_or_logged("reporting an event", [&] { append(event); });
    }
    last = overview;
    return overview;
}

AppStatus Supervisor::Core::status_of(const std::string& app,
                                      const manifests::Desired& desired,
                                      const Prepared& prepared,
                                      const ObservedIndex& index,
                                      const plan::Plan& plan) {
    AppView view = view_of(app, desired, prepared.effective, index);
    const auto planned = plan.apps.find(app);
    const auto policy = prepared.policy.apps.find(app);
    const auto wait = pending.find(app);
    if (planned != plan.apps.end() && planned->second.empty() && !view.facts.change) {
        failures.forget_outlived(app, now());
    }
    add_conditions(view, planned == plan.apps.end() ? nullptr : &planned->second,
                   policy == prepared.policy.apps.end() ? nullptr : &policy->second);
    const auto companions = plan.companions.find(app);
    add_companion_conditions(view,
                             companions == plan.companions.end() ? nullptr : &companions->second);
    view.facts.down_because = value_in(down, app);
    view.facts.stop_waits = value_in(stop_waits, app);
    view.blockers = value_in(blockers, app);
    if (wait != pending.end() && !wait->second.pending.empty()) {
        view.pending = {wait->second.pending};
    }
    const auto attempt = next_attempts.find(app);
    view.next_attempt =
        attempt != next_attempts.end() ? std::optional(attempt->second) : next_try_of(app);
    return make_status(view, last.find(app), wall());
}

AppStatus Supervisor::Core::status_unread(const std::string& app,
                                          const manifests::Desired& desired,
                                          const Error& why) const {
    AppView view = view_of(app, desired, desired, ObservedIndex({}, state.owner()));
    view.facts.podman_known = false;
    view.facts.podman_error = why.message;
    AppStatus status = make_status(view, last.find(app), wall());
    for (PartStatus& part : status.parts) {
        part.state = "unknown";
    }
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

// A pass that threw as a whole: what was known stands, and why nothing is newer.
Overview Supervisor::pass_failed(const std::string& why) {
    Overview overview;
    {
        const std::lock_guard lock(core_->mutex);
        Core& core = *core_;
        overview = core.last;
        overview.passes = core.last.passes + 1;
        overview.last_pass = core.wall();
        overview.pass_error = why;
        core.last = overview;
    }
    core_->subscriptions->publish(overview);
    return overview;
}

Overview Supervisor::conclude(const manifests::Desired& desired,
                              const Prepared& prepared,
                              const observe::Observed& observed,
                              const plan::Plan& plan) {
    Overview overview;
    {
        const std::lock_guard lock(core_->mutex);
        Core& core = *core_;
        const ObservedIndex index(observed, core.state.owner());
        core.note_companions(prepared, plan);
        overview.podman_reachable = true;
        overview.podman_version =
            fmt::format("{}.{}.{}", observed.podman_version.major, observed.podman_version.minor,
                        observed.podman_version.patch);
        overview.passes = core.last.passes + 1;
        overview.last_pass = core.wall();
        for (const std::string& name : core.all_apps(desired, &index)) {
            overview.apps.push_back(core.contained_status(
                name, [&] { return core.status_of(name, desired, prepared, index, plan); }));
        }
        overview = core.publish(std::move(overview));
    }
    core_->subscriptions->publish(overview);
    return overview;
}

Overview Supervisor::podman_lost(const manifests::Desired& desired, const Error& why) {
    Overview overview;
    {
        const std::lock_guard lock(core_->mutex);
        Core& core = *core_;
        overview = core.last;
        overview.podman_reachable = false;
        overview.podman_error = why.message;
        overview.pass_error.clear();
        overview.passes = core.last.passes + 1;
        overview.last_pass = core.wall();
        overview.apps.clear();
        std::set<std::string> names = core.all_apps(desired, nullptr);
        for (const AppStatus& app : core.last.apps) {
            if (!app.parts.empty()) {
                names.insert(app.name);  // what is left over of it was not seen to go
            }
        }
        for (const std::string& name : names) {
            overview.apps.push_back(core.contained_status(
                name, [&] { return core.status_unread(name, desired, why); }));
        }
        overview = core.publish(std::move(overview));
    }
    core_->subscriptions->publish(overview);
    return overview;
}

// Passes are made before and after a change; the phases in between are told from its steps.
void Supervisor::step_begins(const std::string& app,
                             const std::string& change_kind,
                             const std::string& task_kind,
                             const std::string& summary) {
    const std::lock_guard lock(core_->mutex);
    if (!core_->last.podman_error.empty()) {
        return;  // it is tried again and again, until a pass can tell how the app stands
    }
    const ServiceState phase = phase_of(change_kind, task_kind);
    AppStatus* status = find_app(core_->last, app);
    if (status == nullptr) {
        // Its first change: the pass that committed it has not been concluded yet.
        core_->last.apps.emplace_back();
        status = &core_->last.apps.back();
        status->name = app;
    } else if (status->state == phase) {
        return;
    }
    status->state = phase;
    status->message = summary;
    status->since = core_->wall();
    const state::Event event{0, core_->wall(), app, std::string(to_string(phase)), summary};
    core_->append(event);
}

}  // namespace podreeve::supervise
