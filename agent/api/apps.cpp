// GET  /v1/apps                 all apps and the agent, as `podreeve status --json` prints them
// GET  /v1/apps/{name}          one app
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/reply.h"
#include "agent/api/resources.h"
#include "agent/supervise/decide/derive.h"
#include "agent/supervise/overview.h"

namespace podreeve::api {
namespace {

using Events = std::vector<state::Event>;

supervise::Overview overview_to_show(Backend& backend, const Events& events) {
    supervise::Overview overview = overview_now(backend);
    supervise::show_last_events(overview, events);
    return overview;
}

nlohmann::json with_events(const supervise::AppStatus& app, const Events& events) {
    nlohmann::json body = to_json(app);
    body["events"] = nlohmann::json::array();
    for (const state::Event& event : events) {
        if (event.app == app.name) {
            body["events"].push_back({{"seq", event.seq},
                                      {"time", to_rfc3339(event.time)},
                                      {"state", event.state},
                                      {"message", event.message}});
        }
    }
    return body;
}

void send_app(Backend& backend, const std::string& name, httplib::Response& response) {
    const Events events = backend.state.events_since(0);
    const supervise::Overview overview = overview_to_show(backend, events);
    if (const supervise::AppStatus* app = find_shown(overview, name)) {
        send_json(response, with_events(*app, events));
    } else {
        send_error(response, unknown_app(name));
    }
}

}  // namespace

// What is wrong with a file that names no app is shown under the file's path; people ask for it by
// the file's name, or by what the app would be called.
const supervise::AppStatus* find_shown(const supervise::Overview& overview,
                                       const std::string& name) {
    const supervise::AppStatus* found = overview.find(name);
    for (const supervise::AppStatus& app : overview.apps) {
        const std::filesystem::path file = app.file;
        if (found == nullptr && app.name == app.file &&
            (file.filename() == name || file.stem() == name)) {
            found = &app;
        }
    }
    return found;
}

bool is_known(const Backend& backend, const std::string& app) {
    if (backend.shared_status.lock()->find(app) != nullptr || backend.state.app(app)) {
        return true;
    }
    const Events events = backend.state.events_since(0);
    return std::any_of(events.begin(), events.end(),
                       [&](const state::Event& event) { return event.app == app; });
}

// The board is as old as the last pass; a change under way is shown as it stands now.
supervise::Overview overview_now(Backend& backend) {
    supervise::Overview overview = *backend.shared_status.lock();
    for (supervise::AppStatus& app : overview.apps) {
        if (app.change != 0) {
            supervise::show_change(app, backend.state.change(app.change));
        }
    }
    return overview;
}

void add_apps(httplib::Server& server, Backend& backend) {
    server.Get("/v1/apps", [&backend](const httplib::Request&, httplib::Response& response) {
        nlohmann::json body = to_json(overview_to_show(backend, backend.state.events_since(0)));
        const state::StoreHealth health = backend.state.health();
        body["agent"]["version"] = backend.version;
        body["agent"]["manifest_directories"] = backend.manifest_directories;
        body["agent"]["store"] = {{"read_only", health.read_only},
                                  {"message", health.message},
                                  {"set_aside", health.set_aside}};
        send_json(response, body);
    });
    // A path of a file is a name here, too.
    server.Get(R"(/v1/apps/(.+))",
               [&backend](const httplib::Request& request, httplib::Response& response) {
                   send_app(backend, request.matches[1], response);
               });
}

}  // namespace podreeve::api
