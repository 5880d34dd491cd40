#include "tests/unit/api/serving.h"

#include <stdexcept>

#include "agent/state/core.h"

namespace podreeve::api::testing {

Serving::Serving() {
    socket = directory / "run" / "podreeve.sock";
    state = std::move(*state::State::open(directory / "state", clock));
    auto made = Server::create(socket, backend());
    if (!made) {
        throw std::runtime_error(made.error().message);
    }
    server = std::move(*made);
}

Backend Serving::backend() {
    return {*state,
            shared_status,
            clock,
            "1.2.3",
            "/run/podman.sock",
            [this] {
                before_pass();
                return pass;
            },
            [this](std::optional<std::string> app) {
                before_pass();
                const std::lock_guard lock(asking);
                diff_asked_for = std::move(app);
                return plan;
            },
            [this](const std::string& app,
                   const supervise::AppRequest& asked) -> Result<supervise::RequestReport> {
                before_wish();
                const std::lock_guard lock(asking);
                requests.emplace_back(app, to_string(asked.verb));
                RETURN_IF_ERROR(app_request);
                return supervise::RequestReport{7, {{"web"}, {app}}, std::chrono::seconds(50)};
            },
            [this](bool down) {
                requests.emplace_back("", down ? "shutdown" : "resume");
                return supervise::RequestReport{};
            },
            *subscriptions,
            [this] { ++woken; },
            [](const std::string&, const std::string& spec) { return spec != "forgotten"; },
            [this](const LetGo& what) { let_go = what; }};
}

Answer Serving::ask(const std::string& method, const std::string& target) const {
    http::HttpClient client(socket.string(), 1);
    http::Request request;
    request.method = method;
    request.target = target;
    const Result<http::Response> response = client.call(request);
    if (!response) {
        throw std::runtime_error(response.error().message);
    }
    return {response->status, nlohmann::json::parse(response->body, nullptr, false)};
}

std::vector<std::int64_t> Serving::follow(const std::string& target,
                                          std::size_t count,
                                          const std::string& last_event_id) const {
    http::HttpClient client(socket.string(), 1);
    http::Request request;
    request.target = target;
    if (!last_event_id.empty()) {
        request.headers["Last-Event-ID"] = last_event_id;
    }
    std::vector<std::int64_t> ids;
    std::string text;
    request.sink = [&](std::string_view piece) {
        text += piece;
        ids.clear();
        for (std::size_t at = text.find("id: "); at != std::string::npos;
             at = text.find("id: ", at + 1)) {
            if (text.find("\n\n", at) != std::string::npos) {
                ids.push_back(std::stoll(text.substr(at + 4)));
            }
        }
        return ids.size() < count;
    };
    [[maybe_unused]] const auto ended = client.call(request);
    return ids;
}

void Serving::show(supervise::AppStatus app) {
    shared_status.lock()->apps.push_back(std::move(app));
}

state::ChangeId Serving::add_change(const std::string& app) {
    state::NewChange change;
    change.kind = "deploy-app";
    change.summary = "Deploy " + app;
    change.subject = app;
    change.tasks.push_back({.kind = "create-container", .summary = "Create container " + app});
    return *state->add_change(change);
}

void Serving::finish_change(state::ChangeId id) {
    state::Transaction transaction(state->core());
    state::ChangeDraft& change = *transaction.change(id);
    for (std::size_t i = 0; i < change.record().tasks.size(); ++i) {
        change.apply(i, state::Trigger::Start, true);
        change.apply(i, state::Trigger::Succeed, true);
    }
    if (!transaction.commit(false)) {
        throw std::runtime_error("cannot write that the change is done");
    }
}

void Serving::add_event(const std::string& app, const std::string& name) {
    state::Event event;
    event.time = clock.system_now();
    event.app = app;
    event.state = name;
    if (!state->append_event(event)) {
        throw std::runtime_error("cannot append an event");
    }
}

}  // namespace podreeve::api::testing
