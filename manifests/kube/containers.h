#pragma once

#include <map>
#include <string>

#include "manifests/kube/metadata.h"
#include "manifests/kube/objects.h"
#include "manifests/kube/volumes.h"
#include "manifests/model.h"
#include "manifests/place.h"

namespace podreeve::manifests::kube {

// What the containers of one pod have in common.
struct PodContext {
    std::string name;  // podman's, and the pod's part
    const Metadata& metadata;
    const Objects& objects;
    const PodVolumes& volumes;
    Place security;
    RestartPolicy restart = RestartPolicy::Always;
    std::chrono::seconds stop_grace{10};
    bool host_network = false;
    bool ready_by_port = false;  // for containers that have no readiness probe
};

// One entry of containers or initContainers, added to containers; its published ports to ports.
void read_container(const Place& place,
                    ContainerRole role,
                    const PodContext& pod,
                    std::vector<ContainerSpec>& containers,
                    std::vector<Port>& ports);

}  // namespace podreeve::manifests::kube
