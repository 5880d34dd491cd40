// GET  /v1/changes?limit=N&app=NAME   newest first
// GET  /v1/changes/{id}               with its tasks and their logs
// POST /v1/changes/{id}/abort         undoes what is done of it
#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/reply.h"
#include "agent/api/resources.h"

namespace podreeve::api {
namespace {

constexpr std::int64_t kDefaultLimit = 100;
constexpr std::int64_t kMostChanges = 1000;

std::string time_or_empty(WallTime time) {
    return time == WallTime{} ? std::string() : to_rfc3339(time);
}

nlohmann::json to_json(const state::TaskView& task) {
    nlohmann::json log = nlohmann::json::array();
    for (const state::LogLine& line : task.log) {
        log.push_back(
            {{"time", to_rfc3339(line.time)}, {"error", line.is_error}, {"text", line.text}});
    }
    return {{"id", task.id},
            {"kind", task.kind},
            {"summary", task.summary},
            {"status", to_string(task.status)},
            {"lane", task.lane},
            {"after", task.after},
            {"progress",
             {{"label", task.progress.label},
              {"done", task.progress.done},
              {"total", task.progress.total}}},
            {"wait_reason", task.wait_reason},
            {"log", log}};
}

nlohmann::json to_json(const state::ChangeView& change, bool with_tasks) {
    nlohmann::json body = {{"id", change.id},
                           {"kind", change.kind},
                           {"summary", change.summary},
                           {"app", change.subject},
                           {"status", to_string(change.status)},
                           {"ready", change.is_ready},
                           {"error", change.error},
                           {"created", time_or_empty(change.created)},
                           {"ended", time_or_empty(change.ready)}};
    if (with_tasks) {
        body["tasks"] = nlohmann::json::array();
        for (const state::TaskView& task : change.tasks) {
            body["tasks"].push_back(to_json(task));
        }
    }
    return body;
}

void send_list(Backend& backend, const httplib::Request& request, httplib::Response& response) {
    const Result<std::int64_t> limit = number_param(request, "limit", kDefaultLimit);
    if (!limit || *limit > kMostChanges) {
        send_error(response,
                   limit ? Error{Code::InvalidArgument, "cannot list more than 1000 changes"}
                         : limit.error());
        return;
    }
    const std::string app = request.get_param_value("app");
    nlohmann::json list = nlohmann::json::array();
    // Filtered before it is cut: an app's changes may all be older than the newest hundred.
    for (const state::ChangeView& change :
         backend.state.changes(app.empty() ? static_cast<std::size_t>(*limit) : kMostChanges)) {
        if ((app.empty() || change.subject == app) &&
            list.size() < static_cast<std::size_t>(*limit)) {
            list.push_back(to_json(change, false));
        }
    }
    send_json(response, {{"changes", list}});
}

void send_one(Backend& backend, const httplib::Request& request, httplib::Response& response) {
    const Result<std::int64_t> id = parse_number(request.matches[1], "change");
    if (!id) {
        send_error(response, id.error());
        return;
    }
    if (const auto change = backend.state.change(*id)) {
        send_json(response, to_json(*change, true));
    } else {
        send_error(response,
                   {Code::NotFound,
                    fmt::format("cannot find change {}: `podreeve changes` lists them", *id)});
    }
}

void abort_one(Backend& backend, const httplib::Request& request, httplib::Response& response) {
    const Result<std::int64_t> id = parse_number(request.matches[1], "change");
    Status done = id ? backend.state.abort_change(*id) : Status(id.error());
    if (!done) {
        send_error(response, done.error());
        return;
    }
    backend.wake();
    send_json(response, {{"change", *id}, {"aborting", true}}, 202);
}

}  // namespace

void add_changes(httplib::Server& server, Backend& backend) {
    server.Get("/v1/changes",
               [&backend](const httplib::Request& request, httplib::Response& response) {
                   send_list(backend, request, response);
               });
    server.Get(R"(/v1/changes/([^/]+))",
               [&backend](const httplib::Request& request, httplib::Response& response) {
                   send_one(backend, request, response);
               });
    server.Post(R"(/v1/changes/([^/]+)/abort)",
                [&backend](const httplib::Request& request, httplib::Response& response) {
                    abort_one(backend, request, response);
                });
}

}  // namespace podreeve::api
