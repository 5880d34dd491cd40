#include "agent/handlers/volume_files.h"

#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <set>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime/base/digest.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::handlers {

namespace {

namespace fs = std::filesystem;

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr mode_t kModeBits = 07777;

Error io_error(const char* verb, const fs::path& path) {
    return errno_error(fmt::format("{} {} in the volume", verb, path.string()), errno);
}

Result<std::vector<std::string>> names_in(int directory, const fs::path& path) {
    UniqueFd copy(openat(directory, ".", kDirectory));
    DIR* raw = copy ? fdopendir(copy.get()) : nullptr;
    if (raw == nullptr) {
        return io_error("list", path);
    }
    copy.release();
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(raw, closedir);
    std::vector<std::string> names;
    while (const dirent* entry = readdir(entries.get())) {
        const std::string name = &entry->d_name[0];
        if (name != "." && name != "..") {
            names.push_back(name);
        }
    }
    return names;
}

// Whatever it is, with all that is in it; a link is removed, not what it leads to.
Status remove_tree(int parent, const std::string& name, const fs::path& path) {
    if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) {
        return {};
    }
    const int unlink_error = errno;
    const UniqueFd directory(openat(parent, name.c_str(), kDirectory));
    if (!directory) {
        errno = unlink_error;
        return io_error("remove", path);
    }
    ASSIGN_OR_RETURN(const auto names, names_in(directory.get(), path));
    for (const std::string& inner : names) {
        RETURN_IF_ERROR(remove_tree(directory.get(), inner, path / inner));
    }
    if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0) {
        return io_error("remove", path);
    }
    return {};
}

Status give_mode(int fd, mode_t mode, const fs::path& path) {
    struct stat now {};

    if (fstat(fd, &now) == 0 && (now.st_mode & kModeBits) == mode) {
        return {};
    }
    if (fchmod(fd, mode) != 0) {
        return io_error("change the mode of", path);
    }
    return {};
}

Result<UniqueFd> open_directory(int parent, const std::string& name, const fs::path& path) {
    UniqueFd directory(openat(parent, name.c_str(), kDirectory));
    if (!directory && errno != ENOENT) {
        RETURN_IF_ERROR(remove_tree(parent, name, path));
    }
    if (!directory) {
        if (mkdirat(parent, name.c_str(), 0755) != 0) {
            return io_error("create", path);
        }
        directory.reset(openat(parent, name.c_str(), kDirectory));
    }
    if (!directory) {
        return io_error("open", path);
    }
    RETURN_IF_ERROR(give_mode(directory.get(), 0755, path));
    return directory;
}

// Whether the file there has that content; an unreadable or odd one has not.
bool has_content(int fd, const std::string& content) {
    struct stat now {};

    if (fstat(fd, &now) != 0 || !S_ISREG(now.st_mode) ||
        static_cast<std::size_t>(now.st_size) != content.size()) {
        return false;
    }
    std::string there(content.size(), '\0');
    std::size_t got = 0;
    while (got < there.size()) {
        const ssize_t n = read(fd, there.data() + got, there.size() - got);
        if (n <= 0) {
            return false;
        }
        got += static_cast<std::size_t>(n);
    }
    return there == content;
}

Status write_all(int fd, const std::string& content, const fs::path& path) {
    std::size_t put = 0;
    while (put < content.size()) {
        const ssize_t n = write(fd, content.data() + put, content.size() - put);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return io_error("write", path);
        }
        put += static_cast<std::size_t>(n);
    }
    return {};
}

