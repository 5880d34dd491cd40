#include "runtime/process/child.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime/base/unique_fd.h"
#include "runtime/process/pidfd.h"
#include "runtime/process/spawn.h"

namespace podreeve::process {
namespace {

struct Pipe {
    UniqueFd out;
    UniqueFd in;
};

Result<Pipe> make_pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) {
        return errno_error("create a pipe", errno);
    }
    Pipe pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
    // Only our end: a program need not expect a stdout that does not block.
    ::fcntl(pipe.out.get(), F_SETFL, O_NONBLOCK);
    return pipe;
}

// This process' environment with the additions in the place of what they override.
std::vector<std::string> environment_with(const std::vector<std::string>& additions) {
    std::vector<std::string> all = additions;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::string_view key = text.substr(0, text.find('=') + 1);
        const auto overrides = [&](const std::string& each) { return each.starts_with(key); };
        if (std::none_of(additions.begin(), additions.end(), overrides)) {
            all.emplace_back(text);
        }
    }
    return all;
}

Result<pid_t> spawn(const Command& command, int output, int complaints) {
    Spawn spawning;
    int error = spawning.open(0, "/dev/null", O_RDONLY);
    if (error == 0) {
        error = spawning.duplicate(output, 1);
    }
    if (error == 0) {
        error = spawning.duplicate(complaints, 2);
    }
    if (error == 0 && !command.directory.empty()) {
        error = spawning.start_in(command.directory);
    }
    if (error != 0) {
        return errno_error(fmt::format("run {}", command.argv[0]), error);
    }
    return spawning.run(command.argv, environment_with(command.environment));
}

// One stream of the child, kept up to a bound.
struct Capture {
    UniqueFd fd;
    std::string text = {};
    bool cut = false;
    std::size_t total = 0;  // what was read, also what was dropped

    // Reads one buffer of what is there; closes at the end. False: there is no more now. Whoever
    // writes faster than this reads would hold a loop for ever.
    bool read_some(std::size_t max) {
        std::array<char, 65536> buffer;
        const ssize_t n = fd ? ::read(fd.get(), buffer.data(), buffer.size()) : 0;
        if (n < 0 && errno == EINTR) {
            return true;
        }
        if (n < 0 && errno == EAGAIN) {
            return false;
        }
        if (n <= 0) {
            fd.reset();
            return false;
        }
        const auto size = static_cast<std::size_t>(n);
        const std::size_t kept = std::min(size, max - text.size());
        text.append(buffer.data(), kept);
        cut = cut || kept < size;
        total += size;
        return true;
    }

    // The rest of what the program wrote: no more than a pipe holds, since a process that has left
    // its group may go on.
    void read_rest(std::size_t max) {
        const int holds = fd ? ::fcntl(fd.get(), F_GETPIPE_SZ) : 0;
        const std::size_t until = total + static_cast<std::size_t>(std::max(holds, 0));
        while (total < until && read_some(max)) {
        }
    }
};

Result<UniqueFd> start_timer(Duration deadline) {
    UniqueFd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    // A timer of zero would be none at all.
    const Duration left = std::max<Duration>(deadline, Duration(1));
    const auto whole = std::chrono::floor<std::chrono::seconds>(left);
    const itimerspec when{{0, 0}, {whole.count(), (left - whole).count()}};
    if (!fd || ::timerfd_settime(fd.get(), 0, &when, nullptr) != 0) {
        return errno_error("start a timer", errno);
    }
    return fd;
}

// A child that runs. It is killed with its group and reaped at the latest when this goes.
class Child {
  public:
    explicit Child(pid_t pid) : pid_(pid) {}

    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    ~Child() { reap(); }

    pid_t pid() const { return pid_; }

    // Ends what is left of the group. Before the leader is reaped, for after that its number may
    // be another group's.
    siginfo_t reap() {
        siginfo_t info{};
        if (pid_ == 0) {
            return info;
        }
        ::kill(-pid_, SIGKILL);
        while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {
        }
        pid_ = 0;
        return info;
    }

