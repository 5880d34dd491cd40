#include "runtime/base/socket_address.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>

namespace podreeve {

SocketAddress SocketAddress::with_port(std::uint16_t port) const {
    SocketAddress out = *this;
    // The port stands in the same place for both families.
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    const std::uint16_t big = htons(port);
    std::memcpy(reinterpret_cast<char*>(&out.bytes) + offsetof(sockaddr_in, sin_port), &big,
                sizeof(big));
    return out;
}

bool operator==(const SocketAddress& a, const SocketAddress& b) {
    return a.size == b.size && std::memcmp(&a.bytes, &b.bytes, a.size) == 0;
}

std::optional<SocketAddress> parse_ip(const std::string& text) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    if (::inet_pton(AF_INET, text.c_str(), &in.sin_addr) == 1) {
        return to_address(in);
    }
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    if (::inet_pton(AF_INET6, text.c_str(), &in6.sin6_addr) == 1) {
        return to_address(in6);
    }
    return std::nullopt;
}

std::optional<SocketAddress> parse_ip_and_port(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) {
        return std::nullopt;
    }
    std::string host = text.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + colon + 1, end, port);
    const auto address = parse_ip(host);
    if (!address || read.ec != std::errc() || read.ptr != end) {
        return std::nullopt;
    }
    return address->with_port(port);
}

}  // namespace podreeve
