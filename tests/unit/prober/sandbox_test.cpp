#include "runtime/prober/sandbox.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/prober/host_thread.h"
#include "runtime/prober/landlock.h"
#include "runtime/prober/privileges.h"
#include "runtime/prober/prober.h"
#include "runtime/prober/system_calls.h"
#include "tests/unit/prober/peer.h"

// Each in a child of its own, since none of it can be undone; with system calls alone, since the
// runtime of a sanitizer may not survive the list that is installed.
namespace podreeve::prober {
namespace {

constexpr int kNotPrepared = 200;

struct Ended {
    int code = -1;  // what act() gave: an errno, 0 when it was allowed
    int signal = 0;
};

int allowed_or_errno(long result) {
    return result < 0 ? errno : 0;
}

Ended in_child(const std::function<bool()>& prepare, const std::function<int()>& act) {
    const pid_t child = ::fork();
    if (child == 0) {
        const int code = prepare() ? act() : kNotPrepared;
        ::syscall(SYS_exit_group, code);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? Ended{-1, WTERMSIG(status)} : Ended{WEXITSTATUS(status), 0};
}

bool few_calls() {
    return give_up_gaining_rights() && allow_few_system_calls(false);
}

struct Call {
    const char* name;
    std::function<int()> act;
};

TEST(SystemCalls, WhatProbesTakeIsAllowed) {
    const Call calls[] = {
        {"a socket",
         [] { return allowed_or_errno(::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0)); }},
        {"another",
         [] { return allowed_or_errno(::syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0)); }},
        {"addresses",
         [] { return allowed_or_errno(::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0)); }},
        {"memory",
         [] {
             return allowed_or_errno(::syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_WRITE,
                                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
         }},
        {"a network, none",
         [] { return ::syscall(SYS_setns, -1, CLONE_NEWNET) < 0 && errno == EBADF ? 0 : errno; }},
        {"to name what is open",
         [] {
             struct stat found {};

             return allowed_or_errno(::fstat(0, &found));
         }},
        {"to fall back on clone()",
         [] { return ::syscall(SYS_clone3, nullptr, 0) < 0 && errno == ENOSYS ? 0 : errno; }},
    };
    for (const Call& call : calls) {
        const Ended ended = in_child(few_calls, call.act);
        EXPECT_EQ(ended.code, 0) << call.name;
        EXPECT_EQ(ended.signal, 0) << call.name;
    }
}

// Each of them works without the list: else this would prove nothing.
TEST(SystemCalls, AnyOtherIsRefused) {
    const Call calls[] = {
        {"open a file",
         [] {
             return allowed_or_errno(::syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY));
         }},
        {"look at a file",
         [] {
             struct stat found {};

             return allowed_or_errno(::syscall(SYS_newfstatat, AT_FDCWD, "/", &found, 0));
         }},
        {"a Unix socket",
         [] { return allowed_or_errno(::syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0)); }},
        {"listen",
         [] {
             const int fd = static_cast<int>(::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
             return allowed_or_errno(::syscall(SYS_listen, fd, 1));
         }},
        {"memory that is code",
         [] {
             return allowed_or_errno(::syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_EXEC,
                                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
         }},
        {"another process",
         [] {
             const long child = ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
             if (child == 0) {
                 ::syscall(SYS_exit_group, 0);
             }
             return allowed_or_errno(child);
         }},
        {"signal to somebody",
         [] { return allowed_or_errno(::syscall(SYS_kill, ::getppid(), 0)); }},
        {"be somebody else", [] { return allowed_or_errno(::syscall(SYS_setuid, ::getuid())); }},
    };
    for (const Call& call : calls) {
        EXPECT_EQ(in_child([] { return true; }, call.act).code, 0)
            << call.name << " without the list";
        const Ended ended = in_child(few_calls, call.act);
        EXPECT_EQ(ended.code, EPERM) << call.name;
        EXPECT_EQ(ended.signal, 0) << call.name;
    }
}

TEST(SystemCalls, ANamespaceOfAnotherKindIsRefused) {
    for (const int kind : {CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS, 0}) {
        const auto enter = [kind] { return allowed_or_errno(::syscall(SYS_setns, -1, kind)); };
        EXPECT_EQ(in_child([] { return true; }, enter).code, EBADF);
        EXPECT_EQ(in_child(few_calls, enter).code, EPERM) << kind;
    }
}

TEST(SystemCalls, WhatOnlyAnIntruderDoesKills) {
    const Call calls[] = {
        {"run a program",
         [] {
             char* const argv[] = {const_cast<char*>("true"), nullptr};
             return allowed_or_errno(::syscall(SYS_execve, "/bin/true", argv, argv + 1));
         }},
        {"trace", [] { return allowed_or_errno(::syscall(SYS_ptrace, 0, 0, 0, 0)); }},
        {"mount", [] { return allowed_or_errno(::syscall(SYS_mount, "", "/", "tmpfs", 0, 0)); }},
        {"a namespace of its own",
         [] { return allowed_or_errno(::syscall(SYS_unshare, CLONE_NEWUSER)); }},
        {"code into the kernel",
         [] { return allowed_or_errno(::syscall(SYS_bpf, 0, nullptr, 0)); }},
    };
    for (const Call& call : calls) {
        EXPECT_EQ(in_child(few_calls, call.act).signal, SIGSYS) << call.name;
    }
}

bool no_files() {
    return give_up_gaining_rights() && shut_off_files();
}

class Landlock : public testing::Test {
  protected:
    void SetUp() override {
        if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) < 1) {
            EXPECT_EQ(in_child([] { return true; },
                               [] {
                                   const Status done = shut_off_files();
                                   return !done && done.error().code == Code::Unsupported ? 0 : 1;
                               })
                          .code,
                      0);
            there_ = false;  // and that is what it said
        }
    }

    bool there_ = true;
};

