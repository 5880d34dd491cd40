// POST /v1/apps/{name}/start           wanted up again
// POST /v1/apps/{name}/stop[?alone=1]  wanted down, over reboots, until started; first what needs
// it POST /v1/apps/{name}/restart         down, then up GET of the same: whether it could be asked
// for; nothing is done
#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/reply.h"
#include "agent/api/report.h"
#include "agent/api/resources.h"
#include "agent/supervise/decide/shutdown_order.h"

namespace podreeve::api {
namespace {

// What is in the list and was never good is known, but nothing can be asked of it.
Error why_not(Backend& backend, supervise::Verb verb, const std::string& name, const Error& error) {
    const supervise::Overview overview = overview_now(backend);
    const supervise::AppStatus* app = find_shown(overview, name);
    if (error.code != Code::NotFound || app == nullptr) {
        return error;
    }
    return {
        Code::Conflict,
        fmt::format("cannot {} {}: there is no good version of it yet; `podreeve status {}` "
                    "shows what is wrong with {}",
                    to_string(verb), name, name, app->file.empty() ? "its manifest" : app->file)};
}

void check_request(Backend& backend,
                   const httplib::Request& request,
                   supervise::Verb verb,
                   httplib::Response& response) {
    const std::string name = request.matches[1];
    const supervise::Overview overview = overview_now(backend);
    const supervise::AppStatus* app = find_shown(overview, name);
    if (app != nullptr && verb != supervise::Verb::Stop &&
        app->down_because == supervise::kHostGoesDown) {
        send_error(response,
                   {Code::Conflict,
                    fmt::format("cannot {} {}: all apps are down since `podreeve shutdown`; "
                                "`podreeve shutdown --undo` lets them run again",
                                to_string(verb), name)});
    } else if (backend.state.app(name)) {
        send_json(response, {{"app", name}, {"possible", true}});
    } else {
        send_error(response, why_not(backend, verb, name, unknown_app(name)));
    }
}

void take_request(Backend& backend,
                  const httplib::Request& request,
                  supervise::Verb verb,
                  httplib::Response& response) {
    const std::string name = request.matches[1];
    const supervise::AppRequest wanted{verb, request.get_param_value("alone") == "1"};
    const Result<supervise::RequestReport> report = backend.request(name, wanted);
    if (!report) {
        send_error(response, why_not(backend, verb, name, report.error()));
        return;
    }
    nlohmann::json body = report_json(*report);
    body["app"] = name;
    body["stopped"] = verb == supervise::Verb::Stop;
    send_json(response, body, 202);
}

}  // namespace

nlohmann::json report_json(const supervise::RequestReport& report) {
    using std::chrono::seconds;
    return {{"request", report.number},
            {"order", report.levels},
            {"at_most_secs", std::chrono::duration_cast<seconds>(report.at_most).count()},
            {"asked_for_secs", std::chrono::duration_cast<seconds>(report.asked_for).count()}};
}

void add_app_requests(httplib::Server& server, Backend& backend) {
    using supervise::Verb;
    for (const Verb verb : {Verb::Start, Verb::Stop, Verb::Restart}) {
        server.Post(fmt::format("/v1/apps/([^/]+)/{}", to_string(verb)),
                    [&backend, verb](const httplib::Request& request, httplib::Response& response) {
                        take_request(backend, request, verb, response);
                    });
        server.Get(fmt::format("/v1/apps/([^/]+)/{}", to_string(verb)),
                   [&backend, verb](const httplib::Request& request, httplib::Response& response) {
                       check_request(backend, request, verb, response);
                   });
    }
}

}  // namespace podreeve::api
