#include <nlohmann/json.hpp>

#include "agent/handlers/host_ports.h"
#include "agent/handlers/kinds.h"

namespace podreeve::handlers {

namespace {

podman::PortMapping port_from(const nlohmann::json& port) {
    podman::PortMapping mapping;
    mapping.host_ip = port.value("host_ip", "");
    mapping.host_port = port.value("host_port", std::uint16_t{0});
    mapping.protocol = port.value("protocol", "tcp");
    return mapping;
}

}  // namespace

// Changes nothing, so that it may run any number of times and there is nothing to undo.
Ended check_ports(Task& task) {
    const auto ports = task.details().find("ports");
    if (ports == task.details().end() || !ports->is_array()) {
        return done();
    }
    for (const nlohmann::json& port : *ports) {
        RETURN_IF_ERROR(check_host_port(port_from(port)));
    }
    return done();
}

}  // namespace podreeve::handlers
