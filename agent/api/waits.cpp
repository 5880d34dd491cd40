// GET /v1/apps/{name}/wait?for=up|down|finished|failed&seconds=N
//     answers when that holds, or after so many seconds (20 at the most) with "held": false
#include <algorithm>
#include <atomic>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/reply.h"
#include "agent/api/resources.h"
#include "runtime/base/answer.h"

namespace podreeve::api {
namespace {

constexpr std::int64_t kLongestSeconds = 20;
// Each holds a thread of the server while it waits.
constexpr unsigned kMostWaits = 3;

// Waits for the virtual event; the app's state is in the answer either way.
bool wait_for(Backend& backend,
              const std::string& app,
              supervise::VirtualEvent event,
              std::chrono::seconds longest,
              std::stop_token stop) {
    const auto told = std::make_shared<Answer<bool>>();
    const auto handle = backend.subscriptions.subscribe(
        app, event, [told](const supervise::AppStatus&) { told->give(true); });
    return told->wait_for(longest, std::move(stop)).has_value();
}

class Turnstile {
  public:
    explicit Turnstile(std::atomic<unsigned>& count) : count_(count), inside_(++count_) {}

    ~Turnstile() { --count_; }

    Turnstile(const Turnstile&) = delete;
    Turnstile& operator=(const Turnstile&) = delete;

    bool may_pass() const { return inside_ <= kMostWaits; }

  private:
    std::atomic<unsigned>& count_;
    const unsigned inside_;
};

void send_wait(Backend& backend,
               std::atomic<unsigned>& count,
               const std::stop_token& stop,
               const httplib::Request& request,
               httplib::Response& response) {
    const std::string name = request.matches[1];
    const auto event = supervise::virtual_event_from(request.get_param_value("for"));
    const Result<std::int64_t> seconds = number_param(request, "seconds", kLongestSeconds);
    const Turnstile turnstile(count);
    if (!event || !seconds) {
        send_error(response, seconds ? Error{Code::InvalidArgument,
                                             "cannot wait for that: up, down, finished or failed"}
                                     : seconds.error());
    } else if (overview_now(backend).find(name) == nullptr) {
        send_error(response, unknown_app(name));
    } else if (!turnstile.may_pass()) {
        send_error(response, {Code::Unavailable, "cannot wait: too many others do; try again"});
    } else {
        const bool held = wait_for(backend, name, *event,
                                   std::chrono::seconds(std::min(*seconds, kLongestSeconds)), stop);
        if (!held && stop.stop_requested()) {
            send_error(response, {Code::Cancelled, "cannot wait any longer: the agent is ending"});
            return;
        }
        const supervise::Overview now = overview_now(backend);
        const supervise::AppStatus* app = now.find(name);
        send_json(response, {{"app", name},
                             {"for", supervise::to_string(*event)},
                             {"held", held},
                             {"state", app == nullptr ? "absent" : to_string(app->state)}});
    }
}

}  // namespace

void add_waits(httplib::Server& server, Backend& backend, std::stop_token stop) {
    const auto count = std::make_shared<std::atomic<unsigned>>(0);
    server.Get("/v1/apps/([^/]+)/wait", [&backend, count, stop](const httplib::Request& request,
                                                                httplib::Response& response) {
        send_wait(backend, *count, stop, request, response);
    });
}

}  // namespace podreeve::api
