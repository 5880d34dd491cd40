#include "agent/api/resources.h"

#include <fmt/format.h>
#include <httplib.h>

#include "agent/api/exchange.h"
#include "agent/api/reply.h"
#include "agent/api/turnstile.h"
#include "agent/api/wake.h"
#include "runtime/base/contained.h"

namespace podreeve::api {
namespace {

constexpr std::size_t kMostBody = 1 << 20;

}  // namespace

void add_resources(httplib::Server& http, Backend& backend, const std::shared_ptr<Wake>& wake) {
    http.set_payload_max_length(kMostBody);
    http.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
        if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding")) {
            // By RFC 9112 there is no body then (`curl -X POST`); cpp-httplib would wait for the
            // end of the connection. The request is its own and not const.
            const_cast<httplib::Request&>(request).set_header("Content-Length", "0");
        }
        if (may_ask()) {
            return httplib::Server::HandlerResponse::Unhandled;
        }
        send_error(response, {Code::Denied, "cannot serve another user than the agent's own"});
        return httplib::Server::HandlerResponse::Handled;
    });
    http.set_exception_handler([](const httplib::Request& request, httplib::Response& response,
                                  std::exception_ptr ep) {
        const auto thrown = contained([&] { std::rethrow_exception(ep); });
        log_thrown("a handler of the API", *thrown);
        send_error(response, {Code::Internal, fmt::format("internal error: {} {}: {}",
                                                          request.method, request.path, *thrown)});
    });
    http.set_error_handler([](const httplib::Request& request, httplib::Response& response) {
        if (response.body.empty()) {
            send_error(response, {response.status == 404 ? Code::NotFound : Code::InvalidArgument,
                                  fmt::format("cannot serve {} {}", request.method, request.path)});
        }
    });
    add_changes(http, backend);
    add_events(http, backend);
    add_history(http, backend);
    add_passes(http, backend, std::make_shared<Turnstile>(kMostLongCalls));
    add_prune(http, backend);
    add_shutdown(http, backend);
    add_waits(http, backend, wake);
    add_why(http, backend);
    add_app_requests(http, backend);
    add_apps(http, backend);  // last: an app may be asked for by the path of its file
}

}  // namespace podreeve::api
