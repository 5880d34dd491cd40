#pragma once

#include <memory>
#include <string>
#include <vector>

#include "manifests/model.h"

// The apps that the tests of plan are about, as the dialects would compile them.
namespace podreeve::plan::test {

// clock: one container that stands alone, on a host port.
// duo: two containers alone, on a network, one with a claim.
// greeter: one pod: an init container, a workload on a host port, an emptyDir.
// shop: two pods (web: web, side; db: db), claim, ConfigMap and Secret volumes, a secret, a
// network. batch: one pod that is to end: work (Never), retry (OnFailure).
manifests::AppSpec sample(const std::string& name);
std::vector<std::string> sample_names();

manifests::Desired desire(const std::vector<manifests::AppSpec>& apps);

}  // namespace podreeve::plan::test
