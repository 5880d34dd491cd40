#pragma once

#include <vector>

#include "runtime/base/socket_address.h"

namespace podreeve::prober {

using Address = SocketAddress;

// 127.0.0.1 and ::1, in that order.
const std::vector<Address>& loopback_addresses();

// The other addresses of the interfaces of the network this thread is in, IPv4 first. Link-local
// ones are left out: they mean nothing without an interface.
std::vector<Address> interface_addresses();

}  // namespace podreeve::prober
