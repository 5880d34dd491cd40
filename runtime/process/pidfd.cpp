#include "runtime/process/pidfd.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime/base/atomic_file.h"

namespace podreeve::process {
namespace {

Error gone(pid_t pid) {
    return {Code::NotFound, fmt::format("cannot find process {}: it has ended", pid)};
}

// The nth field of a /proc/PID/stat line, counted as proc(5) does. The second is the program's
// name, which may hold blanks and brackets; the last ')' ends it.
std::string_view stat_field(std::string_view line, int n) {
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string_view::npos) {
        return {};
    }
    std::string_view rest = line.substr(name_end + 1);
    for (int field = 2; field < n; ++field) {
        const std::size_t start = rest.find(' ');
        if (start == std::string_view::npos) {
            return {};
        }
        rest.remove_prefix(start + 1);
    }
    return rest.substr(0, rest.find(' '));
}

}  // namespace

Result<std::uint64_t> start_time(pid_t pid, const std::filesystem::path& proc) {
    if (pid <= 0) {
        return fail(Code::InvalidArgument, fmt::format("cannot find process {}", pid));
    }
    const auto line = read_file(proc / std::to_string(pid) / "stat", 4096);
    if (!line) {
        // Between opening and reading, a process that ends turns the file into ESRCH.
        return line.error().code == Code::NotFound ? gone(pid) : line.error();
    }
    constexpr int kStartTime = 22;
    const std::string_view field = stat_field(*line, kStartTime);
    std::uint64_t ticks = 0;
    const auto end = field.data() + field.size();
    const auto read = std::from_chars(field.data(), end, ticks);
    if (field.empty() || read.ec != std::errc() || read.ptr != end) {
        return fail(Code::Internal, fmt::format("cannot read the start time of process {}", pid));
    }
    return ticks;
}

Result<UniqueFd> open_pidfd(pid_t pid, std::uint64_t started) {
    UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
    if (!fd) {
        return errno == ESRCH ? gone(pid)
                              : errno_error(fmt::format("watch process {}", pid), errno);
    }
    // In this order: from here on fd stands for one process, whatever becomes of the number.
    ASSIGN_OR_RETURN(const std::uint64_t now, start_time(pid));
    if (now != started) {
        return gone(pid);
    }
    return fd;
}

bool kill_if(pid_t pid, const std::function<bool(pid_t)>& is_it, Duration wait) {
    if (pid <= 0) {
        return false;
    }
    const UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
    if (!fd || !is_it(pid)) {
        return false;
    }
    // When the number changed hands in between, fd stands for the dead one, and nobody is hit.
    if (::syscall(SYS_pidfd_send_signal, fd.get(), SIGKILL, nullptr, 0U) != 0) {
        return false;
    }
    pollfd entry{fd.get(), POLLIN, 0};
    const auto most = std::chrono::duration_cast<std::chrono::milliseconds>(wait);
    ::poll(&entry, 1, static_cast<int>(most.count()));
    return true;
}

bool is_alive(const UniqueFd& pidfd) {
    pollfd entry{pidfd.get(), POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&entry, 1, 0);
    } while (ready < 0 && errno == EINTR);
    return ready == 0;
}

}  // namespace podreeve::process
