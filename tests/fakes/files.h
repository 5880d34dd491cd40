#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace podreeve::fakes {

// The contents of all regular files below a directory, by their paths from there; of one that is
// not there none.
std::map<std::string, std::string> files_below(const std::filesystem::path& directory);

}  // namespace podreeve::fakes
