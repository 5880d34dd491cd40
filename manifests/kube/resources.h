#pragma once

#include "manifests/model.h"
#include "manifests/place.h"

namespace podreeve::manifests::kube {

// resources of a container.
Resources read_resources(const Place& resources);

}  // namespace podreeve::manifests::kube
