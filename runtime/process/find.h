#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace podreeve::process {

// The processes of which one argument is exactly that, as /proc tells it; not those that end while
// it looks. Looks at every process of the host: milliseconds, so not for the loop thread.
std::vector<pid_t> with_argument(const std::string& argument,
                                 const std::filesystem::path& proc = "/proc");

}  // namespace podreeve::process
