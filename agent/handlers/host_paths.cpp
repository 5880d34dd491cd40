#include "agent/handlers/host_paths.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>

#include <fmt/format.h>

#include "runtime/base/unique_fd.h"

namespace podreeve::handlers {

namespace {

namespace fs = std::filesystem;

bool has_option(const manifests::Mount& mount, std::string_view option) {
    return std::find(mount.options.begin(), mount.options.end(), option) != mount.options.end();
}

Status make_directories(const fs::path& path) {
    fs::path made;
    for (const fs::path& step : path) {
        made /= step;
        if (mkdir(made.c_str(), 0755) != 0 && errno != EEXIST && errno != EISDIR &&
            errno != EACCES && errno != EROFS) {
            return errno_error(fmt::format("create directory {}", made.string()), errno);
        }
    }

    struct stat there {};

    if (stat(path.c_str(), &there) != 0) {
        return errno_error(fmt::format("create directory {}", path.string()), errno);
    }
    if (!S_ISDIR(there.st_mode)) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot mount {}: it is not a directory", path.string()));
    }
    return {};
}

Status make_file(const fs::path& path) {
    const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd && errno != EEXIST) {
        return errno_error(fmt::format("create file {}", path.string()), errno);
    }
    return {};
}

}  // namespace

Status make_host_path(const manifests::Mount& mount) {
    if (mount.kind != manifests::MountKind::Bind) {
        return {};
    }
    if (has_option(mount, manifests::kOptionCreateDirectory)) {
        return make_directories(mount.source);
    }
    if (has_option(mount, manifests::kOptionCreateFile)) {
        return make_file(mount.source);
    }
    return {};
}

}  // namespace podreeve::handlers
