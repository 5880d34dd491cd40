#include "agent/handlers/host_ports.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <set>
#include <sstream>
#include <sys/socket.h>

#include <fmt/format.h>

#include "runtime/base/socket_address.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::handlers {

namespace {

namespace fs = std::filesystem;

Result<std::vector<SocketAddress>> addresses_of(const podman::PortMapping& port) {
    std::vector<SocketAddress> out;
    for (const std::string& ip : port.host_ip.empty() ? std::vector<std::string>{"0.0.0.0", "::"}
                                                      : std::vector{port.host_ip}) {
        const auto address = parse_ip(ip);
        if (!address) {
            return fail(
                Code::InvalidArgument,
                fmt::format("cannot publish port {}: {} is not an IP address", port.host_port, ip));
        }
        out.push_back(address->with_port(port.host_port));
    }
    return out;
}

// 0, or the errno of the bind. Families and protocols that this kernel lacks are not in the way.
int try_bind(const SocketAddress& address, const std::string& protocol) {
    const int type = protocol == "udp" ? SOCK_DGRAM : SOCK_STREAM;
    const int number = protocol == "sctp" ? IPPROTO_SCTP : 0;
    const UniqueFd fd(socket(address.family(), type | SOCK_CLOEXEC, number));
    if (!fd) {
        return 0;
    }
    const int on = 1;
    // As podman's forwarder does: connections in TIME_WAIT are no hindrance, listeners still are.
    if (type == SOCK_STREAM) {
        setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (address.family() == AF_INET6) {
        setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    return bind(fd.get(), address.get(), address.size) == 0 ? 0 : errno;
}

int first_low_port_allowed() {
    std::ifstream file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    int port = 1024;
    file >> port;
    return port;
}

Error bind_error(const podman::PortMapping& port, int error) {
    const std::string where = port.host_ip.empty()
                                  ? std::to_string(port.host_port)
                                  : fmt::format("{}:{}", port.host_ip, port.host_port);
    if (error == EADDRINUSE) {
        const auto holder = port_holder(port.host_port, port.protocol);
        return {Code::Conflict,
                fmt::format("cannot publish host port {}/{}: it is taken by {}; stop that program "
                            "or change hostPort in the manifest",
                            where, port.protocol, holder ? *holder : "another program")};
    }
    if (error == EACCES || error == EPERM) {
        return {Code::Denied,
                fmt::format("cannot publish host port {}/{}: this user may only use ports from {} "
                            "on; choose such a port, or have root run: sysctl "
                            "net.ipv4.ip_unprivileged_port_start={}",
                            where, port.protocol, first_low_port_allowed(), port.host_port)};
    }
    if (error == EADDRNOTAVAIL) {
        return {Code::InvalidArgument,
                fmt::format("cannot publish host port {}/{}: this machine has no address {}", where,
                            port.protocol, port.host_ip)};
    }
    return errno_error(fmt::format("publish host port {}/{}", where, port.protocol), error);
}

// The inodes of the sockets in a table of /proc/net that are bound to port; of tcp only listening.
void add_inodes(const char* table, std::uint16_t port, bool tcp, std::set<std::string>& inodes) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
        words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
            timeout >> inode;
        const auto colon = local.find(':');
        if (colon == std::string::npos || (tcp && state != "0A")) {
            continue;
        }
        if (std::strtoul(local.c_str() + colon + 1, nullptr, 16) == port) {
            inodes.insert("socket:[" + inode + "]");
        }
    }
}

bool holds_one_of(const fs::path& process, const std::set<std::string>& sockets) {
    std::error_code error;
    fs::directory_iterator entries(process / "fd", error);
    while (!error && entries != fs::directory_iterator()) {
        std::error_code unreadable;
        if (sockets.contains(fs::read_symlink(entries->path(), unreadable).string())) {
            return true;
        }
        entries.increment(error);
    }
    return false;
}

}  // namespace

Status check_host_port(const podman::PortMapping& port) {
    if (port.host_port == 0) {
        return {};
    }
    ASSIGN_OR_RETURN(const auto addresses, addresses_of(port));
    for (const SocketAddress& address : addresses) {
        const int error = try_bind(address, port.protocol);
        const bool no_such_family =
            port.host_ip.empty() && address.family() == AF_INET6 && error == EADDRNOTAVAIL;
        if (error != 0 && !no_such_family) {
            return bind_error(port, error);
        }
    }
    return {};
}

std::optional<std::string> port_holder(std::uint16_t port, const std::string& protocol) {
    std::set<std::string> sockets;
    const bool tcp = protocol == "tcp";
    add_inodes(tcp ? "/proc/net/tcp" : "/proc/net/udp", port, tcp, sockets);
    add_inodes(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", port, tcp, sockets);
    std::error_code error;
    for (fs::directory_iterator entry("/proc", error);
         !sockets.empty() && !error && entry != fs::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos ||
            !holds_one_of(entry->path(), sockets)) {
            continue;
        }
        std::ifstream comm(entry->path() / "comm");
        std::string program;
        std::getline(comm, program);
        return fmt::format("{} (process {})", program, name);
    }
    return std::nullopt;
}

}  // namespace podreeve::handlers
