#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "manifests/model.h"
#include "runtime/base/result.h"

namespace podreeve::handlers {

// A million files are removed in a minute.
inline constexpr std::uint64_t kMostRemoved = 200'000;

struct FilesWritten {
    unsigned written = 0, removed = 0;
    // What is not wanted, belongs to another user of the container's and cannot be removed; the
    // first of it.
    unsigned left = 0;
    std::filesystem::path first_left{};
};

// Makes a volume's directory hold exactly these files: what differs in content or mode is replaced
// (each file whole, and none before all of them are written), what is not wanted is removed,
// directories get 0755. Containers may write there too, so no symbolic link is ever followed: one
// that stands in the way is removed. What they made as another user, so that the agent may not
// remove it, is left, and moved aside where it stands in the way. Paths that are absolute or climb
// out are InvalidArgument. The content may be secret and is in no message. Unavailable when more
// than most_removed things would have to be removed: those are, and another call goes on. Blocks on
// the disk; any thread, but one at a time a volume.
Result<FilesWritten> write_files(const std::filesystem::path& root,
                                 const std::vector<manifests::VolumeFile>& files,
                                 std::uint64_t most_removed = kMostRemoved);

// For people: what was left there, and what they can do about it.
std::string words_of_left(const std::filesystem::path& root, const FilesWritten& files);

// Makes the directory that a mount's sub_path names, which podman does not; whatever stands there
// already, a file too, is left as it is.
Status make_sub_path(const std::filesystem::path& root, const std::string& sub_path);

}  // namespace podreeve::handlers
