// POST /v1/apps/{name}/start           wanted up again
// POST /v1/apps/{name}/stop[?alone=1]  wanted down, over reboots, until started; first what needs
// it POST /v1/apps/{name}/restart         down, then up
#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/reply.h"
#include "agent/api/report.h"
#include "agent/api/resources.h"

namespace podreeve::api {
namespace {

void take_wish(Backend& backend,
               const httplib::Request& request,
               supervise::Verb verb,
               httplib::Response& response) {
    const std::string name = request.matches[1];
    const supervise::Wish wish{verb, request.get_param_value("alone") == "1"};
    const Result<supervise::WishReport> report = backend.wish(name, wish);
    if (!report) {
        send_error(response, report.error());
        return;
    }
    nlohmann::json body = report_json(*report);
    body["app"] = name;
    body["stopped"] = verb == supervise::Verb::Stop;
    send_json(response, body, 202);
}

}  // namespace

nlohmann::json report_json(const supervise::WishReport& report) {
    return {
        {"request", report.number},
        {"order", report.levels},
        {"at_most_secs", std::chrono::duration_cast<std::chrono::seconds>(report.at_most).count()}};
}

void add_wishes(httplib::Server& server, Backend& backend) {
    using supervise::Verb;
    for (const Verb verb : {Verb::Start, Verb::Stop, Verb::Restart}) {
        server.Post(fmt::format("/v1/apps/([^/]+)/{}", to_string(verb)),
                    [&backend, verb](const httplib::Request& request, httplib::Response& response) {
                        take_wish(backend, request, verb, response);
                    });
    }
}

}  // namespace podreeve::api
