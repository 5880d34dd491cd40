#pragma once

#include "manifests/model.h"
#include "manifests/place.h"

namespace podreeve::manifests::kube {

// securityContext of a container over that of its pod, as far as podman can be told.
Security read_security(const Place& container, const Place& pod);

// Tells what is wrong with a pod's securityContext, once for all its containers.
void check_pod_security(const Place& pod);

// securityContext.sysctls of a pod.
std::map<std::string, std::string> read_sysctls(const Place& pod);

}  // namespace podreeve::manifests::kube
