#include "tests/fakes/file_calls.h"

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace {

struct Told {
    std::string below;
    podreeve::fakes::FileCalls::Told fn;
};

std::mutex mutex;
std::shared_ptr<const Told> reported;  // under mutex
thread_local bool inside = false;

std::string target_of(const std::string& link) {
    char target[4096];
    const long size = ::syscall(SYS_readlinkat, AT_FDCWD, link.c_str(), target, sizeof target);
    return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}

std::string path_of(int fd) {
    return fd == AT_FDCWD ? "" : target_of(fmt::format("/proc/self/fd/{}", fd));
}

std::string path_of(int directory, const char* path) {
    return path[0] == '/' || directory == AT_FDCWD ? path : path_of(directory) + "/" + path;
}

std::shared_ptr<const Told> who_is_told() {
    const std::lock_guard lock(mutex);
    return reported;
}

void report(const char* call, const std::string& path) {
    const int error = errno;
    const auto now = who_is_told();
    if (now && path.starts_with(now->below) &&
        (path.size() == now->below.size() || path[now->below.size()] == '/')) {
        inside = true;
        now->fn(call, path);
        inside = false;
    }
    errno = error;
}

void touch(const char* call, int directory, const char* path) {
    if (!inside && who_is_told()) {
        report(call, path_of(directory, path));
    }
}

void touch(const char* call, int fd) {
    if (!inside && who_is_told()) {
        report(call, path_of(fd));
    }
}

template <typename Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

mode_t mode_of(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace

namespace podreeve::fakes {

FileCalls::FileCalls(const std::filesystem::path& below, Told given) {
    const std::lock_guard lock(mutex);
    reported = std::make_shared<const ::Told>(::Told{below.string(), std::move(given)});
}

FileCalls::~FileCalls() {
    std::weak_ptr<const ::Told> gone;
    {
        const std::lock_guard lock(mutex);
        gone = std::exchange(reported, nullptr);
    }
    while (!gone.expired()) {
        ::sched_yield();
    }
}

}  // namespace podreeve::fakes

// What is defined here has the signatures of libc's headers, which tell what each does.
extern "C" {

int open(const char* path, int flags, ...) {
    static const auto real = next<int(const char*, int, ...)>("open");
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    touch("open", AT_FDCWD, path);
    return real(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    static const auto real = next<int(const char*, int, ...)>("open64");
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    touch("open", AT_FDCWD, path);
    return real(path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
    static const auto real = next<int(int, const char*, int, ...)>("openat");
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    touch("open", directory, path);
    return real(directory, path, flags, mode);
}

int mkostemp(char* path, int flags) {
    static const auto real = next<int(char*, int)>("mkostemp");
    touch("open", AT_FDCWD, path);
    return real(path, flags);
}

DIR* opendir(const char* path) {
    static const auto real = next<DIR*(const char*)>("opendir");
    touch("list", AT_FDCWD, path);
    return real(path);
}

ssize_t write(int fd, const void* bytes, size_t size) {
    static const auto real = next<ssize_t(int, const void*, size_t)>("write");
    touch("write", fd);
    return real(fd, bytes, size);
}

ssize_t read(int fd, void* bytes, size_t size) {
    static const auto real = next<ssize_t(int, void*, size_t)>("read");
    touch("read", fd);
    return real(fd, bytes, size);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
    static const auto real = next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
    touch("write", fd);
    return real(fd, bytes, size, offset);
}

int fsync(int fd) {
    static const auto real = next<int(int)>("fsync");
    touch("sync", fd);
    return real(fd);
}

int fdatasync(int fd) {
    static const auto real = next<int(int)>("fdatasync");
    touch("sync", fd);
    return real(fd);
}

int syncfs(int fd) noexcept {
    static const auto real = next<int(int)>("syncfs");
    touch("sync", fd);
    return real(fd);
}

int ftruncate64(int fd, off64_t size) noexcept {
    static const auto real = next<int(int, off64_t)>("ftruncate64");
    touch("truncate", fd);
    return real(fd, size);
}

int rename(const char* from, const char* to) noexcept {
    static const auto real = next<int(const char*, const char*)>("rename");
    touch("rename", AT_FDCWD, to);
    return real(from, to);
}

int symlink(const char* target, const char* path) noexcept {
    static const auto real = next<int(const char*, const char*)>("symlink");
    touch("link", AT_FDCWD, path);
    return real(target, path);
}

ssize_t readlink(const char* path, char* target, size_t size) noexcept {
    static const auto real = next<ssize_t(const char*, char*, size_t)>("readlink");
    touch("read the link", AT_FDCWD, path);
    return real(path, target, size);
}

int unlink(const char* path) noexcept {
    static const auto real = next<int(const char*)>("unlink");
    touch("remove", AT_FDCWD, path);
    return real(path);
}

int unlinkat(int directory, const char* path, int flags) noexcept {
    static const auto real = next<int(int, const char*, int)>("unlinkat");
    touch("remove", directory, path);
    return real(directory, path, flags);
}

int remove(const char* path) noexcept {
    static const auto real = next<int(const char*)>("remove");
    touch("remove", AT_FDCWD, path);
    return real(path);
}

int rmdir(const char* path) noexcept {
    static const auto real = next<int(const char*)>("rmdir");
    touch("remove", AT_FDCWD, path);
    return real(path);
}

int mkdir(const char* path, mode_t mode) noexcept {
    static const auto real = next<int(const char*, mode_t)>("mkdir");
    touch("make", AT_FDCWD, path);
    return real(path, mode);
}

}  // extern "C"
