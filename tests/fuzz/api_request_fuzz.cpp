// Any bytes as what a client of the agent's socket sends: requests, one after the other, of an
// agent that keeps a few apps.

#include <sys/socket.h>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/exchange.h"
#include "agent/api/resources.h"
#include "agent/api/wake.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fuzz/promise.h"

namespace podreeve::api {
namespace {

using fuzz::promise;

constexpr std::size_t kMostRequests = 8;  // of one input

supervise::AppStatus app(const std::string& name, const std::string& file) {
    supervise::AppStatus out;
    out.name = name;
    out.file = file;
    out.state = supervise::ServiceState::Running;
    return out;
}

// A state that holds a change and events, and a board that shows apps; nothing is carried out.
class Agent {
  public:
    Agent() {
        state_ = std::move(*state::State::open(temp_.path(), clock_));
        promise(state_->put_app({.name = "web", .generation = 1, .spec = "ab12"}).has_value(),
                "an app can be kept");
        promise(state_->append_event({.app = "web", .state = "Running"}).has_value(),
                "an event can be kept");
        auto shared_status = board_.lock();
        shared_status->apps = {app("web", "/m/web.yaml"), app("/m/bad.yaml", "/m/bad.yaml")};
        shared_status->apps.front().conditions.push_back(
            {"RemovalHeld", "Policy", "it is held", ""});
    }

    Backend backend() {
        return {*state_,
                board_,
                clock_,
                "1",
                "/run/podman.sock",
                [] { return Result<PassSummary>(PassSummary{}); },
                [](const std::optional<std::string>&) { return Result<plan::Plan>(plan::Plan{}); },
                [this](const std::string& name,
                       const supervise::AppRequest&) -> Result<supervise::RequestReport> {
                    if (!state_->app(name)) {
                        return Error{Code::NotFound, "cannot find it"};
                    }
                    return supervise::RequestReport{};
                },
                [](bool) { return supervise::RequestReport{}; },
                subscriptions_,
                [] {},
                [](const std::string&, const std::string&) { return true; },
                [](const api::LetGo& what) {
                    promise(what.removals == std::set<std::string>{"web"} && what.volumes.empty(),
                            "what is held alone is let go");
                }};
    }

  private:
    fakes::TempDir temp_;
    SystemClock clock_;
    std::unique_ptr<state::State> state_;
    supervise::SharedStatus board_;
    supervise::Subscriptions subscriptions_;
};

// A connection on which the other end has said all it had to.
Connection connection_of(std::string_view input) {
    int ends[2] = {-1, -1};
    promise(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0,
            "there is a socket");
    const UniqueFd other(ends[1]);
    Connection out;
    out.socket = UniqueFd(ends[0]);
    out.allowed = true;
    out.input = input;
    return out;
}

bool holds(std::string_view head, std::string_view words) {
    return head.find(words) != head.npos;
}

// Of one that was asked for in another coding, or in part, the body is not the answer itself.
void check_body(std::string_view head, std::string_view body) {
    const bool whole = !holds(head, "Content-Encoding:") && !holds(head, "HTTP/1.1 206");
    if (whole && holds(head, "application/json") && !body.empty()) {
        promise(nlohmann::json::accept(body), "an answer is JSON");
    }
    promise(!holds(head, "HTTP/1.1 500"), "no handler throws");
}

void check_answer(Exchange& exchange) {
    if (exchange.tail) {
        std::string said;
        exchange.tail->say(said, SystemClock().steady_now());
        exchange.tail->end(said);
        promise(!said.empty(), "who waits is told something");
        return;
    }
    const std::string_view out = exchange.out;
    const std::size_t end = out.find("\r\n\r\n");
    if (end != out.npos) {
        check_body(out.substr(0, end), out.substr(end + 4));
    }
    promise(exchange.close || end != out.npos, "who may ask again was answered");
}

void check_requests(Routes& routes, std::string_view bytes) {
    Connection connection = connection_of(bytes);
    for (std::size_t i = 0; i < kMostRequests; ++i) {
        const std::size_t left = connection.input.size();
        Exchange exchange{connection};
        routes.reply(exchange);
        promise(connection.input.size() <= left, "nothing is said twice");
        check_answer(exchange);
        if (exchange.close || exchange.tail || connection.input.empty()) {
            return;
        }
    }
}

}  // namespace
}  // namespace podreeve::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace podreeve;
    static api::Agent agent;
    static api::Backend backend = agent.backend();
    static api::Routes routes;
    static const bool added = [] {
        api::add_resources(routes.server(), backend, std::make_shared<api::Wake>());
        return true;
    }();
    static_cast<void>(added);
    api::check_requests(routes, fuzz::text_of(data, size));
    return 0;
}
