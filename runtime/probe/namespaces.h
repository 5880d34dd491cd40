#pragma once

#include <sys/types.h>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::probe {

// The way into the network of a process. The agent opens it and hands it to the prober, which is
// shut off from all files and from other processes, /proc included.
struct Namespaces {
    UniqueFd network;
    UniqueFd user;  // of the process; empty when it could not be opened
};

// NotFound: that process is gone; Denied: it belongs to somebody else. Any thread may call; it
// opens two files of /proc and waits for nobody.
Result<Namespaces> open_namespaces(pid_t pid);

}  // namespace podreeve::probe
