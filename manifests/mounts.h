#pragma once

#include <vector>

#include "manifests/model.h"
#include "manifests/place.h"

// Mount targets and options, which both dialects write as podman does.
namespace podreeve::manifests {

// "/data" or "/data:Z,ro": sets target, options and read_only. False when it is told to be wrong.
bool read_mount_target(const Place& place, Mount& mount);

// One of podman's mount options: into read_only where it says so, else into options.
void read_mount_option(const Place& place, const std::string& option, Mount& mount);

// The last of mounts must not stand where an earlier one does.
void check_target_is_free(const Place& place, const std::vector<Mount>& mounts);

}  // namespace podreeve::manifests
