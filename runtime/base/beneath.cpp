#include "runtime/base/beneath.h"

#include <array>
#include <cerrno>
#include <deque>
#include <fcntl.h>
#include <linux/openat2.h>
#include <optional>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include <climits>
#include <fmt/format.h>

namespace podreeve {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as the kernel
constexpr int kPath = O_PATH | O_CLOEXEC | O_NOFOLLOW;

Error is_link(const fs::path& path) {
    return {Code::Denied, fmt::format("{} is a link, or is reached through one", path.string())};
}

Error leaves(const fs::path& root, const std::string& sub) {
    return {Code::Denied, fmt::format("{} leads out of {}", sub, root.string())};
}

// An O_PATH descriptor, or none and errno.
UniqueFd resolve(int root, const std::string& path) {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;  // with O_NOFOLLOW a link at the end would be opened itself
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    constexpr int kTries = 16;  // EAGAIN: something was renamed on the way
    UniqueFd fd;
    for (int i = 0; i < kTries && !fd; ++i) {
        fd = UniqueFd(
            static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
        if (!fd && errno != EAGAIN && errno != EINTR) {
            break;
        }
    }
    return fd;
}

// Nothing: this kernel, or what guards it, does not know the call.
std::optional<Result<UniqueFd>> open_by_kernel(int root,
                                               const fs::path& at,
                                               const std::string& sub) {
    UniqueFd fd = resolve(root, sub);
    if (fd) {
        return fd;
    }
    switch (errno) {
        case ENOSYS:
        case EPERM:
        case EINVAL:
        case E2BIG:
            return std::nullopt;
        case ELOOP:
            return Result<UniqueFd>(is_link(at / sub));
        case EXDEV:
            return Result<UniqueFd>(leaves(at, sub));
        default:
            return Result<UniqueFd>(
                errno_error(fmt::format("reach {}", (at / sub).string()), errno));
    }
}

Result<UniqueFd> open_by_steps(UniqueFd at, const fs::path& root, const std::string& sub) {
    fs::path walked = root;
    for (const fs::path& step : fs::path(sub)) {
        if (step.empty() || step == ".") {
            continue;
        }
        if (step == "..") {
            return leaves(root, sub);
        }
        walked /= step;
        UniqueFd next(::openat(at.get(), step.c_str(), kPath));

        struct stat info {};

        if (!next || ::fstat(next.get(), &info) != 0) {
            return errno_error(fmt::format("reach {}", walked.string()), errno);
        }
        if (S_ISLNK(info.st_mode)) {
            return is_link(walked);
        }
        at = std::move(next);
    }
    return at;
}

std::deque<std::string> steps_of(const std::string& path) {
    std::deque<std::string> steps;
    for (const fs::path& step : fs::path(path).relative_path()) {
        if (!step.empty() && step != ".") {
            steps.push_back(step.string());
        }
    }
    return steps;
}

std::string target_of(const UniqueFd& link) {
    std::array<char, PATH_MAX> text{};
    const ssize_t size = ::readlinkat(link.get(), "", text.data(), text.size());
    return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

}  // namespace

Result<UniqueFd> open_beneath(const fs::path& root, const std::string& sub, WalkBy by) {
    if (fs::path(sub).is_absolute()) {
        return leaves(root, sub);
    }
    UniqueFd top(::open(root.c_str(), O_PATH | O_CLOEXEC));
    if (!top) {
        return errno_error(fmt::format("reach {}", root.string()), errno);
    }
    if (by == WalkBy::Kernel && !sub.empty()) {
        if (auto opened = open_by_kernel(top.get(), root, sub)) {
            return std::move(*opened);
        }
    }
    return open_by_steps(std::move(top), root, sub);
}

// By steps alone: a unit with RestrictSUIDSGID= has no openat2.
Result<UniqueFd> open_in_root(const fs::path& root, const std::string& path) {
    UniqueFd top(::open(root.c_str(), O_PATH | O_CLOEXEC | O_DIRECTORY));
    if (!top) {
        return errno_error(fmt::format("reach {}", root.string()), errno);
    }
    std::vector<UniqueFd> opened;  // from the root down
    std::deque<std::string> left = steps_of(path);
    for (int links = 0; !left.empty();) {
        const std::string step = std::move(left.front());
        left.pop_front();
        if (step == "..") {
            opened.resize(opened.empty() ? 0 : opened.size() - 1);
            continue;
        }
        UniqueFd next(::openat((opened.empty() ? top : opened.back()).get(), step.c_str(), kPath));

        struct stat info {};

        if (!next || ::fstat(next.get(), &info) != 0) {
            return errno_error(fmt::format("reach {} below {}", path, root.string()), errno);
        }
        if (!S_ISLNK(info.st_mode)) {
            opened.push_back(std::move(next));
            continue;
        }
        const std::string target = target_of(next);
        if (target.empty() || ++links > kMostLinks) {
            return errno_error(fmt::format("reach {} below {}", path, root.string()), ELOOP);
        }
        opened.resize(target.front() == '/' ? 0 : opened.size());
        const std::deque<std::string> further = steps_of(target);
        left.insert(left.begin(), further.begin(), further.end());
    }
    return opened.empty() ? std::move(top) : std::move(opened.back());
}

}  // namespace podreeve
