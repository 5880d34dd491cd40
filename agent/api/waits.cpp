// GET /v1/apps/{name}/wait?for=up|down|finished|failed&seconds=N
//     answers when that holds, or after so many seconds (20 at the most) with "held": false
#include <algorithm>
#include <atomic>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/exchange.h"
#include "agent/api/reply.h"
#include "agent/api/resources.h"
#include "agent/api/turnstile.h"
#include "agent/api/wake.h"

namespace podreeve::api {
namespace {

constexpr std::int64_t kLongestSeconds = 20;
constexpr unsigned kMostWaits = 64;

struct Notified {
    explicit Notified(std::shared_ptr<Wake> writer) : wake(std::move(writer)) {}

    std::atomic<bool> yes = false;
    std::shared_ptr<Wake> wake;
};

// Says one thing: whether it has come to hold, or that the time is over.
class Wait final : public Tail {
  public:
    Wait(Backend& backend,
         std::string app,
         supervise::VirtualEvent event,
         SteadyTime end,
         std::shared_ptr<Wake> wake,
         Turnstile::Place place)
        : backend_(backend),
          app_(std::move(app)),
          event_(event),
          end_(end),
          place_(std::move(place)),
          notified_(std::make_shared<Notified>(std::move(wake))),
          subscription_(backend.subscriptions.subscribe(
              app_, event, [notified = notified_](const supervise::AppStatus&) {
                  notified->yes = true;
                  notified->wake->notify();
              })) {}

    bool say(std::string& out, SteadyTime now) override {
        if (!notified_->yes && now < end_) {
            return true;
        }
        const supervise::Overview overview = overview_now(backend_);
        const supervise::AppStatus* app = overview.find(app_);
        out += response_text({{"app", app_},
                              {"for", supervise::to_string(event_)},
                              {"held", notified_->yes.load()},
                              {"state", app == nullptr ? "absent" : to_string(app->state)}});
        return false;
    }

    SteadyTime next() const override { return end_; }

    void end(std::string& out) override {
        out += error_text({Code::Cancelled, "cannot wait any longer: the agent is ending"});
    }

  private:
    Backend& backend_;
    const std::string app_;
    const supervise::VirtualEvent event_;
    const SteadyTime end_;
    const Turnstile::Place place_;
    const std::shared_ptr<Notified> notified_;
    const supervise::Subscriptions::Handle subscription_;
};

void send_wait(Backend& backend,
               Turnstile& waits,
               const std::shared_ptr<Wake>& wake,
               const httplib::Request& request,
               httplib::Response& response) {
    const std::string name = request.matches[1];
    const auto event = supervise::virtual_event_from(request.get_param_value("for"));
    const Result<std::int64_t> seconds = number_param(request, "seconds", kLongestSeconds);
    if (!event || !seconds) {
        send_error(response, seconds ? Error{Code::InvalidArgument,
                                             "cannot wait for that: up, down, finished or failed"}
                                     : seconds.error());
        return;
    }
    if (overview_now(backend).find(name) == nullptr) {
        send_error(response, unknown_app(name));
        return;
    }
    auto place = waits.enter();
    if (!place) {
        send_error(response, {Code::Unavailable, "cannot wait: too many others do; try again"});
        return;
    }
    const std::chrono::seconds longest(std::min(*seconds, kLongestSeconds));
    go_on_with("",
               std::make_unique<Wait>(backend, name, *event, SystemClock().steady_now() + longest,
                                      wake, std::move(*place)));
}

}  // namespace

void add_waits(httplib::Server& server, Backend& backend, std::shared_ptr<Wake> wake) {
    const auto waits = std::make_shared<Turnstile>(kMostWaits);
    server.Get("/v1/apps/([^/]+)/wait", [&backend, waits, wake](const httplib::Request& request,
                                                                httplib::Response& response) {
        send_wait(backend, *waits, wake, request, response);
    });
}

}  // namespace podreeve::api
