// GET /v1/apps/{name}/why   why it is as it is: the chain to the root cause, the app itself first
#include "agent/supervise/why.h"

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/reply.h"
#include "agent/api/resources.h"

namespace podreeve::api {

void add_why(httplib::Server& server, Backend& backend) {
    server.Get("/v1/apps/([^/]+)/why",
               [&backend](const httplib::Request& request, httplib::Response& response) {
                   const std::string name = request.matches[1];
                   const auto chain = supervise::why(overview_now(backend), name);
                   if (chain.empty()) {
                       send_error(response, unknown_app(name));
                   } else {
                       send_json(response, {{"app", name}, {"chain", to_json(chain)}});
                   }
               });
}

}  // namespace podreeve::api
