#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/handlers/host_ports.h"
#include "agent/handlers/kinds.h"
#include "agent/observe/observed.h"
#include "runtime/base/json_text.h"

namespace podreeve::handlers {

namespace {

podman::PortMapping port_from(const nlohmann::json& port) {
    podman::PortMapping mapping;
    mapping.host_ip = text_in(port, "host_ip");
    mapping.host_port = static_cast<std::uint16_t>(number_in(port, "host_port"));
    mapping.protocol = text_in(port, "protocol", "tcp");
    return mapping;
}

bool publishes(const podman::ContainerSummary& container, const podman::PortMapping& port) {
    return container.state == podman::ContainerState::Running &&
           std::ranges::any_of(container.ports, [&](const podman::PortMapping& mine) {
               return mine.host_port == port.host_port && mine.protocol == port.protocol;
           });
}

// Who has it: to /proc it is podman's forwarder, whom nobody should be told to stop.
std::string holder_in_podman(const Task& task, const podman::PortMapping& port) {
    const auto containers = task.world.podman.list_containers(task.call());
    if (!containers) {
        return "";
    }
    for (const podman::ContainerSummary& container : *containers) {
        if (!publishes(container, port)) {
            continue;
        }
        const auto owned = observe::ownership(container.labels, task.world.owner);
        return owned ? fmt::format(
                           "app {} has it now; change hostPort in one of the two, or take "
                           "it away there first",
                           owned->app)
                     : fmt::format(
                           "container {} has it; stop that container or change hostPort "
                           "in the manifest",
                           container.name);
    }
    return "";
}

Status check(const Task& task, const podman::PortMapping& port) {
    Status free = check_host_port(port);
    if (free || free.error().code != Code::Conflict) {
        return free;
    }
    const std::string holder = holder_in_podman(task, port);
    return holder.empty()
               ? free
               : fail(Code::Conflict, fmt::format("cannot publish host port {}/{}: {}",
                                                  port.host_port, port.protocol, holder));
}

}  // namespace

// Changes nothing, so that it may run any number of times and there is nothing to undo.
HandlerResult check_ports(Task& task) {
    const auto ports = task.details().find("ports");
    if (ports == task.details().end() || !ports->is_array()) {
        return done();
    }
    for (const nlohmann::json& port : *ports) {
        RETURN_IF_ERROR(check(task, port_from(port)));
    }
    return done();
}

}  // namespace podreeve::handlers
