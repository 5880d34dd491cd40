#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <sys/socket.h>

namespace podreeve {

// An IPv4 or IPv6 address and a port, as connect() and bind() take it.
struct SocketAddress {
    sockaddr_storage bytes{};
    socklen_t size = 0;

    int family() const { return bytes.ss_family; }

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }

    SocketAddress with_port(std::uint16_t port) const;
    friend bool operator==(const SocketAddress& a, const SocketAddress& b);
};

// From a sockaddr_in or sockaddr_in6.
template <class Sockaddr>
SocketAddress to_address(const Sockaddr& from) {
    SocketAddress out;
    std::memcpy(&out.bytes, &from, sizeof(Sockaddr));
    out.size = sizeof(Sockaddr);
    return out;
}

// Of a literal ("127.0.0.1", "::1"), without a name service; nothing when it is none. Port 0.
std::optional<SocketAddress> parse_ip(const std::string& text);

// "127.0.0.1:80", "[::1]:80"; nothing for all else.
std::optional<SocketAddress> parse_ip_and_port(const std::string& text);

}  // namespace podreeve