Status replace_file(int directory,
                    const std::string& name,
                    const manifests::VolumeFile& file,
                    const fs::path& path) {
    const std::string temporary = ".podreeve-" + random_hex(8);
    const UniqueFd fd(openat(directory, temporary.c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) {
        return io_error("create", path);
    }
    Status written = write_all(fd.get(), file.content, path);
    if (written) {
        written = give_mode(fd.get(), file.mode & kModeBits, path);
    }
    if (written && fsync(fd.get()) != 0) {
        written = io_error("write", path);
    }
    if (written && renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) {
        written = io_error("replace", path);
    }
    if (!written) {
        unlinkat(directory, temporary.c_str(), 0);
    }
    return written;
}

// Whether it had to be written.
Result<bool> write_file(int directory,
                        const std::string& name,
                        const manifests::VolumeFile& file,
                        const fs::path& path) {
    struct stat there {};

    const bool exists = fstatat(directory, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0;
    if (exists && S_ISREG(there.st_mode)) {
        const UniqueFd fd(openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        if (fd && has_content(fd.get(), file.content)) {
            RETURN_IF_ERROR(give_mode(fd.get(), file.mode & kModeBits, path));
            return false;
        }
    }
    if (exists && S_ISDIR(there.st_mode)) {
        RETURN_IF_ERROR(remove_tree(directory, name, path));
    }
    RETURN_IF_ERROR(replace_file(directory, name, file, path));
    return true;
}

Result<fs::path> checked_path(const std::string& text) {
    const fs::path path(text);
    const bool odd = text.empty() || path.is_absolute() || path.lexically_normal() != path ||
                     *path.begin() == ".." || !path.has_filename() || path.filename() == ".";
    if (odd) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot write {} into a volume: the path has to be relative and "
                                "to stay inside",
                                text));
    }
    return path;
}

Result<bool> write_at(int root, const fs::path& path, const manifests::VolumeFile& file) {
    UniqueFd directory(openat(root, ".", kDirectory));
    fs::path walked;
    for (const fs::path& step : path.parent_path()) {
        walked /= step;
        ASSIGN_OR_RETURN(directory, open_directory(directory.get(), step.string(), walked));
    }
    return write_file(directory.get(), path.filename().string(), file, path);
}

// Removes what is neither wanted nor a directory on the way to something wanted.
Status remove_unwanted(int directory,
                       const fs::path& at,
                       const std::set<fs::path>& wanted,
                       const std::set<fs::path>& ways,
                       unsigned& removed) {
    ASSIGN_OR_RETURN(const auto names, names_in(directory, at));
    for (const std::string& name : names) {
        const fs::path path = at / name;
        if (wanted.contains(path)) {
            continue;
        }
        if (!ways.contains(path)) {
            RETURN_IF_ERROR(remove_tree(directory, name, path));
            ++removed;
            continue;
        }
        const UniqueFd inner(openat(directory, name.c_str(), kDirectory));
        if (!inner) {
            return io_error("open", path);
        }
        RETURN_IF_ERROR(remove_unwanted(inner.get(), path, wanted, ways, removed));
    }
    return {};
}

}  // namespace

Result<FilesWritten> write_files(const fs::path& root,
                                 const std::vector<manifests::VolumeFile>& files) {
    const UniqueFd fd(open(root.c_str(), kDirectory));
    if (!fd) {
        return errno_error(fmt::format("open the volume's directory {}", root.string()), errno);
    }
    FilesWritten result;
    std::set<fs::path> wanted, ways;
    for (const manifests::VolumeFile& file : files) {
        ASSIGN_OR_RETURN(const fs::path path, checked_path(file.path));
        wanted.insert(path);
        for (fs::path way = path.parent_path(); !way.empty(); way = way.parent_path()) {
            ways.insert(way);
        }
        ASSIGN_OR_RETURN(const bool written, write_at(fd.get(), path, file));
        result.written += written ? 1 : 0;
    }
    RETURN_IF_ERROR(remove_unwanted(fd.get(), "", wanted, ways, result.removed));
    if (result.written + result.removed > 0 && fsync(fd.get()) != 0) {
        return errno_error(fmt::format("flush the volume's directory {}", root.string()), errno);
    }
    return result;
}

Status make_sub_path(const fs::path& root, const std::string& sub_path) {
    ASSIGN_OR_RETURN(const fs::path path, checked_path(sub_path));
    UniqueFd directory(open(root.c_str(), kDirectory));
    fs::path walked;
    for (const fs::path& step : path) {
        walked /= step;

        struct stat there {};

        if (!directory) {
            return io_error("open", walked.parent_path());
        }
        if (fstatat(directory.get(), step.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
            !S_ISDIR(there.st_mode)) {
            return {};
        }
        if (mkdirat(directory.get(), step.c_str(), 0755) != 0 && errno != EEXIST) {
            return io_error("create", walked);
        }
        directory.reset(openat(directory.get(), step.c_str(), kDirectory));
    }
    return {};
}

}  // namespace podreeve::handlers
