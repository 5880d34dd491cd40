#include "agent/handlers/host_paths.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <set>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "runtime/base/unique_fd.h"

namespace podreeve::handlers {

namespace {

namespace fs = std::filesystem;

// "/data" is a link of the host's owner, as "/var/run" and "/srv/data" are. "/data/sub" may be one
// of a container's to which "/data" was given, and "/tmp/sub" one of anybody's.
bool is_owners_link(const fs::path& link, int depth) {
    static const std::set<fs::path> standard{"/home", "/media", "/mnt", "/opt", "/root",
                                             "/run",  "/srv",   "/usr", "/var"};
    return depth == 1 || (depth == 2 && standard.contains(link.parent_path()));
}

bool has_option(const manifests::Mount& mount, std::string_view option) {
    return std::find(mount.options.begin(), mount.options.end(), option) != mount.options.end();
}

// What is made is for containers of any user, whatever the umask.
constexpr mode_t kDirectoryMode = 0755;
constexpr mode_t kFileMode = 0644;

// 0, or the error number. One that is there already stays as it is.
int make_step(int parent, const fs::path& step) {
    if (::mkdirat(parent, step.c_str(), kDirectoryMode) != 0) {
        return errno == EEXIST || errno == EISDIR || errno == EROFS || errno == EACCES ? 0 : errno;
    }
    const UniqueFd made(
        ::openat(parent, step.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return made && ::fchmod(made.get(), kDirectoryMode) == 0 ? 0 : errno;
}

Error linked(const fs::path& path, const fs::path& link) {
    return {Code::Denied,
            fmt::format("cannot create {}: {} is a link, which a container may have made; name the "
                        "place that it leads to, or make the directory yourself",
                        path.string(), link.string())};
}

// path as far as it is there, and no further than the first link that may not be followed.
Result<UniqueFd> step_into(int parent, const fs::path& walked, int depth, bool& refused) {
    const fs::path step = walked.filename();

    struct stat info {};

    const bool is_link =
        ::fstatat(parent, step.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
    refused = is_link && !is_owners_link(walked, depth);
    const int follow = is_link && !refused ? 0 : O_NOFOLLOW;
    return UniqueFd(::openat(parent, step.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | follow));
}

// The directory, made where it is missing, every step below the one before it.
Result<UniqueFd> make_beyond_links(const fs::path& path, bool make) {
    UniqueFd at(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    fs::path walked = "/";
    int depth = 0;
    for (const fs::path& step : path.relative_path()) {
        if (step.empty()) {
            continue;
        }
        walked /= step;
        if (const int error = make ? make_step(at.get(), step) : 0; error != 0) {
            return errno_error(fmt::format("create directory {}", walked.string()), error);
        }
        bool refused = false;
        ASSIGN_OR_RETURN(UniqueFd next, step_into(at.get(), walked, ++depth, refused));
        if (refused) {
            return linked(path, walked);
        }
        if (!next) {
            return errno_error(fmt::format("create directory {}", walked.string()), errno);
        }
        at = std::move(next);
    }
    return at;
}

Status make_all(const fs::path& path) {
    fs::path made;
    for (const fs::path& step : path) {
        made /= step;
        if (const int error = make_step(AT_FDCWD, made); error != 0) {
            return errno_error(fmt::format("create directory {}", made.string()), error);
        }
    }
    return {};
}

Status make_directories(const fs::path& path, MadeBy by) {
    struct stat there {};

    if (stat(path.c_str(), &there) != 0) {
        if (by == MadeBy::Root) {
            RETURN_IF_ERROR(make_beyond_links(path, true));
        } else {
            RETURN_IF_ERROR(make_all(path));
        }
        if (stat(path.c_str(), &there) != 0) {
            return errno_error(fmt::format("create directory {}", path.string()), errno);
        }
    }
    if (!S_ISDIR(there.st_mode)) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot mount {}: it is not a directory", path.string()));
    }
    return {};
}

Status make_file(const fs::path& path, MadeBy by) {
    struct stat there {};

    if (lstat(path.c_str(), &there) == 0) {
        return {};
    }
    UniqueFd directory;
    if (by == MadeBy::Root) {
        ASSIGN_OR_RETURN(directory, make_beyond_links(path.parent_path(), false));
    } else {
        directory.reset(open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    const UniqueFd fd(directory ? openat(directory.get(), path.filename().c_str(),
                                         O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode)
                                : -1);
    if ((!fd && errno != EEXIST) || (fd && ::fchmod(fd.get(), kFileMode) != 0)) {
        return errno_error(fmt::format("create file {}", path.string()), errno);
    }
    return {};
}

}  // namespace

MadeBy made_by_this_process() {
    return ::geteuid() == 0 ? MadeBy::Root : MadeBy::User;
}

Status make_host_path(const manifests::Mount& mount, MadeBy by) {
    if (mount.kind != manifests::MountKind::Bind) {
        return {};
    }
    if (has_option(mount, manifests::kOptionCreateDirectory)) {
        return make_directories(mount.source, by);
    }
    if (has_option(mount, manifests::kOptionCreateFile)) {
        return make_file(mount.source, by);
    }
    return {};
}

Status ask_host(const Task& task, const std::string& path, std::function<Status()> ask) {
    const auto reply = std::make_shared<Status>();
    const bool replied =
        task.world.host_paths->run(path, [reply, ask = std::move(ask)] { *reply = ask(); });
    if (!replied) {
        return fail(Code::Internal,
                    fmt::format("cannot look at {}: its file system does not answer", path));
    }
    if (!*reply && traits(reply->error().code).retryable) {
        return fail(Code::Internal, reply->error().message);
    }
    return *reply;
}

}  // namespace podreeve::handlers
