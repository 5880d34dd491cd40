#pragma once

#include <optional>
#include <sys/types.h>

namespace podreeve::api {

// Who has connected, as the kernel noted it at that moment: what becomes of the process afterwards,
// and what /proc shows of it, changes nothing. Nothing for what is not a connected Unix socket.
std::optional<uid_t> uid_of_peer(int socket);

// Whether that user may talk to an agent of uid own: the same user, or root. The socket's mode says
// the same; this also holds when somebody has loosened it.
bool may_connect(std::optional<uid_t> peer, uid_t own);

}  // namespace podreeve::api
