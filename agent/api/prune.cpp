// GET  /v1/prune            the apps whose removal is held, and why
// POST /v1/prune?app=NAME…  lets the removal of these go on; Conflict for one that is not held
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

std::vector<HeldApp> held_apps(Backend& backend) {
    std::vector<HeldApp> held;
    for (const supervise::AppStatus& app : backend.shared_status.lock()->apps) {
        if (const auto* condition = supervise::find_condition(app, "RemovalHeld")) {
            held.push_back({app.name, condition->reason, condition->message});
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

// What a person saw listed is what goes, and nothing that came to be held since.
Result<std::set<std::string>> chosen(const httplib::Request& request,
                                     const std::vector<HeldApp>& held) {
    std::set<std::string> names;
    const auto [first, last] = request.params.equal_range("app");
    for (auto at = first; at != last; ++at) {
        if (std::ranges::find(held, at->second, &HeldApp::name) == held.end()) {
            return fail(Code::Conflict, fmt::format("cannot prune {}: its removal is not held; "
                                                    "`podreeve prune` lists what is",
                                                    at->second));
        }
        names.insert(at->second);
    }
    if (names.empty()) {
        return fail(Code::InvalidArgument, "cannot prune: no app is named");
    }
    return names;
}

void prune(Backend& backend, const httplib::Request& request, httplib::Response& response) {
    const auto names = chosen(request, held_apps(backend));
    if (!names) {
        send_error(response, names.error());
        return;
    }
    backend.let_go(*names);
    send_json(response, {{"removed", *names}}, 202);
}

}  // namespace

void add_prune(httplib::Server& server, Backend& backend) {
    server.Get("/v1/prune", [&backend](const httplib::Request&, httplib::Response& response) {
        send_json(response, {{"removals", to_json(held_apps(backend))}});
    });
    server.Post("/v1/prune",
                [&backend](const httplib::Request& request, httplib::Response& response) {
                    prune(backend, request, response);
                });
}

}  // namespace podreeve::api
