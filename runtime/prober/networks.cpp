#include "runtime/prober/networks.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime/prober/host_thread.h"
#include "runtime/prober/privileges.h"

namespace podreeve::prober {
namespace {

ino_t id_of(int fd) {
    struct stat found {};

    return ::fstat(fd, &found) == 0 ? found.st_ino : 0;
}

ino_t own(const char* kind) {
    struct stat found {};

    return ::stat(fmt::format("/proc/self/ns/{}", kind).c_str(), &found) == 0 ? found.st_ino : 0;
}

}  // namespace

Networks::Networks()
    : host_(own("net")), user_(own("user")), current_(host_), is_root_(::geteuid() == 0) {}

Networks::~Networks() = default;

Result<std::shared_ptr<const Network>> Networks::find(probe::Namespaces of) {
    const ino_t id = id_of(of.network.get());
    if (auto known = known_[id].lock()) {
        return known;
    }
    const auto network = std::make_shared<Network>();
    network->id = id;
    if (id != host_) {
        RETURN_IF_ERROR(enter_user_namespace(std::move(of.user)));
        network->handle = std::move(of.network);
    }
    std::erase_if(known_, [](const auto& row) { return row.second.expired(); });
    known_[id] = network;
    return std::shared_ptr<const Network>(network);
}

Error Networks::refused() {
    refusals_ += entered_ ? 1 : 0;
    return {Code::Denied,
            "cannot ask: the container's network lies outside podman's user namespace"};
}

// The user namespace right below ours that the given one is, or lies in; empty when it is ours, or
// not below ours.
UniqueFd Networks::child_of_ours(UniqueFd user) const {
    while (user && id_of(user.get()) != user_) {
        UniqueFd parent(::ioctl(user.get(), NS_GET_PARENT));
        if (parent && id_of(parent.get()) == user_) {
            return user;
        }
        user = std::move(parent);
    }
    return {};
}

// Root may enter every network from where it is.
Status Networks::enter_user_namespace(UniqueFd user) {
    if (is_root_ || entered_) {
        return {};
    }
    const UniqueFd target = child_of_ours(std::move(user));
    if (!target) {
        return {};  // what then follows tells whether it is needed
    }
    if (::setns(target.get(), CLONE_NEWUSER) != 0) {
        shut_out_ = errno == EINVAL;  // what a process of several threads is told
        return errno_error("enter podman's user namespace", errno);
    }
    entered_ = true;
    // Other credentials, and the kernel has forgotten that we are to die with the agent.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    return keep_capability_to_enter();
}

Status Networks::leave_host() {
    if (host_thread_) {
        return {};
    }
    ASSIGN_OR_RETURN(host_thread_, HostThread::start());
    return {};
}

Result<UniqueFd> Networks::take_socket(const Network& network, int family) {
    std::vector<UniqueFd>& spare = network.spare[family];
    if (!spare.empty()) {
        UniqueFd socket = std::move(spare.back());
        spare.pop_back();
        return socket;
    }
    UniqueFd socket;
    int error = 0;
    RETURN_IF_ERROR(visit(network, [&] {
        socket.reset(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        error = socket ? 0 : errno;
    }));
    if (!socket && error == EAFNOSUPPORT) {
        return fail(Code::Unsupported, std::strerror(error));  // a host without IPv6
    }
    if (!socket) {
        return errno_error("open a socket", error);
    }
    return socket;
}

void Networks::give_back(const Network& network, int family, UniqueFd socket) {
    std::vector<UniqueFd>& spare = network.spare[family];
    const sockaddr nowhere{AF_UNSPEC, {}};
    if (spare.size() < kMostSpare && ::connect(socket.get(), &nowhere, sizeof(nowhere)) == 0) {
        spare.push_back(std::move(socket));
    }
}

Status Networks::visit(const Network& network, const std::function<void()>& act) {
    if (network.id == current_) {
        act();
        return {};
    }
    if (network.id == host_) {
        host_thread_->run(act);
        return {};
    }
    if (!is_root_ && !entered_) {
        return refused();  // and no second thread, with which nobody may enter any more
    }
    RETURN_IF_ERROR(leave_host());
    if (::setns(network.handle.get(), CLONE_NEWNET) != 0) {
        if (errno == EPERM) {
            return refused();
        }
        return errno_error("enter the container's network", errno);
    }
    current_ = network.id;
    refusals_ = 0;
    act();
    return {};
}

}  // namespace podreeve::prober
