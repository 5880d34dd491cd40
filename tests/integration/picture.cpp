#include "tests/integration/picture.h"

#include <algorithm>
#include <regex>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "runtime/podman/client.h"
#include "tests/fakes/files.h"

namespace podreeve::integration {
namespace {

// podman's ids, and the names it makes of them.
std::string without_ids(const std::string& text) {
    static const std::regex kId("[0-9a-f]{64}|[0-9a-f]{12}(?=-(service|infra))");
    return std::regex_replace(text, kId, "ID");
}

std::string text_of(const nlohmann::json& value) {
    return value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string contents_of(const std::string& directory) {
    std::string out;
    for (const auto& [name, text] : fakes::files_below(directory)) {
        out += fmt::format("    {}: {}\n", name, text_of(text));
    }
    return out;
}

}  // namespace

std::string picture_of(fakes::FakePodman& podman) {
    std::vector<std::string> containers;
    for (const std::string& name : podman.container_names()) {
        // An infra container is named after its pod's id.
        containers.push_back(fmt::format(
            "container {} {} {}\n", name.ends_with("-infra") ? "INFRA" : without_ids(name),
            podman.state_of(name), without_ids(text_of(podman.inspect(name)))));
    }
    std::sort(containers.begin(), containers.end());
    std::string out = fmt::format("{}", fmt::join(containers, ""));
    for (const std::string& name : podman.pod_names()) {
        out += fmt::format("pod {} {} {}\n", name, podman.state_of(name),
                           without_ids(text_of(podman.inspect(name))));
    }
    podman::Client client(podman.socket_path());
    const auto volumes = client.list_volumes({});
    for (const podman::VolumeDetails& volume : *volumes) {
        out += fmt::format("volume {} {}\n{}", volume.name, text_of(volume.labels),
                           contents_of(volume.mountpoint));
    }
    const auto secrets = client.list_secrets({});
    for (const podman::SecretDetails& secret : *secrets) {
        out += fmt::format("secret {} {}\n", secret.name, text_of(secret.labels));
    }
    const auto networks = client.list_networks({});
    for (const podman::NetworkDetails& network : *networks) {
        out += fmt::format("network {}\n", network.name);
    }
    return out;
}

}  // namespace podreeve::integration
