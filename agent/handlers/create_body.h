#pragma once

#include <map>
#include <string>

#include "manifests/model.h"
#include "runtime/podman/types.h"

// What podman is asked to make for a part: pure, and such that the result, inspected, equals what
// `podman kube play` makes of the same pod, but for the exit policy (continue), the restart policy
// (no: podreeve alone restarts) and podreeve's labels, which win over the person's.
namespace podreeve::handlers {

using Labels = std::map<std::string, std::string>;

// pod: id of the pod it is to be in, or empty.
podman::ContainerCreate container_body(const manifests::ContainerSpec& spec,
                                       const std::string& pod,
                                       const Labels& labels);

// service: full id of a held service container, or empty.
podman::PodCreate pod_body(const manifests::PodSpec& spec,
                           const std::string& service,
                           const Labels& labels);

podman::VolumeDetails volume_body(const manifests::VolumeSpec& spec, const Labels& labels);

}  // namespace podreeve::handlers
