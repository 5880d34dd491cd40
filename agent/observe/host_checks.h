#pragma once

#include "runtime/base/result.h"
#include "runtime/base/socket_address.h"

// What there is on the host beside podman and systemd, looked at when asked. From any thread.
namespace podreeve::observe {

// Whether somebody takes TCP connections there; the error says why not. Blocks up to the given
// time.
Status takes_connections(const SocketAddress& address, Duration within);

// A default route is what "online" can mean without asking anybody out there.
bool has_default_route();

}  // namespace podreeve::observe
