#pragma once

#include <vector>

#include "manifests/companions.h"
#include "manifests/model.h"
#include "manifests/node.h"

namespace podreeve::manifests {

// The app dialect (`app:` at the root), which follows the boot reconciler's manifest: one container
// that stands alone and answers to the app's id on the shared network, companions, or both. What is
// wrong goes to diagnostics.
AppSpec read_app_dialect(const Node& document,
                         const ManifestTexts& texts,
                         std::vector<Diagnostic>& diagnostics);

}  // namespace podreeve::manifests
