#include "agent/api/peer.h"

#include <sys/socket.h>

namespace podreeve::api {

std::optional<uid_t> uid_of_peer(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    // A socket without a peer has the pid 0 (and, by the kernel, an impossible uid).
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer ||
        peer.uid == static_cast<uid_t>(-1)) {
        return std::nullopt;
    }
    return peer.uid;
}

bool may_connect(std::optional<uid_t> peer, uid_t own) {
    return peer && (*peer == own || *peer == 0);
}

}  // namespace podreeve::api
