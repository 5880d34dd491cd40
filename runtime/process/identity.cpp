#include "runtime/process/identity.h"

#include "runtime/base/atomic_file.h"
#include "runtime/process/pidfd.h"

namespace podreeve::process {
namespace {

constexpr std::size_t kMostText = 64 * 1024;

std::filesystem::path of(const std::filesystem::path& proc, pid_t pid, const char* file) {
    return proc / std::to_string(pid) / file;
}

// Whether the file has the text in it.
Presence holds(const std::filesystem::path& file, const std::string& text) {
    const auto content = read_file(file, kMostText);
    if (!content) {
        return content.error().code == Code::NotFound ? Presence::Gone : Presence::Unknown;
    }
    return content->find(text) == std::string::npos ? Presence::Gone : Presence::There;
}

}  // namespace

Result<Identity> identify(pid_t pid, const std::filesystem::path& proc) {
    ASSIGN_OR_RETURN(const std::string boot_id,
                     read_file(proc / "sys/kernel/random/boot_id", kMostText));
    ASSIGN_OR_RETURN(const std::uint64_t started, start_time(pid, proc));
    return Identity{boot_id, pid, started};
}

Presence look_for(const Identity& process, const std::filesystem::path& proc) {
    const auto now = identify(process.pid, proc);
    if (!now) {
        return now.error().code == Code::NotFound &&
                       read_file(proc / "sys/kernel/random/boot_id", kMostText)
                   ? Presence::Gone
                   : Presence::Unknown;
    }
    return *now == process ? Presence::There : Presence::Gone;
}

Presence belongs_to(pid_t pid, const std::string& container_id, const std::filesystem::path& proc) {
    if (pid <= 0 || container_id.empty()) {
        return Presence::Unknown;
    }
    const Presence in_cgroup = holds(of(proc, pid, "cgroup"), container_id);
    if (in_cgroup == Presence::There) {
        return Presence::There;
    }
    const Presence in_arguments = holds(of(proc, pid, "cmdline"), container_id);
    if (in_arguments == Presence::There) {
        return Presence::There;
    }
    const bool agree = in_cgroup == Presence::Gone && in_arguments == Presence::Gone;
    return agree ? Presence::Gone : Presence::Unknown;
}

}  // namespace podreeve::process
