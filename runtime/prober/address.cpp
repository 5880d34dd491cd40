#include "runtime/prober/address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

namespace podreeve::prober {
namespace {

template <class Sockaddr>
Address to_address(const Sockaddr& from) {
    Address out;
    std::memcpy(&out.bytes, &from, sizeof(Sockaddr));
    out.size = sizeof(Sockaddr);
    return out;
}

std::optional<Address> address_of(const ifaddrs& entry) {
    if (entry.ifa_addr == nullptr || (entry.ifa_flags & IFF_LOOPBACK) != 0) {
        return std::nullopt;
    }
    if (entry.ifa_addr->sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, entry.ifa_addr, sizeof(in));
        return to_address(in);
    }
    if (entry.ifa_addr->sa_family == AF_INET6) {
        sockaddr_in6 in6{};
        std::memcpy(&in6, entry.ifa_addr, sizeof(in6));
        return IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) ? std::nullopt
                                                     : std::optional(to_address(in6));
    }
    return std::nullopt;
}

}  // namespace

Address Address::with_port(std::uint16_t port) const {
    Address out = *this;
    // The port stands in the same place for both families.
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    const std::uint16_t big = htons(port);
    std::memcpy(reinterpret_cast<char*>(&out.bytes) + offsetof(sockaddr_in, sin_port), &big,
                sizeof(big));
    return out;
}

bool operator==(const Address& a, const Address& b) {
    return a.size == b.size && std::memcmp(&a.bytes, &b.bytes, a.size) == 0;
}

std::optional<Address> parse_address(const std::string& text) {
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

const std::vector<Address>& loopback_addresses() {
    static const std::vector<Address> kLoopback = {*parse_address("127.0.0.1"),
                                                   *parse_address("::1")};
    return kLoopback;
}

std::vector<Address> interface_addresses() {
    std::vector<Address> out;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return out;
    }
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (const auto address = address_of(*entry)) {
            out.push_back(*address);
        }
    }
    ::freeifaddrs(list);
    std::stable_sort(out.begin(), out.end(), [](const Address& a, const Address& b) {
        return a.family() == AF_INET && b.family() != AF_INET;
    });
    return out;
}

}  // namespace podreeve::prober
