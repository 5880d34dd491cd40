#pragma once

#include <filesystem>
#include <vector>

#include "manifests/model.h"
#include "runtime/base/result.h"

namespace podreeve::handlers {

struct FilesWritten {
    unsigned written = 0, removed = 0;
};

// Makes a volume's directory hold exactly these files: what differs in content or mode is replaced
// (each file whole or not at all), what is not wanted is removed, directories get 0755. Containers
// may write there too, so no symbolic link is ever followed: one that stands in the way is removed.
// Paths that are absolute or climb out are InvalidArgument. The content may be secret and is in no
// message. Blocks on the disk; any thread, but one at a time a volume.
Result<FilesWritten> write_files(const std::filesystem::path& root,
                                 const std::vector<manifests::VolumeFile>& files);

// Makes the directory that a mount's sub_path names, which podman does not; whatever stands there
// already, a file too, is left as it is.
Status make_sub_path(const std::filesystem::path& root, const std::string& sub_path);

}  // namespace podreeve::handlers
