// GET /v1/events?since=SEQ&app=NAME            what has happened, oldest first
// GET /v1/events?since=SEQ&app=NAME&follow=1
//     the same as server-sent events, and what happens next; a client that comes back gives the
//     last id it has seen as Last-Event-ID
#include <algorithm>

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/exchange.h"
#include "agent/api/reply.h"
#include "agent/api/resources.h"
#include "agent/api/turnstile.h"
#include "runtime/base/json_text.h"

namespace podreeve::api {
namespace {

// A comment is sent so often, so that either side notices when the other is gone.
constexpr std::chrono::seconds kHeartbeat{15};
constexpr unsigned kMostStreams = 64;

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

// Each frame a chunk of its own (RFC 9112, 7.1).
std::string to_chunk(const std::string& bytes) {
    return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

constexpr const char* kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
    "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n";

// What is not said yet is read from the state, which keeps the newest: nothing is queued for
// anybody.
class EventStream final : public Tail {
  public:
    EventStream(Backend& backend, std::string app, std::int64_t since, Turnstile::Place place)
        : backend_(backend), app_(std::move(app)), seq_(since), place_(std::move(place)) {}

    bool say(std::string& out, SteadyTime now) override {
        while (out.size() < kPiece && append_some(out)) {
        }
        if (out.empty() && now >= next_) {
            out = to_chunk(":\n\n");
        }
        if (!out.empty()) {
            next_ = now + kHeartbeat;
        }
        return true;
    }

    SteadyTime next() const override { return next_; }

    void end(std::string& out) override { out += "0\r\n\r\n"; }

  private:
    bool append_some(std::string& out) {
        if (backend_.state.last_event_seq() <= seq_) {
            return false;
        }
        const std::vector<state::Event> events = backend_.state.events_since(seq_, kAtOnce);
        for (const state::Event& event : events) {
            seq_ = event.seq;
            if (app_.empty() || app_ == event.app) {
                out += to_chunk(to_frame(event));
            }
        }
        return !events.empty();
    }

    static constexpr std::size_t kPiece = 64 * 1024;
    static constexpr std::size_t kAtOnce = 100;

    Backend& backend_;
    const std::string app_;
    std::int64_t seq_;
    SteadyTime next_{};
    const Turnstile::Place place_;
};

void stream(Backend& backend,
            Turnstile& streams,
            const std::string& app,
            std::int64_t since,
            httplib::Response& response) {
    if (auto place = streams.enter()) {
        go_on_with(kHead, std::make_unique<EventStream>(backend, app, since, std::move(*place)));
        return;
    }
    send_error(response, {Code::Unavailable,
                          fmt::format("cannot stream events: {} streams are open, and no more may "
                                      "be; close one",
                                      kMostStreams)});
}

void send_events(Backend& backend,
                 Turnstile& streams,
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
        stream(backend, streams, app, *since, response);
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

void add_events(httplib::Server& server, Backend& backend) {
    const auto streams = std::make_shared<Turnstile>(kMostStreams);
    server.Get("/v1/events",
               [&backend, streams](const httplib::Request& request, httplib::Response& response) {
                   send_events(backend, *streams, request, response);
               });
}

}  // namespace podreeve::api
