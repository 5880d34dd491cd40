#pragma once

#include <map>
#include <set>
#include <string>

#include "manifests/kube/metadata.h"
#include "manifests/kube/objects.h"
#include "manifests/place.h"

namespace podreeve::manifests::kube {

struct ContainerEnvironment {
    std::map<std::string, std::string> values;
    std::set<std::string> secret;  // names whose value came from a Secret, also through $(NAME)
};

// env and envFrom of one container, resolved. As in Kubernetes, envFrom comes first, env overrides
// it, and $(NAME) stands for what was set before.
ContainerEnvironment read_environment(const Place& container,
                                      const std::string& pod_name,
                                      const Metadata& pod,
                                      const Objects& objects);

}  // namespace podreeve::manifests::kube
