#include <algorithm>

#include <fmt/format.h>

#include "agent/supervise/core.h"
#include "runtime/base/log.h"

namespace podreeve::supervise {
namespace {

AppStatus* find_app(Overview& overview, const std::string& name) {
    const auto it = std::find_if(overview.apps.begin(), overview.apps.end(),
                                 [&](const AppStatus& app) { return app.name == name; });
    return it == overview.apps.end() ? nullptr : &*it;
}

}  // namespace

std::set<std::string> Supervisor::Core::all_apps(const manifests::Desired& desired,
                                                 const ActiveChanges& changes,
                                                 const ObservedIndex* index) const {
    std::set<std::string> names;
    // One that is removed has no object any more when its last steps are made.
    for (const AppStatus& app : last.apps) {
        if (changes.contains(app.name) || changes.contains(plan::companions_of(app.name))) {
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

void Supervisor::Core::keep(const std::string& app, const AppMemory& remembered) {
    const Status kept = state.edit_app(
        app, [&](state::AppRecord& stored) { stored.extra = to_extra(remembered); },
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
        recall_condition(*app, event);
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

// Of companions alone, and without a manifest by now: while their units cannot be seen they were
// not seen to go.
void Supervisor::Core::add_unseen(const observe::Observed& observed, Overview& overview) const {
    for (const AppStatus& app : last.apps) {
        const bool has_units = std::ranges::any_of(
            app.parts, [](const PartStatus& part) { return part.kind == "companion"; });
        if (has_units && overview.find(app.name) == nullptr &&
            !observed.knows_companions(app.name)) {
            overview.apps.push_back(status_left(
                app.name,
                {"Unknown", "UnitsUnknown",
                 "its manifest is gone, and its units cannot be seen: they are removed once "
                 "they can be",
                 ""}));
        }
    }
    std::ranges::sort(overview.apps, {}, &AppStatus::name);
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
        core.note_volumes(prepared, observed, plan);
        overview.podman_reachable = true;
        overview.podman_version =
            fmt::format("{}.{}.{}", observed.podman_version.major, observed.podman_version.minor,
                        observed.podman_version.patch);
        overview.passes = core.last.passes + 1;
        overview.last_pass = core.wall();
        const StoredApps stored = core.stored();
        const ActiveChanges active = core.active();
        const PartReadiness readiness = core.readiness();
        const ViewSources sources{desired,   prepared.effective,    index, stored, active,
                                  readiness, core.found.crash_loops};
        for (const std::string& name : core.all_apps(desired, active, &index)) {
            overview.apps.push_back(core.contained_status(
                name, [&] { return core.status_of(name, sources, prepared.policy, plan); }));
        }
        core.add_unseen(observed, overview);
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
        const StoredApps stored = core.stored();
        const ActiveChanges active = core.active();
        const observe::Observed nothing;
        const ObservedIndex index(nothing, core.state.owner());
        const PartReadiness readiness = core.readiness();
        const ViewSources sources{
            desired, desired, index, stored, active, readiness, core.found.crash_loops};
        std::set<std::string> names = core.all_apps(desired, active, nullptr);
        for (const AppStatus& app : core.last.apps) {
            if (!app.parts.empty() || app.state == ServiceState::Unknown) {
                names.insert(app.name);  // what is left over of it was not seen to go
            }
        }
        for (const std::string& name : names) {
            overview.apps.push_back(core.contained_status(
                name, [&] { return core.status_unread(name, sources, why); }));
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
