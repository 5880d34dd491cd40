// GET  /v1/changes?limit=N&app=NAME   newest first
// GET  /v1/changes/{id}               with its tasks and their logs
// POST /v1/changes/{id}/abort         undoes what is done of it
// POST /v1/changes/{id}/undo          of one that has ended: answers with the change that undoes it
#include <algorithm>

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/reply.h"
#include "agent/api/resources.h"
#include "agent/plan/plan.h"
#include "runtime/base/json_text.h"

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
    return {
        {"id", task.id},
        {"kind", task.kind},
        {"summary", task.summary},
        {"status", to_string(task.status)},
        {"lane", task.lane},
        {"after", task.after},
        {"doing_ms", std::chrono::duration_cast<std::chrono::milliseconds>(task.doing).count()},
        {"undoing_ms", std::chrono::duration_cast<std::chrono::milliseconds>(task.undoing).count()},
        {"progress",
         {{"label", task.progress.label},
          {"done", task.progress.done},
          {"total", task.progress.total}}},
        {"wait_reason", task.wait_reason},
        {"log", log}};
}

// Why a task has not ended; null for one that has.
nlohmann::json to_json(const std::vector<state::Explanation>& all, state::TaskId task) {
    const auto why = std::find_if(all.begin(), all.end(),
                                  [&](const state::Explanation& one) { return one.task == task; });
    if (why == all.end()) {
        return nullptr;
    }
    return {{"reason", to_string(why->holdup)},
            {"text", why->text()},
            {"tasks", why->tasks},
            {"change", why->change},
            {"until", why->until ? to_rfc3339(*why->until) : std::string()},
            {"detail", why->detail}};
}

nlohmann::json to_json(const state::ChangeView& change, bool with_tasks) {
    nlohmann::json body = {{"id", change.id},
                           {"kind", change.kind},
                           {"summary", change.summary},
                           {"app", change.subject},
                           {"status", to_string(change.status)},
                           {"ready", change.is_ready},
                           {"error", change.error},
                           {"behind", change.behind},
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
    nlohmann::json list = nlohmann::json::array();
    const std::string app = request.get_param_value("app");
    // Filtered before it is cut: an app's changes may all be older than the newest hundred.
    for (const state::ChangeView& change :
         backend.state.changes(app.empty() ? static_cast<std::size_t>(*limit) : kMostChanges)) {
        if ((app.empty() || change.subject == app) &&
            list.size() < static_cast<std::size_t>(*limit)) {
            list.push_back(to_json(change, false));
        }
    }
    if (list.empty() && !app.empty() && !is_known(backend, app)) {
        send_error(response, unknown_app(app));
        return;
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
        nlohmann::json body = to_json(*change, true);
        const std::vector<state::Explanation> why = backend.state.explain(*id);
        for (nlohmann::json& task : body["tasks"]) {
            task["why"] = to_json(why, task.at("id").get<state::TaskId>());
        }
        send_json(response, body);
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

// What the change has removed and no undo brings back.
nlohmann::json emptied_by(const Backend& backend, state::ChangeId id) {
    nlohmann::json volumes = nlohmann::json::array();
    const auto change = backend.state.change(id);
    for (const state::TaskView& task : change ? change->tasks : std::vector<state::TaskView>()) {
        const nlohmann::json data = json_object_from(task.data);
        if (task.kind == to_string(plan::StepKind::RemoveVolume) &&
            task.status == state::TaskStatus::Done && text_in(data, "origin") == "empty-dir") {
            volumes.push_back(text_in(data, "object"));
        }
    }
    return volumes;
}

void undo_one(Backend& backend, const httplib::Request& request, httplib::Response& response) {
    const Result<std::int64_t> id = parse_number(request.matches[1], "change");
    const Result<state::ChangeId> undo =
        id ? backend.state.undo_change(*id) : Result<state::ChangeId>(id.error());
    if (!undo) {
        send_error(response, undo.error());
        return;
    }
    backend.wake();
    send_json(response, {{"change", *undo}, {"undoes", *id}, {"emptied", emptied_by(backend, *id)}},
              202);
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
    server.Post(R"(/v1/changes/([^/]+)/undo)",
                [&backend](const httplib::Request& request, httplib::Response& response) {
                    undo_one(backend, request, response);
                });
}

}  // namespace podreeve::api
