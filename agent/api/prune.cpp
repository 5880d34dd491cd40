// GET  /v1/prune            what is held until a person lets it go, and why: removals of apps, and
//                           starts of those whose volumes are gone with podman's storage
// POST /v1/prune?app=NAME…  lets these go; Conflict for an app of which nothing is held
#include <algorithm>

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/reply.h"
#include "agent/api/resources.h"
#include "agent/supervise/overview.h"

namespace podreeve::api {
namespace {

struct HeldApp {
    std::string name, reason, message;
};

struct Held {
    std::vector<HeldApp> removals, volumes;
};

Held what_is_held(Backend& backend) {
    Held held;
    for (const supervise::AppStatus& app : backend.shared_status.lock()->apps) {
        if (const auto* condition = supervise::find_condition(app, "RemovalHeld")) {
            held.removals.push_back({app.name, condition->reason, condition->message});
        }
        const auto* blocked = supervise::find_condition(app, "Blocked");
        if (blocked != nullptr && blocked->reason == plan::kStorageNotMounted) {
            held.volumes.push_back({app.name, blocked->reason, blocked->message});
        }
    }
    return held;
}

nlohmann::json to_json(const std::vector<HeldApp>& held) {
    nlohmann::json rows = nlohmann::json::array();
    for (const HeldApp& app : held) {
        rows.push_back({{"app", app.name}, {"reason", app.reason}, {"message", app.message}});
    }
    return rows;
}

bool take(const std::vector<HeldApp>& held, const std::string& app, std::set<std::string>& out) {
    const bool found = std::ranges::find(held, app, &HeldApp::name) != held.end();
    if (found) {
        out.insert(app);
    }
    return found;
}

// What a person saw listed is what goes, and nothing that came to be held since.
Result<LetGo> chosen(const httplib::Request& request, const Held& held) {
    LetGo chosen;
    const auto [first, last] = request.params.equal_range("app");
    for (auto at = first; at != last; ++at) {
        const bool removal = take(held.removals, at->second, chosen.removals);
        const bool volumes = take(held.volumes, at->second, chosen.volumes);
        if (!removal && !volumes) {
            return fail(Code::Conflict, fmt::format("cannot prune {}: nothing of it is held; "
                                                    "`podreeve prune` lists what is",
                                                    at->second));
        }
    }
    if (first == last) {
        return fail(Code::InvalidArgument, "cannot prune: no app is named");
    }
    return chosen;
}

void prune(Backend& backend, const httplib::Request& request, httplib::Response& response) {
    const auto what = chosen(request, what_is_held(backend));
    if (!what) {
        send_error(response, what.error());
        return;
    }
    backend.let_go(*what);
    send_json(response, {{"removed", what->removals}, {"emptied", what->volumes}}, 202);
}

}  // namespace

void add_prune(httplib::Server& server, Backend& backend) {
    server.Get("/v1/prune", [&backend](const httplib::Request&, httplib::Response& response) {
        const Held held = what_is_held(backend);
        send_json(response,
                  {{"removals", to_json(held.removals)}, {"volumes", to_json(held.volumes)}});
    });
    server.Post("/v1/prune",
                [&backend](const httplib::Request& request, httplib::Response& response) {
                    prune(backend, request, response);
                });
}

}  // namespace podreeve::api
