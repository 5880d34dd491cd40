#include "agent/handlers/kinds.h"

namespace podreeve::handlers {

// A network that is there is used as it is, whoever made it; one that was made stays, since other
// apps may have joined it by then.
HandlerResult ensure_network(Task& task) {
    ASSIGN_OR_RETURN(const auto networks, task.world.podman.list_networks(task.call()));
    for (const podman::NetworkDetails& network : networks) {
        if (network.name == task.object) {
            return done();
        }
    }
    podman::NetworkDetails network;
    network.name = task.object;
    network.driver = "bridge";
    network.dns_enabled = true;
    network.labels = task.texts("labels");
    RETURN_IF_ERROR(task.world.podman.create_network(network, task.call()));
    return done();
}

}  // namespace podreeve::handlers
