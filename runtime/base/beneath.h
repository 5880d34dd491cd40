#pragma once

#include <filesystem>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

// Ways through directories in which somebody else may plant links.
namespace podreeve {

enum class WalkBy { Kernel, Steps };

// What stands at sub, which is relative, below root (whose own links are followed), as an O_PATH
// descriptor. No link on the way is followed and none at its end; a way that leaves root is none.
// Denied for both, NotFound for what is not there. WalkBy::Steps is what a kernel without openat2
// (before 5.6) gets, and a unit with RestrictSUIDSGID=.
Result<UniqueFd> open_beneath(const std::filesystem::path& root,
                              const std::string& sub,
                              WalkBy by = WalkBy::Kernel);

// What stands at path as a process with that root directory sees it, as an O_PATH descriptor: links
// are followed within root. For a root in which nobody plants links meanwhile.
Result<UniqueFd> open_in_root(const std::filesystem::path& root, const std::string& path);

}  // namespace podreeve
