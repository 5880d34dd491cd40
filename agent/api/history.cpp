// GET /v1/apps/{name}/history   the versions of an app that ran last, newest first
#include <algorithm>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "agent/api/reply.h"
#include "agent/api/resources.h"
#include "agent/supervise/decide/memory.h"

namespace podreeve::api {
namespace {

// The one wanted comes first, though it may never have run.
std::vector<supervise::RanVersion> versions_of(const state::AppRecord& record) {
    std::vector<supervise::RanVersion> versions = supervise::memory_from(record.extra).ran;
    if (!record.spec.empty() &&
        std::ranges::find(versions, record.spec, &supervise::RanVersion::spec) == versions.end()) {
        versions.insert(versions.begin(),
                        supervise::RanVersion{record.spec, record.generation, {}, false});
    }
    return versions;
}

void send_history(Backend& backend, const std::string& name, httplib::Response& response) {
    const auto record = backend.state.app(name);
    if (!record) {
        send_error(response, unknown_app(name));
        return;
    }
    nlohmann::json versions = nlohmann::json::array();
    for (const supervise::RanVersion& version : versions_of(*record)) {
        versions.push_back({{"generation", version.generation},
                            {"spec", version.spec},
                            {"since", version.since == WallTime{} ? "" : to_rfc3339(version.since)},
                            {"deployed", version.spec == record->deployed_spec},
                            {"wanted", version.spec == record->spec},
                            {"kept", backend.keeps_version(name, version.spec)},
                            {"held_secrets", version.secret}});
    }
    send_json(response, {{"app", name}, {"versions", versions}});
}

}  // namespace

void add_history(httplib::Server& server, Backend& backend) {
    server.Get("/v1/apps/([^/]+)/history",
               [&backend](const httplib::Request& request, httplib::Response& response) {
                   send_history(backend, request.matches[1], response);
               });
}

}  // namespace podreeve::api
