#include "agent/supervise/why.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/supervise/decide/shutdown_order.h"
#include "agent/supervise/overview.h"

namespace podreeve::supervise {
namespace {

const Blocker* worst_of(const std::vector<Blocker>& blockers) {
    const auto blocked = std::find_if(blockers.begin(), blockers.end(),
                                      [](const Blocker& blocker) { return blocker.blocked; });
    return blocked != blockers.end() ? &*blocked : blockers.empty() ? nullptr : &blockers.front();
}

bool is_held_back(const AppStatus& app) {
    return app.state == ServiceState::Waiting && app.down_because.empty();
}

// The dependency that is the reason for the state, if one is.
const Blocker* follow(const AppStatus& app) {
    return is_held_back(app) ? worst_of(app.blockers) : nullptr;
}

const StatusCondition* removal_held(const AppStatus& app) {
    return find_condition(app, "RemovalHeld");
}

std::string reason_of(const AppStatus& app) {
    if (const Blocker* blocker = follow(app)) {
        return fmt::format("waits for {} to be {}", blocker->app, blocker->is);
    }
    if (is_held_back(app) && !app.pending.empty()) {
        return app.pending.front();
    }
    if (!app.message.empty()) {
        return app.message;
    }
    if (const StatusCondition* held = removal_held(app)) {
        return held->message;
    }
    if (app.state == ServiceState::Running && !app.healthy) {
        return "runs, but is not ready";
    }
    if (app.state == ServiceState::Running) {
        return app.conditions.empty() ? "runs as its manifest says"
                                      : "runs, but not all is as its manifest says";
    }
    return app.conditions.empty() ? std::string() : app.conditions.front().message;
}

std::string next_of(const AppStatus& app) {
    if (app.change != 0) {
        return fmt::format("change {} is under way", app.change);
    }
    if (app.next_attempt) {
        return fmt::format("is tried again at {}", to_rfc3339(*app.next_attempt));
    }
    if (app.state == ServiceState::Running && removal_held(app) != nullptr) {
        return "";  // the hold says what ends it
    }
    if (app.down_because == kHostGoesDown) {
        return "`podreeve shutdown --undo` lets it run again, should the host stay up";
    }
    if (!app.down_because.empty() || app.state == ServiceState::Skipped) {
        return app.stopped ? fmt::format("`podreeve start {}` lets it run again", app.name)
                           : "comes back by itself when that is over";
    }
    if (follow(app) != nullptr) {
        return fmt::format("is started once {} is {}", follow(app)->app, follow(app)->is);
    }
    if (is_held_back(app)) {
        return "is started as soon as that holds";
    }
    switch (app.state) {
        case ServiceState::Failed:
            return "is tried again when its manifest changes, or by `podreeve reconcile`";
        case ServiceState::Unknown:
            return "is looked at again and again until that is known";
        default:
            return "";
    }
}

std::vector<std::string> conditions_of(const AppStatus& app, const std::string& reason) {
    std::vector<std::string> texts;
    for (const StatusCondition& condition : app.conditions) {
        const bool is_the_chain = condition.type == "Blocked" && follow(app) != nullptr;
        if (condition.message != reason && !is_the_chain) {
            texts.push_back(fmt::format("{}: {}", condition.type, condition.message));
        }
    }
    return texts;
}

WhyLink link_of(const AppStatus& app, std::string wanted) {
    const std::string reason = reason_of(app);
    return {app.name,
            std::move(wanted),
            std::string(to_string(app.state)),
            app.health,
            reason,
            app.since,
            app.next_attempt,
            next_of(app),
            conditions_of(app, reason)};
}

}  // namespace

std::vector<WhyLink> why(const Overview& overview, const std::string& app) {
    std::vector<WhyLink> chain;
    std::set<std::string> seen;
    std::string name = app, wanted;
    while (seen.insert(name).second) {
        const AppStatus* status = overview.find(name);
        if (status == nullptr) {
            if (!chain.empty()) {
                chain.push_back(
                    {name, wanted, "absent", "-", "no manifest declares it", {}, {}, ""});
            }
            return chain;
        }
        chain.push_back(link_of(*status, wanted));
        const Blocker* blocker = follow(*status);
        if (blocker == nullptr) {
            return chain;
        }
        name = blocker->app;
        wanted = blocker->is;
    }
    return chain;
}

nlohmann::json to_json(const std::vector<WhyLink>& chain) {
    nlohmann::json list = nlohmann::json::array();
    for (const WhyLink& link : chain) {
        list.push_back({{"app", link.app},
                        {"wanted", link.wanted},
                        {"state", link.state},
                        {"health", link.health},
                        {"reason", link.reason},
                        {"since", link.since == WallTime{} ? "" : to_rfc3339(link.since)},
                        {"next_attempt", link.next_attempt ? to_rfc3339(*link.next_attempt) : ""},
                        {"next", link.next},
                        {"conditions", link.conditions}});
    }
    return list;
}

}  // namespace podreeve::supervise
