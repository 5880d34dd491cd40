#pragma once

#include <optional>
#include <sys/types.h>

namespace podreeve::api {

// The real uid of a process, from /proc; nothing when it is gone or out of sight.
std::optional<uid_t> uid_of_process(pid_t pid);

// Whether the process behind a connection may talk to an agent of that uid: the same user, or root.
// The socket's mode says the same; this also holds when somebody has loosened it.
bool may_connect(pid_t peer, uid_t own);

}  // namespace podreeve::api
