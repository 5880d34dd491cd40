#include <fmt/format.h>

#include "runtime/base/digest.h"
#include "runtime/podman/session.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman {
namespace {

// Over REST since 4.5; 4.3 and 4.4 take no notice of the parameter.
constexpr Version kServiceContainers{4, 5, 0};

// Each line of a manifest may be secret: whatever podman quotes of it is blotted out.
std::vector<std::string> scalars_of(const std::string& yaml) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < yaml.size();) {
        const std::size_t end = std::min(yaml.find('\n', at), yaml.size());
        const std::string line = yaml.substr(at, end - at);
        at = end + 1;
        const auto colon = line.find(": ");
        if (colon == std::string::npos) {
            continue;
        }
        const auto first = line.find_first_not_of(" \"'", colon + 2);
        const auto last = line.find_last_not_of(" \"'\r");
        if (first != std::string::npos && last >= first) {
            out.push_back(line.substr(first, last - first + 1));
        }
    }
    return out;
}

bool holds_secrets(const std::string& yaml) {
    return yaml.find("kind: Secret") != std::string::npos || yaml.find("env:") != std::string::npos;
}

LibpodCall kube_ask(std::string what, std::string method, const std::string& yaml) {
    LibpodCall ask{.what = std::move(what), .method = std::move(method), .body = yaml};
    ask.content_type = "application/yaml";
    if (holds_secrets(yaml)) {
        ask.secrets = scalars_of(yaml);
    }
    return ask;
}

}  // namespace

Result<bool> Client::holds_service_containers(const CallOptions& call) {
    ASSIGN_OR_RETURN(const Version version, this->version(call));
    return version >= kServiceContainers;
}

Result<PlayReport> Client::kube_play(const std::string& yaml,
                                     bool service_container,
                                     bool start,
                                     const CallOptions& call) {
    LibpodCall ask = kube_ask("play a manifest", "POST", yaml);
    ask.path =
        "/kube/play" + http::query({{"serviceContainer", service_container ? "true" : "false"},
                                    {"start", start ? "true" : "false"}});
    ASSIGN_OR_RETURN(const bool can_hold, holds_service_containers(call));
    if (service_container && !can_hold) {
        return fail(
            Code::Unsupported,
            "cannot play a manifest with a service container: podman 4.5 or later is needed");
    }
    ASSIGN_OR_RETURN(const http::Response reply, wire_->session.call(ask, call));
    ASSIGN_OR_RETURN(PlayReport report, wire::read_play_report(reply.body));
    if (service_container && report.service_container_id.empty()) {
        // Before 5.5 a play that started no container leaves its service container out of the
        // report; its name is known all the same.
        const std::string name = sha256_hex(yaml).substr(0, 12) + "-service";
        ASSIGN_OR_RETURN(const ContainerDetails service, inspect_container(name, call));
        report.service_container_id = service.summary.id;
    }
    return report;
}

Status Client::kube_down(const std::string& yaml, bool force, const CallOptions& call) {
    LibpodCall ask = kube_ask("take down a manifest", "DELETE", yaml);
    ask.path = "/kube/play" + http::query({{"force", force ? "true" : "false"}});
    const auto reply = wire_->session.call(ask, call);
    if (!reply && reply.error().code != Code::NotFound) {  // 4.3 says so of what is already gone
        return reply.error();
    }
    return {};
}

}  // namespace podreeve::podman
