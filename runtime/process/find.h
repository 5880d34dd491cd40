#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace podreeve::process {

// The processes of which one argument is exactly that, as /proc tells it. Looks at every process of
// the host: milliseconds, so not for the loop thread.
std::vector<pid_t> with_argument(const std::string& argument);

}  // namespace podreeve::process
