#include "runtime/prober/address.h"

#include <algorithm>
#include <cstring>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <optional>

namespace podreeve::prober {
namespace {

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

const std::vector<Address>& loopback_addresses() {
    static const std::vector<Address> kLoopback = {*parse_ip("127.0.0.1"), *parse_ip("::1")};
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
