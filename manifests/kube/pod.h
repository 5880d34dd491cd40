#pragma once

#include <string>

#include "manifests/kube/metadata.h"
#include "manifests/kube/objects.h"
#include "manifests/model.h"
#include "manifests/place.h"

namespace podreeve::manifests::kube {

// A pod's spec under that podman name, added to app with all that it needs.
void read_pod_spec(const Place& spec,
                   const std::string& pod_name,
                   const Metadata& metadata,
                   const Objects& objects,
                   AppSpec& app);

}  // namespace podreeve::manifests::kube
