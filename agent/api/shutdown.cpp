// POST /v1/shutdown   all apps down in order, until the agent is started anew or
// POST /v1/resume     says that the host stays up
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/reply.h"
#include "agent/api/report.h"
#include "agent/api/resources.h"

namespace podreeve::api {

void add_shutdown(httplib::Server& server, Backend& backend) {
    server.Post("/v1/shutdown", [&backend](const httplib::Request&, httplib::Response& response) {
        send_json(response, report_json(backend.shut_down(true)), 202);
    });
    server.Post("/v1/resume", [&backend](const httplib::Request&, httplib::Response& response) {
        send_json(response, report_json(backend.shut_down(false)), 202);
    });
}

}  // namespace podreeve::api
