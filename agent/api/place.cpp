#include "agent/api/place.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime/base/shell_word.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::api {
namespace {

namespace fs = std::filesystem;

std::string cannot(const fs::path& socket, const std::string& why) {
    return fmt::format("cannot listen on {}: {}", socket.string(), why);
}

// Of those that are missing, each is ours alone.
Status make_directories(const fs::path& directory) {
    if (directory.has_parent_path() && directory != directory.parent_path()) {
        std::error_code error;
        if (!fs::exists(directory.parent_path(), error)) {
            RETURN_IF_ERROR(make_directories(directory.parent_path()));
        }
    }
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
        return errno_error(fmt::format("make {}", directory.string()), errno);
    }
    return {};
}

// Who may write there could put a socket of their own in our place. A sticky directory, as /tmp is,
// is no better: they only have to come first.
Status check_directory(const UniqueFd& directory, const fs::path& path, const fs::path& socket) {
    struct stat info {};

    if (!directory || ::fstat(directory.get(), &info) != 0) {
        return errno_error(fmt::format("open {}", path.string()), errno);
    }
    if (info.st_uid != ::geteuid()) {
        return fail(Code::Denied,
                    cannot(socket, fmt::format("the directory {} belongs to another user; name one "
                                               "of the agent's own",
                                               path.string())));
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return fail(Code::Denied,
                    cannot(socket, fmt::format("others may write in {}; 'chmod go-w {}', or name "
                                               "another directory",
                                               path.string(), shell_word(path))));
    }
    return {};
}

sockaddr_un address_of(const fs::path& socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
    return address;
}

// One who is so busy that nobody can be queued any more (EAGAIN) is there, too; it is not waited
// for.
bool is_listening(const fs::path& socket) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_un address = address_of(socket);
    return fd &&
           (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
            errno == EAGAIN);
}

// What a dead agent left.
Status remove_stale(const UniqueFd& directory, const fs::path& socket) {
    const std::string name = socket.filename().string();

    struct stat info {};

    if (::fstatat(directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? Status()
                               : errno_error(fmt::format("look at {}", socket.string()), errno);
    }
    if (!S_ISSOCK(info.st_mode) || info.st_uid != ::geteuid()) {
        return fail(Code::Conflict,
                    cannot(socket, S_ISSOCK(info.st_mode)
                                       ? "there is a socket of another user"
                                       : "what is there is no socket; name another path, or "
                                         "move it away"));
    }
    if (is_listening(socket)) {
        return fail(Code::Conflict, cannot(socket, "another podreeved answers there"));
    }
    if (::unlinkat(directory.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
        return errno_error(fmt::format("remove {}", socket.string()), errno);
    }
    return {};
}

constexpr int kMostWaiting = 64;  // to be accepted

}  // namespace

Status make_place(const fs::path& socket) {
    if (socket.string().size() >= sizeof(sockaddr_un::sun_path)) {
        return fail(Code::InvalidArgument, cannot(socket, "the path is too long for a socket"));
    }
    if (!socket.has_filename()) {
        return fail(Code::InvalidArgument, cannot(socket, "the path names no file"));
    }
    const fs::path parent = socket.has_parent_path() ? socket.parent_path() : fs::path(".");
    RETURN_IF_ERROR(make_directories(parent));
    const UniqueFd directory(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    RETURN_IF_ERROR(check_directory(directory, parent, socket));
    return remove_stale(directory, socket);
}

// The socket has the mode of its descriptor from the moment it is there.
Result<UniqueFd> listen_at(const fs::path& socket) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_un address = address_of(socket);
    if (!fd || ::fchmod(fd.get(), 0600) != 0 ||
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(socket.c_str(), 0600) != 0 || ::listen(fd.get(), kMostWaiting) != 0) {
        return errno_error(fmt::format("listen on {}", socket.string()), errno);
    }
    return fd;
}

}  // namespace podreeve::api
