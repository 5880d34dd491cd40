#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/types.h>
#include <vector>

#include "runtime/base/result.h"

namespace podreeve {

// Replaces path by content, whole or not at all, also over a power cut: a temporary file beside it,
// fsync, rename, fsync of the directory. The file gets exactly mode.
Status write_file_atomically(const std::filesystem::path& path,
                             std::string_view content,
                             mode_t mode);

// The whole content of a regular file of at most max_bytes; larger is InvalidArgument. With allowed
// the open file is looked at first: an error of it is the answer.
Result<std::string> read_file(const std::filesystem::path& path,
                              std::uintmax_t max_bytes,
                              const std::function<Status(const struct stat&)>& allowed = {});

// What stands in the directory, in no order; of one that cannot be read as far as it can.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& directory);

}  // namespace podreeve
