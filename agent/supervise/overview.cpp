#include "agent/supervise/overview.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace podreeve::supervise {
namespace {

std::string_view dialect_name(manifests::Dialect dialect) {
    switch (dialect) {
        case manifests::Dialect::App:
            return "app";
        case manifests::Dialect::Kube:
            return "kube";
        case manifests::Dialect::Quadlet:
            return "quadlet";
    }
    return "";
}

// One that was recalled from its event has no reason.
bool same_fact(const StatusCondition& old, const StatusCondition& now) {
    const bool is_recalled = old.reason.empty();
    return old.type == now.type && (is_recalled ? old.message == now.message
                                                : old.reason == now.reason && old.part == now.part);
}

StatusCondition carry_over(const plan::Condition& condition,
                           const AppStatus* before,
                           WallTime now) {
    StatusCondition out{
        condition.type, condition.reason, condition.message, condition.part, true, now};
    if (before != nullptr) {
        const auto it =
            std::find_if(before->conditions.begin(), before->conditions.end(),
                         [&](const StatusCondition& old) { return same_fact(old, out); });
        out.since = it == before->conditions.end() ? now : it->since;
    }
    return out;
}

void describe(AppStatus& status, const AppView& view) {
    if (view.spec != nullptr) {
        status.display_name = view.spec->display_name;
        status.version = view.spec->version;
        status.dialect = dialect_name(view.spec->dialect);
        status.file = view.spec->file;
    } else if (view.problem != nullptr) {
        status.file = view.problem->file;
    }
}

// What has no usable name of an app is shown by its path.
bool is_path(const std::string& name) {
    return name.find('/') != std::string::npos;
}

std::string health_word(const AppStatus& status, const Facts& facts) {
    if (status.state == ServiceState::Unknown) {
        return "unknown";
    }
    if (status.healthy) {
        return "healthy";
    }
    if (!facts.any_running || facts.up == 0) {
        return "-";
    }
    return facts.unhealthy ? "unhealthy" : "starting";
}

void add_ends(std::vector<state::Event>& events,
              const AppStatus& before,
              const AppStatus& now,
              WallTime when) {
    // A transition says that more than one thing has changed, and a change has events of its own.
    const bool has_events = before.state != now.state || now.change != 0;
    std::set<std::string> over;
    for (const StatusCondition& condition : before.conditions) {
        if (find_condition(now, condition.type) == nullptr &&
            (!has_events || is_of_manifest(condition.type))) {
            over.insert(condition.type);
        }
    }
    for (const std::string& type : over) {
        events.push_back({0, when, now.name, kOver, type + " no longer holds"});
    }
}

void add_transition(std::vector<state::Event>& events,
                    const AppStatus* before,
                    const AppStatus& now,
                    WallTime when) {
    if (before != nullptr) {
        add_ends(events, *before, now, when);
    }
    if (before == nullptr || before->state != now.state) {
        events.push_back({0, now.since, now.name, std::string(to_string(now.state)), now.message});
    }
    for (const StatusCondition& condition : now.conditions) {
        const bool known =
            before != nullptr &&
            std::any_of(before->conditions.begin(), before->conditions.end(),
                        [&](const StatusCondition& old) { return same_fact(old, condition); });
        if (!known) {
            events.push_back({0, condition.since, now.name, condition.type, condition.message});
        }
    }
}

}  // namespace

AppStatus make_status(const AppView& view, const AppStatus* before, WallTime now) {
    AppStatus status;
    status.name = view.name;
    describe(status, view);
    DerivedState derived = derive_state(view.facts);
    status.state = derived.state;
    status.message = std::move(derived.message);
    status.generation = view.record.generation;
    status.spec = view.record.spec;
    status.deployed_spec = view.record.deployed_spec;
    status.stopped = view.record.stopped;
    status.parts = view.parts;
    status.parts_ready = view.facts.ready;
    status.parts_up = view.facts.up;
    status.parts_total = view.facts.total;
    status.healthy = status.state == ServiceState::Running && view.facts.ready == view.facts.total;
    status.health = health_word(status, view.facts);
    status.blockers = view.blockers;
    status.pending = view.pending;
    status.request = view.memory.request;
    status.down_because = view.facts.down_because;
    status.next_attempt = view.next_attempt;
    status.change = view.facts.change ? view.facts.change->id : 0;
    for (const PartStatus& part : view.parts) {
        status.restarts += part.restarts;
    }
    for (const plan::Condition& condition : view.conditions) {
        status.conditions.push_back(carry_over(condition, before, now));
    }
    status.since = before != nullptr && before->state == status.state ? before->since : now;
    return status;
}

std::string why_degraded(const AppStatus& app) {
    switch (app.state) {
        case ServiceState::Failed:
        case ServiceState::CrashLoop:
        case ServiceState::Unknown:
        case ServiceState::Waiting:
            return fmt::format("is {}: {}", to_string(app.state), app.message);
        case ServiceState::Running:
            return app.health == "unhealthy" ? "is unhealthy: " + app.message : "";
        default:
            return "";
    }
}

const StatusCondition* find_condition(const AppStatus& app, std::string_view type) {
    const auto found = std::ranges::find(app.conditions, type, &StatusCondition::type);
    return found == app.conditions.end() ? nullptr : &*found;
}

bool is_of_manifest(std::string_view type) {
    return type == "ManifestError" || type == "RemovalHeld";
}

void recall_condition(AppStatus& app, const state::Event& event) {
    const auto is_about = [&](const StatusCondition& condition) {
        return event.state == kOver ? event.message.starts_with(condition.type + " ")
                                    : condition.type == event.state;
    };
    if (event.state == kOver) {
        std::erase_if(app.conditions, is_about);
    } else if (is_of_manifest(event.state)) {
        std::erase_if(app.conditions, is_about);
        app.conditions.push_back({event.state, "", event.message, "", true, event.time});
    }
}

std::vector<state::Event> events_between(const Overview& before, const Overview& after) {
    std::vector<state::Event> events;
    for (const AppStatus& app : after.apps) {
        add_transition(events, before.find(app.name), app, after.last_pass);
    }
    for (const AppStatus& app : before.apps) {
        if (after.find(app.name) == nullptr) {
            events.push_back(is_path(app.name)
                                 ? state::Event{0, after.last_pass, app.name, kWellAgain,
                                                "nothing is wrong with it any more"}
                                 : state::Event{0, after.last_pass, app.name, kRemoved,
                                                "all its parts are gone"});
        }
    }
    return events;
}

void show_last_events(Overview& overview, const std::vector<state::Event>& events) {
    std::map<std::string_view, const state::Event*> newest;
    for (const state::Event& event : events) {
        newest[event.app] = &event;
    }
    for (AppStatus& app : overview.apps) {
        const auto found = newest.find(app.name);
        if (found != newest.end()) {
            const state::Event& event = *found->second;
            app.last_event =
                event.message.empty() ? event.state : event.state + ": " + event.message;
            app.last_event_at = event.time;
        }
    }
}

}  // namespace podreeve::supervise
