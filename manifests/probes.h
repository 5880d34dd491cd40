#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "manifests/model.h"
#include "manifests/place.h"

// Probes as both dialects write them. What does not fit becomes a diagnostic.
namespace podreeve::manifests {

enum class ProbeUse { Liveness, Readiness, Startup };

// What a probe may refer to in its container.
struct ProbeContext {
    std::map<std::string, std::uint16_t> ports;  // by name
    std::map<std::string, std::string> env;      // for $(NAME) in the words of exec
};

// Kubernetes' probe; nothing when there is none, or none that can be used.
std::optional<Probe> read_probe(const Place& place, ProbeUse use, const ProbeContext& context);

// The question of a httpGet or tcpSocket that stands by itself, with a probe's defaults.
std::optional<Probe> read_http_get(const Place& place, const ProbeContext& context);
std::optional<Probe> read_tcp_socket(const Place& place, const ProbeContext& context);

// The short `health_check` of an app: type, endpoint, path, interval, timeout, retries. It tells
// whether the app is ready and restarts nothing, as a HEALTHCHECK of an image does.
std::optional<Probe> read_health_check(const Place& place);

// What `ready: port` stands for: all of these ports are open.
Probe open_ports(std::vector<std::uint16_t> ports);

}  // namespace podreeve::manifests
