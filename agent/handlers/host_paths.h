#pragma once

#include "manifests/model.h"
#include "runtime/base/result.h"

namespace podreeve::handlers {

// Makes the source of a bind mount that asks for it by its options, unless something is there:
// Kubernetes' DirectoryOrCreate (0755, with its parents) and FileOrCreate (0644, empty, the parents
// have to be there). It stays when the change is undone: what stands in it may be somebody's data.
Status make_host_path(const manifests::Mount& mount);

}  // namespace podreeve::handlers
