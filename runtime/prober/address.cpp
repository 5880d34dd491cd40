#include "runtime/prober/address.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>

#include "runtime/base/unique_fd.h"

namespace podreeve::prober {
namespace {

// One answer of the kernel holds dozens of addresses.
constexpr int kMostPackets = 8;

std::optional<Address> to_address(int family, const void* bytes, std::size_t size) {
    if (family == AF_INET && size >= sizeof(in_addr)) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        std::memcpy(&in.sin_addr, bytes, sizeof(in_addr));
        return podreeve::to_address(in);
    }
    if (family == AF_INET6 && size >= sizeof(in6_addr)) {
        sockaddr_in6 in6{};
        in6.sin6_family = AF_INET6;
        std::memcpy(&in6.sin6_addr, bytes, sizeof(in6_addr));
        return podreeve::to_address(in6);
    }
    return std::nullopt;
}

// IFA_LOCAL is the interface's own where there are two ends; IPv6 has IFA_ADDRESS alone.
std::optional<Address> read_address(nlmsghdr* head) {
    auto* found = static_cast<ifaddrmsg*>(NLMSG_DATA(head));
    if (found->ifa_scope >= RT_SCOPE_LINK) {  // link-local, or of this host alone
        return std::nullopt;
    }
    std::optional<Address> out;
    auto left = static_cast<unsigned>(IFA_PAYLOAD(head));
    for (rtattr* each = IFA_RTA(found); RTA_OK(each, left); each = RTA_NEXT(each, left)) {
        if (each->rta_type == IFA_LOCAL || (each->rta_type == IFA_ADDRESS && !out)) {
            out = to_address(found->ifa_family, RTA_DATA(each), RTA_PAYLOAD(each));
        }
    }
    return out;
}

// False: that was the last.
bool read_packet(char* bytes, std::size_t size, std::size_t most, std::vector<Address>& out) {
    auto* head = reinterpret_cast<nlmsghdr*>(bytes);
    for (auto left = static_cast<unsigned>(size); NLMSG_OK(head, left);
         head = NLMSG_NEXT(head, left)) {
        if (head->nlmsg_type != RTM_NEWADDR || out.size() >= most) {
            return false;
        }
        if (const auto address = read_address(head)) {
            out.push_back(*address);
        }
    }
    return out.size() < most;
}

// Not getifaddrs(), which takes all there are, and all the interfaces besides.
std::vector<Address> addresses_of(unsigned char family, std::size_t most) {
    std::vector<Address> out;
    const UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));

    struct {
        nlmsghdr head;
        ifaddrmsg what;
    } request{};

    request.head.nlmsg_len = sizeof(request);
    request.head.nlmsg_type = RTM_GETADDR;
    request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.what.ifa_family = family;
    if (!socket || ::send(socket.get(), &request, sizeof(request), 0) < 0) {
        return out;
    }
    alignas(nlmsghdr) std::array<char, 32768> buffer;
    for (int packet = 0; packet < kMostPackets; ++packet) {
        const ssize_t size = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (size <= 0 || !read_packet(buffer.data(), static_cast<std::size_t>(size), most, out)) {
            break;
        }
    }
    return out;
}

}  // namespace

const std::vector<Address>& loopback_addresses() {
    static const std::vector<Address> kLoopback = {*parse_ip("127.0.0.1"), *parse_ip("::1")};
    return kLoopback;
}

std::vector<Address> interface_addresses(std::size_t most) {
    std::vector<Address> out = addresses_of(AF_INET, most);
    const std::vector<Address> v6 = addresses_of(AF_INET6, most);
    out.resize(std::min(out.size(), most - std::min(v6.size(), most / 3)), Address{});
    const std::size_t rest = std::min(v6.size(), most - out.size());
    out.insert(out.end(), v6.begin(), v6.begin() + static_cast<std::ptrdiff_t>(rest));
    return out;
}

}  // namespace podreeve::prober
