#pragma once

#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/podman/types.h"

namespace podreeve::handlers {

// Whether podman could publish that port now: binds it for an instant, on IPv4 and, for an empty
// host_ip, on IPv6 too, and never listens. Conflict names the program that holds it where /proc
// tells; Denied says what allows a low port. Any thread.
Status check_host_port(const podman::PortMapping& port);

// The name of the program whose socket listens on that port, when it is one of this user's.
std::optional<std::string> port_holder(std::uint16_t port, const std::string& protocol);

}  // namespace podreeve::handlers
