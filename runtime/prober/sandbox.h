#pragma once

#include <string>
#include <vector>

namespace podreeve::prober {

// This process parses what containers say, and a container may be hostile. So, once it has open
// what it needs, it lets go of all else: no rights to gain, no memory to look into, no files, few
// system calls, and of capabilities the one it takes to enter a network (as root from now on; a
// user's process from when it is in podman's user namespace).
//
// Call it as long as the process has one thread. What this kernel cannot do is left out and told, a
// line each, for a host without Landlock is to have its containers probed all the same.
std::vector<std::string> shut_in();

}  // namespace podreeve::prober
