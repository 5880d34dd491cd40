#pragma once

#include <vector>

#include "manifests/node.h"
#include "runtime/base/diagnostic.h"

namespace podreeve::manifests {

// base with what over says: maps merge key by key, a null deletes, lists whose items all have the
// same naming field (name, mountPath, containerPort, target, container, app) merge by it, an
// environment of "K=V" merges by K; everything else is replaced. What comes from over keeps its
// position, so that errors point into the drop-in.
NodePtr merge(const NodePtr& base, const NodePtr& over);

// The documents of a drop-in merged into those of the manifest: Kubernetes documents by kind and
// name, others into the first. A Kubernetes document that has no counterpart is added.
void merge_documents(std::vector<NodePtr>& documents,
                     const std::vector<NodePtr>& drop_in,
                     std::vector<Diagnostic>& diagnostics);

}  // namespace podreeve::manifests
