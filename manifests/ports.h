#pragma once

#include <string>
#include <vector>

#include "manifests/model.h"
#include "manifests/place.h"

namespace podreeve::manifests {

// An IPv4 or IPv6 address to listen on; empty, 0.0.0.0 and :: mean all and give "".
std::string read_host_ip(const Place& place);

bool is_ip_address(const std::string& text);

// Whether both cannot be published at once: same protocol and port, and addresses that overlap.
bool ports_clash(const Port& a, const Port& b);

// "8080/tcp", "127.0.0.1:8080/tcp"
std::string to_text(const Port& port);

// The last of ports must not clash with an earlier one.
void check_port_is_free(const Place& place, const std::vector<Port>& ports);

}  // namespace podreeve::manifests
