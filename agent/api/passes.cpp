// POST /v1/reconcile        makes a pass now; answers when it has ended, with what it committed
// GET  /v1/diff?app=NAME    the plan, of which nothing is carried out
// GET  /v1/version          of the agent and of podman
#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/reply.h"
#include "agent/api/resources.h"
#include "agent/api/turnstile.h"
#include "agent/supervise/overview.h"

namespace podreeve::api {
namespace {

nlohmann::json to_json(const PassSummary& pass) {
    nlohmann::json failures = nlohmann::json::array();
    for (const auto& [app, why] : pass.failures) {
        failures.push_back({{"app", app}, {"message", why}});
    }
    return {{"pass", pass.pass},
            {"podman_reachable", pass.podman_reachable},
            {"error", pass.error},
            {"changes", pass.changes},
            {"apps_changed", pass.apps_changed},
            {"failures", failures},
            {"took_ms", std::chrono::duration<double, std::milli>(pass.took).count()}};
}

// The apps that are not as their manifests say, whatever a pass can do about it now.
nlohmann::json degraded_apps(const supervise::Overview& overview,
                             const std::function<bool(const std::string& app)>& is_reported = {}) {
    nlohmann::json rows = nlohmann::json::array();
    for (const supervise::AppStatus& app : overview.apps) {
        const std::string why = supervise::why_degraded(app);
        if (!why.empty() && !(is_reported && is_reported(app.name))) {
            rows.push_back({{"app", app.name}, {"message", why}});
        }
    }
    return rows;
}

Error too_many(const char* what) {
    return {Code::Unavailable,
            fmt::format("cannot {}: too many others wait for podman; try again", what)};
}

void send_diff(Backend& backend, const httplib::Request& request, httplib::Response& response) {
    std::optional<std::string> app;
    if (request.has_param("app")) {
        app = request.get_param_value("app");
    }
    const Result<plan::Plan> plan = backend.diff(app);
    if (!plan) {
        send_error(response, plan.error());
        return;
    }
    nlohmann::json body = plan::to_json(*plan);
    body["converged"] = plan->empty();
    body["degraded"] = degraded_apps(*backend.shared_status.lock(), [&](const auto& name) {
        return (app && *app != name) || plan->speaks_of(name);
    });
    body["differs"] = plan->differs() || !body["degraded"].empty();
    body["text"] = plan::to_text(*plan);
    send_json(response, body);
}

}  // namespace

void add_passes(httplib::Server& server, Backend& backend, std::shared_ptr<Turnstile> long_calls) {
    server.Post("/v1/reconcile",
                [&backend, long_calls](const httplib::Request&, httplib::Response& response) {
                    const auto place = long_calls->enter();
                    const Result<PassSummary> pass =
                        place ? backend.reconcile() : Result<PassSummary>(too_many("make a pass"));
                    if (pass) {
                        nlohmann::json body = to_json(*pass);
                        body["degraded"] = degraded_apps(*backend.shared_status.lock());
                        send_json(response, body);
                    } else {
                        send_error(response, pass.error());
                    }
                });
    server.Get("/v1/diff", [&backend, long_calls](const httplib::Request& request,
                                                  httplib::Response& response) {
        if (const auto place = long_calls->enter()) {
            send_diff(backend, request, response);
        } else {
            send_error(response, too_many("plan"));
        }
    });
    server.Get("/v1/version", [&backend](const httplib::Request&, httplib::Response& response) {
        const supervise::Overview overview = *backend.shared_status.lock();
        send_json(response, {{"agent", backend.version},
                             {"podman", overview.podman_version},
                             {"podman_socket", backend.podman_socket},
                             {"owner", backend.state.owner()},
                             {"api", "v1"}});
    });
}

}  // namespace podreeve::api
