#include "runtime/probe/prober_process.h"

#include <cerrno>
#include <csignal>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <vector>

#include <fmt/format.h>

#include "runtime/probe/wire.h"

namespace podreeve::probe {
namespace {

class Spawning {
  public:
    Spawning() {
        posix_spawn_file_actions_init(&actions_);
        posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        // The loop's blocked signals and our ignored ones would be inherited over exec.
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setpgroup(&attributes_, 0);
        posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }

    Spawning(const Spawning&) = delete;
    Spawning& operator=(const Spawning&) = delete;

    ~Spawning() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }

    // The program finds its end of the socket as its stdin, and no environment.
    int run(const std::filesystem::path& program, int socket, pid_t& pid) {
        if (const int error = posix_spawn_file_actions_adddup2(&actions_, socket, 0); error != 0) {
            return error;
        }
        std::string name = program.string();
        char* const argv[] = {name.data(), nullptr};
        char* const environment[] = {nullptr};
        return ::posix_spawn(&pid, name.c_str(), &actions_, &attributes_, argv, environment);
    }

  private:
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
};

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
        listener.on_packet(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
    }
}

void reap(pid_t pid) {
    ::kill(pid, SIGKILL);
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
    }
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
    pid_t pid = 0;
    if (const int error = Spawning().run(program, theirs.get(), pid); error != 0) {
        return errno_error(fmt::format("run {}", program.string()), error);
    }
    return std::unique_ptr<ProberProcess>(
        new ProberProcess(pid, std::move(ours), std::move(listener)));
}

ProberProcess::ProberProcess(pid_t pid, UniqueFd socket, Listener listener)
    : pid_(pid), socket_(std::move(socket)) {
    reader_ = std::jthread([pid, fd = socket_.get(), listener = std::move(listener)] {
        read_packets(fd, listener);
        reap(pid);
        listener.on_end();
    });
}

ProberProcess::~ProberProcess() {
    ::shutdown(socket_.get(), SHUT_RDWR);
}

Status ProberProcess::send(std::string_view packet) {
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    if (::send(socket_.get(), packet.data(), packet.size(), flags) < 0) {
        return errno == EAGAIN ? fail(Code::Timeout, "cannot ask: the prober is busy")
                               : fail(Code::Unavailable, "cannot ask: the prober has ended");
    }
    return {};
}

}  // namespace podreeve::probe
