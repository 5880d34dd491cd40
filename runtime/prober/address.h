#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace podreeve::prober {

// An IPv4 or IPv6 address and a port, as connect() takes it.
struct Address {
    sockaddr_storage bytes{};
    socklen_t size = 0;

    int family() const { return bytes.ss_family; }

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }

    Address with_port(std::uint16_t port) const;
    friend bool operator==(const Address& a, const Address& b);
};

// Of a literal, without a name service; nothing when it is none.
std::optional<Address> parse_address(const std::string& text);

// 127.0.0.1 and ::1, in that order.
const std::vector<Address>& loopback_addresses();

// The other addresses of the interfaces of the network this thread is in, IPv4 first. Link-local
// ones are left out: they mean nothing without an interface.
std::vector<Address> interface_addresses();

}  // namespace podreeve::prober
