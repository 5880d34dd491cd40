#pragma once

#include <vector>

#include "runtime/base/socket_address.h"

namespace podreeve::prober {

using Address = SocketAddress;

// 127.0.0.1 and ::1, in that order.
const std::vector<Address>& loopback_addresses();

// The first of the other addresses of the interfaces of the network this thread is in, IPv4 before
// IPv6, and of each some where both are there. Link-local ones are left out: they mean nothing
// without an interface. A container may give itself as many as it likes: no more are looked at than
// it takes.
std::vector<Address> interface_addresses(std::size_t most);

}  // namespace podreeve::prober
