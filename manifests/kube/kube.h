#pragma once

#include <string>
#include <vector>

#include "manifests/model.h"
#include "manifests/place.h"

namespace podreeve::manifests::kube {

// The Kubernetes documents of one file as one app: the containers that `podman kube play` would
// make of it. Semantics after podman 5.4's kube play and Kubernetes' API reference; where the two
// differ, docs/manifest.md says which one is followed. What is wrong goes to diagnostics.
AppSpec read_app(const std::string& name,
                 const std::vector<NodePtr>& documents,
                 std::vector<Diagnostic>& diagnostics);

}  // namespace podreeve::manifests::kube
