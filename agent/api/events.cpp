// GET /v1/events?since=SEQ&app=NAME            what has happened, oldest first
// GET /v1/events?since=SEQ&app=NAME&follow=1   the same as server-sent events, and what happens
// next; a
//                                              client that comes back gives the last id it has seen
//                                              as Last-Event-ID
#include <algorithm>

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/event_tap.h"
#include "agent/api/reply.h"
#include "agent/api/resources.h"
#include "runtime/base/json_text.h"

namespace podreeve::api {
namespace {

// A comment is sent so often, so that either side notices when the other is gone.
constexpr std::chrono::seconds kHeartbeat{15};

nlohmann::json to_json(const state::Event& event) {
    return {{"seq", event.seq},
            {"time", to_rfc3339(event.time)},
            {"app", event.app},
            {"state", event.state},
            {"message", event.message}};
}

std::string to_frame(const state::Event& event) {
    return fmt::format("id: {}\ndata: {}\n\n", event.seq, json_text(to_json(event)));
}

bool write_new(Backend& backend,
               const std::string& app,
               std::int64_t& seq,
               httplib::DataSink& sink) {
    for (const state::Event& event : backend.state.events_since(seq)) {
        seq = event.seq;
        const std::string frame = app.empty() || app == event.app ? to_frame(event) : std::string();
        if (!frame.empty() && !sink.write(frame.data(), frame.size())) {
            return false;
        }
    }
    return true;
}

void stream(Backend& backend,
            const std::shared_ptr<EventTap>& tap,
            const std::string& app,
            std::int64_t since,
            httplib::Response& response) {
    if (!tap->enter()) {
        send_error(response, {Code::Unavailable,
                              "cannot stream events: too many streams are open; close one"});
        return;
    }
    response.set_header("Cache-Control", "no-store");
    response.set_chunked_content_provider(
        "text/event-stream",
        [&backend, tap, app, seq = since](std::size_t, httplib::DataSink& sink) mutable {
            if (!write_new(backend, app, seq, sink)) {
                return false;
            }
            if (!tap->wait_after(seq, kHeartbeat)) {
                sink.done();
                return true;
            }
            static constexpr std::string_view kComment = ":\n\n";
            return backend.state.last_event_seq() > seq ||
                   sink.write(kComment.data(), kComment.size());
        },
        [tap](bool) { tap->leave(); });
}

// Also one that was removed, as long as its events are kept.
bool is_known(Backend& backend, const std::string& app) {
    if (backend.board.lock()->find(app) != nullptr || backend.state.app(app)) {
        return true;
    }
    const std::vector<state::Event> events = backend.state.events_since(0);
    return std::any_of(events.begin(), events.end(),
                       [&](const state::Event& event) { return event.app == app; });
}

void send_events(Backend& backend,
                 const std::shared_ptr<EventTap>& tap,
                 const httplib::Request& request,
                 httplib::Response& response) {
    Result<std::int64_t> since = number_param(request, "since", 0);
    if (since && request.has_header("Last-Event-ID")) {
        since = parse_number(request.get_header_value("Last-Event-ID"), "Last-Event-ID");
    }
    if (!since) {
        send_error(response, since.error());
        return;
    }
    const std::string app = request.get_param_value("app");
    if (!app.empty() && !is_known(backend, app)) {
        send_error(response, unknown_app(app));
        return;
    }
    if (request.get_param_value("follow") == "1") {
        stream(backend, tap, app, *since, response);
        return;
    }
    nlohmann::json list = nlohmann::json::array();
    for (const state::Event& event : backend.state.events_since(*since)) {
        if (app.empty() || app == event.app) {
            list.push_back(to_json(event));
        }
    }
    send_json(response, {{"events", list}, {"last_seq", backend.state.last_event_seq()}});
}

}  // namespace

void add_events(httplib::Server& server, Backend& backend, std::shared_ptr<EventTap> tap) {
    server.Get("/v1/events",
               [&backend, tap](const httplib::Request& request, httplib::Response& response) {
                   send_events(backend, tap, request, response);
               });
}

}  // namespace podreeve::api