  private:
    pid_t pid_;
};

enum class ChildWake { Ended, Deadline, Stop, Flood };

// The descriptors waited for while the child runs.
struct ChildWait {
    int ended;
    int deadline;
    int stop;
};

Result<ChildWake> wait_for_end(const ChildWait& on,
                               Capture& output,
                               Capture& complaints,
                               const Command& command) {
    while (true) {
        // A closed stream's -1 is skipped by poll().
        std::array<pollfd, 5> fds{{{on.ended, POLLIN, 0},
                                   {on.deadline, POLLIN, 0},
                                   {on.stop, POLLIN, 0},
                                   {output.fd.get(), POLLIN, 0},
                                   {complaints.fd.get(), POLLIN, 0}}};
        if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) {
            return errno_error("wait for a program", errno);
        }
        output.read_some(command.max_output);
        complaints.read_some(command.max_output);
        if (fds[0].revents != 0) {
            return ChildWake::Ended;
        }
        if (fds[2].revents != 0) {
            return ChildWake::Stop;
        }
        if (fds[1].revents != 0) {
            return ChildWake::Deadline;
        }
        if (output.total + complaints.total > command.most_written) {
            return ChildWake::Flood;
        }
    }
}

Ended to_ended(const siginfo_t& info) {
    Ended ended;
    const bool exited = info.si_code == CLD_EXITED;
    ended.signal = exited ? 0 : info.si_status;
    ended.exit_code = exited ? info.si_status : 128 + info.si_status;
    return ended;
}

}  // namespace

Result<Ended> run_child(const Command& command, std::stop_token stop) {
    if (command.argv.empty() || command.argv[0].empty()) {
        return fail(Code::InvalidArgument, "cannot run a program: none is named");
    }
    ASSIGN_OR_RETURN(Pipe output_pipe, make_pipe());
    ASSIGN_OR_RETURN(Pipe complaints_pipe, make_pipe());
    ASSIGN_OR_RETURN(const UniqueFd timer, start_timer(command.deadline));
    const UniqueFd stopped(::eventfd(0, EFD_CLOEXEC));
    if (!stopped) {
        return errno_error("create an eventfd", errno);
    }
    const std::stop_callback on_stop(stop, [&] { ::eventfd_write(stopped.get(), 1); });

    ASSIGN_OR_RETURN(const pid_t pid,
                     spawn(command, output_pipe.in.get(), complaints_pipe.in.get()));
    Child child(pid);
    output_pipe.in.reset();
    complaints_pipe.in.reset();
    // Not reaped yet, so the number is still its own.
    ASSIGN_OR_RETURN(const std::uint64_t started, start_time(pid));
    ASSIGN_OR_RETURN(const UniqueFd pidfd, open_pidfd(pid, started));

    Capture output{std::move(output_pipe.out)};
    Capture complaints{std::move(complaints_pipe.out)};
    ASSIGN_OR_RETURN(const ChildWake wake, wait_for_end({pidfd.get(), timer.get(), stopped.get()},
                                                        output, complaints, command));
    if (wake == ChildWake::Stop) {
        return fail(Code::Cancelled, fmt::format("cannot finish {}: stopped", command.argv[0]));
    }
    if (wake == ChildWake::Deadline) {
        return fail(Code::Timeout, fmt::format("cannot finish {}: still running after {}",
                                               command.argv[0], to_short_text(command.deadline)));
    }
    if (wake == ChildWake::Flood) {
        return fail(Code::Unavailable,
                    fmt::format("cannot finish {}: it writes without end", command.argv[0]));
    }
    Ended ended = to_ended(child.reap());
    // What was written between the last look and the end.
    output.read_rest(command.max_output);
    complaints.read_rest(command.max_output);
    ended.output = std::move(output.text);
    ended.complaints = std::move(complaints.text);
    ended.cut = output.cut || complaints.cut;
    return ended;
}

}  // namespace podreeve::process
