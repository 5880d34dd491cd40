#include "agent/state/state_directory.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime/base/atomic_file.h"
#include "runtime/base/log.h"
#include "runtime/base/shell_word.h"

namespace podreeve::state {
namespace {

constexpr std::size_t kOwnerDigits = 16;

// One that was made for us (by systemd, by a person, by an earlier agent), and not somebody's home
// or /run, which nobody else could use any more once it is private.
bool may_be_ours(const std::filesystem::path& path) {
    std::error_code error;
    if (std::filesystem::is_empty(path, error) && !error) {
        return true;
    }
    // run/lock: that of `podreeve run`, which may have been before the first agent.
    return std::ranges::any_of(std::array{"state.db", "owner", "run/lock"}, [&](const char* name) {
        return std::filesystem::is_regular_file(path / name, error);
    });
}

}  // namespace

Status make_private_directory(const std::filesystem::path& path) {
    std::error_code error;
    if (path.has_parent_path()) {
        std::filesystem::create_directories(path.parent_path(), error);
    }
    // What stands in the way is told better by the calls below than by create_directories.
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        return errno_error(fmt::format("make the directory {}", path.string()), errno);
    }

    struct stat info {};

    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fstat(fd.get(), &info) != 0) {
        return errno_error(fmt::format("open the directory {}", path.string()), errno);
    }
    if (info.st_uid != ::geteuid()) {
        return fail(Code::Denied,
                    fmt::format("cannot keep the state in {}: it belongs to user {}; run 'chown "
                                "{} {}' if it is to be the agent's",
                                path.string(), info.st_uid, ::geteuid(), shell_word(path)));
    }
    if ((info.st_mode & 0777) == 0700) {
        return {};
    }
    if (!may_be_ours(path)) {
        return fail(Code::Conflict,
                    fmt::format("cannot keep the state in {}: it holds other things and is open to "
                                "others; name a directory for the state alone",
                                path.string()));
    }
    if (::fchmod(fd.get(), 0700) != 0) {
        return errno_error(fmt::format("make the directory {} private", path.string()), errno);
    }
    return {};
}

namespace {

std::string pid_in(int fd) {
    std::array<char, 32> buffer{};
    const ssize_t size = ::pread(fd, buffer.data(), buffer.size(), 0);
    std::string pid(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    pid.erase(std::find(pid.begin(), pid.end(), '\n'), pid.end());
    return pid.empty() ? "unknown" : pid;
}

// What an earlier agent wrote, or nothing at all: anything else is somebody's file.
bool is_pid(int fd) {
    std::array<char, 32> buffer{};
    const ssize_t size = ::pread(fd, buffer.data(), buffer.size(), 0);
    return std::all_of(buffer.begin(), buffer.begin() + std::max<ssize_t>(size, 0),
                       [](char c) { return (c >= '0' && c <= '9') || c == '\n'; });
}

Result<UniqueFd> take_lock(const std::filesystem::path& directory) {
    const std::filesystem::path file = directory / "lock";
    UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    const bool read_only = !fd && errno == EROFS;
    if (read_only) {
        fd = UniqueFd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    }
    if (!fd) {
        return errno_error(fmt::format("open {}", file.string()), errno);
    }
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return errno_error(fmt::format("lock {}", file.string()), errno);
        }
        return fail(Code::Conflict,
                    fmt::format("cannot use {}: another agent runs on it (pid {}); stop that one "
                                "first",
                                directory.string(), pid_in(fd.get())));
    }
    if (!is_pid(fd.get())) {
        return fail(Code::Conflict,
                    fmt::format("cannot use {}: {} holds something else than podreeve's pid",
                                directory.string(), file.string()));
    }
    // The pid is for people: a full disk must not keep the agent from starting.
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (read_only || ::fchmod(fd.get(), 0600) != 0 || ::ftruncate(fd.get(), 0) != 0 ||
        ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) {
        log::warn("cannot write the pid into {}", file.string());
    }
    return fd;
}

bool is_owner_id(const std::string& text) {
    return text.size() == kOwnerDigits &&
           text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// 2026-11-22T012237.123Z: colons confuse too many tools.
std::string time_in_name(WallTime now) {
    std::string text = to_rfc3339(now);
    std::erase(text, ':');
    return text;
}

}  // namespace

Result<StateDirectory> StateDirectory::open(const std::filesystem::path& path) {
    RETURN_IF_ERROR(make_private_directory(path));
    ASSIGN_OR_RETURN(UniqueFd lock, take_lock(path));
    return StateDirectory(path, std::move(lock));
}

Result<std::string> StateDirectory::read_owner(WallTime now) const {
    const std::filesystem::path file = owner_file();
    std::error_code error;
    if (!std::filesystem::exists(file, error) && !error) {
        return std::string();
    }
    auto content = read_file(file, 1024);
    if (!content && content.error().code != Code::InvalidArgument) {
        return content.error();
    }
    if (content && content->ends_with('\n')) {
        content->pop_back();
    }
    if (content && is_owner_id(*content)) {
        if (::chmod(file.c_str(), 0600) != 0 && errno != EROFS) {
            return errno_error(fmt::format("make {} private", file.string()), errno);
        }
        return *content;
    }
    ASSIGN_OR_RETURN(const std::string aside, set_aside(file, now));
    log::warn("{} held no instance id and was set aside as {}", file.string(), aside);
    return std::string();
}

Status StateDirectory::write_owner(const std::string& owner) const {
    return write_file_atomically(owner_file(), owner + "\n", 0600);
}

Result<std::string> StateDirectory::set_aside(const std::filesystem::path& file,
                                              WallTime now) const {
    std::error_code error;
    const std::string base = fmt::format("{}.corrupt-{}", file.string(), time_in_name(now));
    std::string name = base;
    for (int i = 2; std::filesystem::exists(name, error); ++i) {
        name = fmt::format("{}-{}", base, i);
    }
    for (const char* const part : {"", "-wal", "-shm", "-journal"}) {
        std::filesystem::rename(file.string() + part, name + part, error);
        if (error && *part == '\0') {
            return errno_error(fmt::format("set {} aside", file.string()), error.value());
        }
    }
    return std::filesystem::path(name).filename().string();
}

}  // namespace podreeve::state
