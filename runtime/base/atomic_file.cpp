#include "runtime/base/atomic_file.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime/base/unique_fd.h"

namespace podreeve {
namespace {

Status write_all(int fd, std::string_view content, const std::string& name) {
    while (!content.empty()) {
        const ssize_t n = ::write(fd, content.data(), content.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno_error(fmt::format("write {}", name), errno);
        }
        content.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

Status sync_directory(const std::filesystem::path& directory) {
    const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) {
        return errno_error(fmt::format("sync {}", directory.string()), errno);
    }
    return {};
}

Status fill_and_rename(int fd,
                       const std::string& temporary,
                       const std::filesystem::path& path,
                       std::string_view content,
                       mode_t mode) {
    RETURN_IF_ERROR(write_all(fd, content, temporary));
    if (::fchmod(fd, mode) != 0 || ::fsync(fd) != 0) {
        return errno_error(fmt::format("write {}", temporary), errno);
    }
    if (std::rename(temporary.c_str(), path.c_str()) != 0) {
        return errno_error(fmt::format("replace {}", path.string()), errno);
    }
    return {};
}

}  // namespace

Status write_file_atomically(const std::filesystem::path& path,
                             std::string_view content,
                             mode_t mode) {
    const std::filesystem::path directory = path.has_parent_path() ? path.parent_path() : ".";
    std::string temporary = (directory / ("." + path.filename().string() + ".XXXXXX")).string();
    const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!fd) {
        return errno_error(fmt::format("create a file beside {}", path.string()), errno);
    }
    if (Status done = fill_and_rename(fd.get(), temporary, path, content, mode); !done) {
        ::unlink(temporary.c_str());
        return done;
    }
    return sync_directory(directory);
}

Result<std::string> read_file(const std::filesystem::path& path,
                              std::uintmax_t max_bytes,
                              const std::function<Status(const struct stat&)>& allowed) {
    // O_NONBLOCK: a FIFO put where a file is expected must not hang the reader.
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));

    struct stat info {};

    if (!fd || ::fstat(fd.get(), &info) != 0) {
        return errno_error(fmt::format("open {}", path.string()), errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot read {}: not a regular file", path.string()));
    }
    if (allowed) {
        RETURN_IF_ERROR(allowed(info));
    }
    std::string content;
    char buffer[65536];
    while (true) {
        const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno_error(fmt::format("read {}", path.string()), errno);
        }
        if (n == 0) {
            return content;
        }
        content.append(buffer, static_cast<std::size_t>(n));
        if (content.size() > max_bytes) {
            return fail(Code::InvalidArgument, fmt::format("cannot read {}: larger than {} bytes",
                                                           path.string(), max_bytes));
        }
    }
}

std::vector<std::filesystem::path> entries_of(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> entries;
    std::error_code error;
    for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
         it.increment(error)) {
        entries.push_back(it->path());
    }
    return entries;
}

}  // namespace podreeve