TEST_F(Landlock, ShutsOffAllFiles) {
    if (!there_) {
        return;
    }
    const std::string file =
        ::testing::TempDir() + "podreeve-landlock-" + std::to_string(::getpid());
    ::close(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    const std::string fresh = file + ".fresh";
    const auto open = [](const std::string& path, int flags) {
        return [path, flags] {
            return allowed_or_errno(::syscall(SYS_openat, AT_FDCWD, path.c_str(), flags, 0600));
        };
    };
    const Call calls[] = {
        {"read", open(file, O_RDONLY)},
        {"write", open(file, O_WRONLY)},
        {"list", open("/", O_RDONLY | O_DIRECTORY)},
        {"of /proc", open("/proc/self/maps", O_RDONLY)},
        {"make", open(fresh, O_CREAT | O_WRONLY)},
    };
    for (const Call& call : calls) {
        EXPECT_EQ(in_child([] { return true; }, call.act).code, 0) << call.name << " without it";
        ::unlink(fresh.c_str());
        EXPECT_EQ(in_child(no_files, call.act).code, EACCES) << call.name;
    }
    EXPECT_EQ(in_child(no_files, [&] { return allowed_or_errno(::unlink(file.c_str())); }).code,
              EACCES);
    ::unlink(file.c_str());
}

TEST_F(Landlock, ShutsOffOtherProcesses) {
    if (!there_) {
        return;
    }
    const auto of_parent = [] {
        char path[64];
        std::snprintf(path, sizeof(path), "/proc/%d/ns/net", ::getppid());
        return allowed_or_errno(::syscall(SYS_openat, AT_FDCWD, path, O_RDONLY));
    };
    EXPECT_EQ(in_child([] { return true; }, of_parent).code, 0);
    EXPECT_NE(in_child(no_files, of_parent).code, 0);
}

TEST(Privileges, NobodyGainsAnyOrLooksIn) {
    const auto prepared = [] { return give_up_gaining_rights().has_value(); };
    EXPECT_EQ(in_child(prepared, [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); }).code, 1);
    EXPECT_EQ(in_child(prepared, [] { return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }).code, 0);
    EXPECT_EQ(
        in_child([] { return true; }, [] { return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }).code, 1);
    EXPECT_EQ(in_child(prepared,
                       [] {
                           rlimit limit{};
                           ::getrlimit(RLIMIT_CORE, &limit);
                           return static_cast<int>(limit.rlim_max);
                       })
                  .code,
              0);
}

// As root, or as what unshare() makes of a user.
bool is_root_of_something() {
    return ::geteuid() == 0 || ::unshare(CLONE_NEWUSER) == 0;
}

