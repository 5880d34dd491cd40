#include "agent/observe/host_checks.h"

#include <cerrno>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <sstream>
#include <string>

#include "runtime/base/unique_fd.h"

namespace podreeve::observe {

Status takes_connections(const SocketAddress& address, Duration within) {
    const UniqueFd fd(
        ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
    int error = fd ? 0 : errno;
    if (fd && ::connect(fd.get(), address.get(), address.size) != 0) {
        error = errno;
    }
    if (error == EINPROGRESS) {
        pollfd wait{fd.get(), POLLOUT, 0};
        const auto patience = std::chrono::ceil<std::chrono::milliseconds>(within);
        if (::poll(&wait, 1, static_cast<int>(patience.count())) != 1) {
            return fail(Code::Timeout, "no answer");
        }
        socklen_t size = sizeof error;
        ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
    return error == 0 ? Status() : fail(Code::Unavailable, std::generic_category().message(error));
}

bool has_default_route() {
    std::ifstream v4("/proc/net/route");
    std::string line;
    while (std::getline(v4, line)) {
        std::istringstream words(line);
        std::string device, destination;
        words >> device >> destination;
        if (destination == "00000000") {
            return true;
        }
    }
    std::ifstream v6("/proc/net/ipv6_route");
    while (std::getline(v6, line)) {
        if (line.starts_with("00000000000000000000000000000000 00 ") && !line.ends_with(" lo")) {
            return true;
        }
    }
    return false;
}

}  // namespace podreeve::observe
