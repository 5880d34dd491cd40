#include "runtime/probe/prober_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "runtime/base/log.h"
#include "runtime/base/thread.h"
#include "runtime/probe/wire.h"
#include "runtime/process/spawn.h"

namespace podreeve::probe {
namespace {

// The program finds its end of the socket as its stdin, and no environment.
Result<pid_t> run_program(const std::filesystem::path& program, int socket) {
    process::Spawn spawning;
    if (const int error = spawning.duplicate(socket, 0); error != 0) {
        return errno_error(fmt::format("run {}", program.string()), error);
    }
    return spawning.run({program.string()}, {});
}

void read_packets(int socket, const ProberProcess::Listener& listener) {
    std::vector<char> buffer(wire::kMaxPacket);
    while (true) {
        const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return;
        }
        // A packet that is lost counts as a prober that hangs.
        bool has_room = true;
        contained_or_logged("taking a packet of the prober", [&] {
            has_room =
                listener.on_packet(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
        });
        if (!has_room) {
            log::warn("probes: the prober says more than can be read, and is killed");
            return;
        }
    }
}

// Whether it had ended by a signal that is an error of its own.
bool reap(pid_t pid) {
    ::kill(pid, SIGKILL);
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
    }
    const bool by_signal = info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED;
    return by_signal && info.si_status != SIGKILL && info.si_status != SIGTERM;
}

}  // namespace

Result<std::unique_ptr<ProberProcess>> ProberProcess::start(const std::filesystem::path& program,
                                                            Listener listener) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return errno_error("create a socket", errno);
    }
    UniqueFd ours(ends[0]);
    const UniqueFd theirs(ends[1]);
    ASSIGN_OR_RETURN(const pid_t pid, run_program(program, theirs.get()));
    try {
        return std::unique_ptr<ProberProcess>(
            new ProberProcess(pid, std::move(ours), std::move(listener)));
    } catch (const std::system_error& error) {
        reap(pid);
        return errno_error("start a thread", error.code().value());
    } catch (...) {
        reap(pid);  // of whom nobody would hear
        throw;
    }
}

ProberProcess::ProberProcess(pid_t pid, UniqueFd socket, Listener listener)
    : pid_(pid), socket_(std::move(socket)) {
    reader_ = begin_stoppable(
        "the reader of the prober",
        [pid, fd = socket_.get(), listener = std::move(listener)](std::stop_token) {
            contained_or_logged("the reader of the prober", [&] { read_packets(fd, listener); });
            const bool crashed = reap(pid);
            contained_or_logged("reporting the prober's end", [&] { listener.on_end(crashed); });
        });
}

ProberProcess::~ProberProcess() {
    ::shutdown(socket_.get(), SHUT_RDWR);
}

Status ProberProcess::send(std::string_view packet, const Namespaces& with) {
    iovec bytes{const_cast<char*>(packet.data()), packet.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> room{};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    if (with.network) {
        const std::size_t size = (with.user ? 2 : 1) * sizeof(int);
        message.msg_control = room.data();
        message.msg_controllen = CMSG_SPACE(size);
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(size);
        const int handed[] = {with.network.get(), with.user.get()};
        std::memcpy(CMSG_DATA(head), handed, size);
    }
    if (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        // The kernel counts descriptors that nobody has taken yet, and bounds them.
        return errno == EAGAIN || errno == ETOOMANYREFS
                   ? fail(Code::Timeout, "cannot ask: the prober is busy")
                   : fail(Code::Unavailable, "cannot ask: the prober has ended");
    }
    return {};
}

}  // namespace podreeve::probe