TEST(Privileges, EnteringANetworkIsAllThatIsLeft) {
    const auto new_network = [] { return allowed_or_errno(::unshare(CLONE_NEWNET)); };
    if (in_child(is_root_of_something, [] { return 0; }).code == kNotPrepared) {
        // A user who may make no user namespace has no capability to keep, and gains none.
        const auto refused = [] { return !keep_capability_to_enter(); };
        EXPECT_EQ(in_child(refused, new_network).code, EPERM);
        return;
    }
    const auto prepared = [] {
        return is_root_of_something() && keep_capability_to_enter().has_value();
    };
    EXPECT_EQ(in_child(prepared, new_network).code, 0);
    const auto bind_low = [] {  // CAP_NET_RAW in a network of its own
        ::unshare(CLONE_NEWNET);
        return allowed_or_errno(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 1));
    };
    EXPECT_EQ(in_child(is_root_of_something, bind_low).code, 0);
    EXPECT_EQ(in_child(prepared, bind_low).code, EPERM);
    const auto without = [&] {
        if (!prepared()) {
            return false;
        }
        drop_capabilities();
        return true;
    };
    EXPECT_EQ(in_child(without, new_network).code, EPERM);
}

TEST(ShutIn, TakesAllThatThisKernelCan) {
    EXPECT_EQ(
        in_child([] { return shut_in().empty(); },
                 [] { return allowed_or_errno(::syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0)); })
            .code,
        EPERM);
}

// How many of these fail, when they are asked by a process that is shut in by the installed list.
int failures_of(Prober& prober, const std::vector<probe::ProbeSpec>& probes) {
    std::vector<std::uint32_t> all;
    for (const probe::ProbeSpec& each : probes) {
        all.push_back(static_cast<std::uint32_t>(all.size() + 1));
        auto namespaces = probe::open_namespaces(each.pid);
        prober.take(probe::wire::Learn{all.back(), each}, std::move(*namespaces));
    }
    if (!give_up_gaining_rights() || !keep_capability_to_enter() ||
        !allow_few_system_calls(false)) {
        return kNotPrepared;
    }
    (void)shut_off_files();
    prober.take(probe::wire::Ask{all});
    std::size_t reported = 0;
    int failed = 0;
    for (int i = 0; i < 2000 && reported < all.size(); ++i) {
        (void)prober.turn(-1, std::chrono::milliseconds(10));
        for (const probe::ProbeResult& result : prober.results()) {
            ++reported;
            failed += result.outcome == probe::Outcome::Success ? 0 : 1;
        }
    }
    return reported == all.size() ? failed : kNotPrepared + 1;
}

TEST(ShutIn, AllSortsOfQuestionsAreStillAsked) {
    if (::geteuid() != 0) {
        return;
    }
    const std::string ok = "HTTP/1.1 204 X\r\n\r\n";
    const Peer tcp(silent()), http(answering(ok)), tls(answering_in_tls(ok));
    const auto probe = [](probe::Protocol kind, std::uint16_t port, bool in_tls) {
        probe::ProbeSpec out;
        out.kind = kind;
        out.pid = ::getpid();
        out.ports = {port};
        out.path = "/";
        out.tls = in_tls;
        out.timeout = std::chrono::seconds(10);
        return out;
    };
    std::vector<probe::ProbeSpec> probes = {probe(probe::Protocol::Tcp, tcp.port(), false),
                                            probe(probe::Protocol::Http, http.port(), false),
                                            probe(probe::Protocol::Http, tls.port(), true)};
    const SystemClock clock;
    const auto ask = [&] {
        const auto prober = Prober::create(clock);
        return prober ? failures_of(**prober, probes) : kNotPrepared;
    };
    EXPECT_EQ(in_child([] { return true; }, ask).code, 0);
    probes.push_back(probe(probe::Protocol::Tcp, closed_port(), false));
    EXPECT_EQ(in_child([] { return true; }, ask).code, 1) << "nobody listens there";
}

TEST(ShutIn, AThreadCanStillBeStarted) {
    EXPECT_EQ(in_child(few_calls,
                       [] {
                           int code = 1;
                           if (auto host = HostThread::start()) {
                               (*host)->run([&] { code = ::unshare(CLONE_NEWNET) == 0 ? 2 : 0; });
                           }
                           return code;
                       })
                  .signal,
              SIGSYS)
        << "unshare() ends the process: so it got there";
}

}  // namespace
}  // namespace podreeve::prober
