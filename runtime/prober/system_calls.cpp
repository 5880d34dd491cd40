#include "runtime/prober/system_calls.h"

#include <cerrno>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <fmt/format.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PODREEVE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PODREEVE_SANITIZED 1
#endif
#endif

namespace podreeve::prober {
namespace {

// Names, since not every architecture has every call.
constexpr const char* kAllowed[] = {
    // bytes and what waits for them
    "read", "readv", "write", "writev", "close", "recvfrom", "recvmsg", "sendto", "sendmsg", "poll",
    "ppoll", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "fcntl",
    // sockets
    "connect", "shutdown", "getsockopt", "setsockopt", "getsockname", "getpeername",
    // memory
    "brk", "munmap", "mremap", "madvise",
    // threads, time, the end
    "futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "gettid", "getpid",
    "tgkill", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
    "clock_gettime", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom", "exit",
    "exit_group",
    // to give up what is left of rights
    "capset", "prctl", "geteuid", "getuid", "fstat"};

// What the runtime of a sanitizer needs besides, to report what it found.
constexpr const char* kSanitizers[] = {
    "open", "openat",   "readlink",   "readlinkat", "stat",    "lseek", "prlimit64", "getrlimit",
    "mmap", "mprotect", "newfstatat", "getrusage",  "mincore", "ioctl", "uname"};

constexpr const char* kDeadly[] = {"execve",
                                   "execveat",
                                   "ptrace",
                                   "process_vm_readv",
                                   "process_vm_writev",
                                   "mount",
                                   "umount2",
                                   "pivot_root",
                                   "open_tree",
                                   "move_mount",
                                   "bpf",
                                   "init_module",
                                   "finit_module",
                                   "kexec_load",
                                   "kexec_file_load",
                                   "open_by_handle_at",
                                   "unshare",
                                   "userfaultfd",
                                   "perf_event_open",
                                   "pidfd_getfd"};

struct Bound {
    const char* call;
    std::vector<scmp_arg_cmp> arguments;
};

scmp_arg_cmp is(unsigned argument, std::uint64_t value) {
    return {argument, SCMP_CMP_EQ, value, 0};
}

scmp_arg_cmp has(unsigned argument, std::uint64_t bits) {
    return {argument, SCMP_CMP_MASKED_EQ, bits, bits};
}

scmp_arg_cmp lacks(unsigned argument, std::uint64_t bits) {
    return {argument, SCMP_CMP_MASKED_EQ, bits, 0};
}

std::vector<Bound> bounds() {
    return {{"socket", {is(0, AF_INET)}},
            {"socket", {is(0, AF_INET6)}},
            {"socket", {is(0, AF_NETLINK)}},
            {"mmap", {lacks(2, PROT_EXEC)}},
            {"mmap2", {lacks(2, PROT_EXEC)}},
            {"mprotect", {lacks(2, PROT_EXEC)}},
            {"clone", {has(0, CLONE_THREAD | CLONE_VM)}},
            {"setns", {is(1, CLONE_NEWNET)}},
            {"setns", {is(1, CLONE_NEWUSER)}},
            {"ioctl", {is(1, NS_GET_PARENT)}},
            // fstat() of newer libraries: of a descriptor, by no name
            {"newfstatat", {has(3, AT_EMPTY_PATH)}}};
}

class Filter {
  public:
    Filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(EPERM)), ::seccomp_release) {}

    bool made() const { return context_ != nullptr; }

    // A call that this architecture does not have needs no rule.
    void add(std::uint32_t action, const char* call, const std::vector<scmp_arg_cmp>& only = {}) {
        const int number = ::seccomp_syscall_resolve_name(call);
        if (number != __NR_SCMP_ERROR && error_ == 0) {
            error_ = ::seccomp_rule_add_array(context_.get(), action, number,
                                              static_cast<unsigned>(only.size()), only.data());
            error_ = error_ == -EDOM || error_ == -EACCES ? 0 : error_;
        }
    }

    int load() { return error_ != 0 ? error_ : ::seccomp_load(context_.get()); }

  private:
    std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
    int error_ = 0;  // negative errno, of the first rule that failed
};

}  // namespace

Status allow_few_system_calls(bool sanitized) {
    Filter filter;
    if (!filter.made()) {
        return fail(Code::Unsupported, "this system has no seccomp");
    }
    for (const char* call : kAllowed) {
        filter.add(SCMP_ACT_ALLOW, call);
    }
    for (const char* call : kDeadly) {
        filter.add(SCMP_ACT_KILL_PROCESS, call);
    }
    // glibc then falls back on clone(), whose flags can be seen.
    filter.add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
    for (const auto& [call, arguments] : bounds()) {
        filter.add(SCMP_ACT_ALLOW, call, arguments);
    }
    if (sanitized) {
        for (const char* call : kSanitizers) {
            filter.add(SCMP_ACT_ALLOW, call);
        }
    }
    if (const int error = filter.load(); error != 0) {
        if (error == -EINVAL || error == -ENOSYS) {
            return fail(Code::Unsupported, "this kernel has no seccomp");
        }
        return errno_error("restrict system calls", -error);
    }
    return {};
}

Status allow_few_system_calls() {
#ifdef PODREEVE_SANITIZED
    return allow_few_system_calls(true);
#else
    return allow_few_system_calls(false);
#endif
}

}  // namespace podreeve::prober
