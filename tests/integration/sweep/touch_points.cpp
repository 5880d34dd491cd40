// Linked into a copy of podreeved for the kill sweep: every call by which the process touches the
// outside or its files is counted, and the one that PODREEVE_KILL_AT numbers (from 1 on) ends the
// process by SIGKILL instead. PODREEVE_TOUCHES names a file that gets a line for each.
//
// The seam is libc's own: SQLite, libcurl and libstdc++ call these names through the dynamic
// linker, which finds the program's before the library's. So what is counted is all that happens,
// and the code under test is the one that is shipped.
//
// A message to podman and a sync have a point before and one after them: whether the other side
// heard it, whether it is on the disk. For all else the point after is the one before the next.
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

std::atomic<unsigned long> touches{0};

unsigned long number_in(const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? 0 : std::strtoul(text, nullptr, 10);
}

int open_record() {
    const char* path = std::getenv("PODREEVE_TOUCHES");
    return path == nullptr
               ? -1
               : static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path,
                                            O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
}

void point(const char* what) {
    static const unsigned long kill_at = number_in("PODREEVE_KILL_AT");
    static const int record = open_record();
    const unsigned long number = ++touches;
    if (record >= 0) {
        char line[64];
        const int length = std::snprintf(line, sizeof line, "%lu %s\n", number, what);
        ::syscall(SYS_write, record, line, static_cast<size_t>(length));
    }
    if (number == kill_at) {
        ::syscall(SYS_kill, ::getpid(), SIGKILL);
        while (true) {
            ::pause();  // no thread goes on
        }
    }
}

template <typename Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool is_file(int fd) {
    struct stat status {};

    const int error = errno;
    const bool file = fd > 2 && ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    errno = error;
    return file;
}

mode_t mode_of(int flags, va_list arguments) {
    return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

void point_of_open(int flags) {
    if ((flags & O_CREAT) != 0) {
        point("create");
    }
}

void point_of_write(int fd) {
    if (is_file(fd)) {
        point("write");
    }
}

int with_points_of_sync(int (*real)(int), int fd) {
    point("before sync");
    const int done = real(fd);
    point("after sync");
    return done;
}

}  // namespace

// What is defined here has the signatures of libc's headers, which tell what each does.
extern "C" {

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
    static const auto real = next<ssize_t(int, const void*, size_t, int)>("send");
    point("before send");
    const ssize_t sent = real(fd, bytes, size, flags);
    point("after send");
    return sent;
}

ssize_t write(int fd, const void* bytes, size_t size) {
    static const auto real = next<ssize_t(int, const void*, size_t)>("write");
    point_of_write(fd);
    return real(fd, bytes, size);
}

ssize_t writev(int fd, const iovec* parts, int count) {
    static const auto real = next<ssize_t(int, const iovec*, int)>("writev");
    point_of_write(fd);
    return real(fd, parts, count);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
    static const auto real = next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
    point("write");
    return real(fd, bytes, size, offset);
}

int ftruncate64(int fd, off64_t size) noexcept {
    static const auto real = next<int(int, off64_t)>("ftruncate64");
    point("truncate");
    return real(fd, size);
}

int fsync(int fd) {
    static const auto real = next<int(int)>("fsync");
    return with_points_of_sync(real, fd);
}

int fdatasync(int fd) {
    static const auto real = next<int(int)>("fdatasync");
    return with_points_of_sync(real, fd);
}

int rename(const char* from, const char* to) noexcept {
    static const auto real = next<int(const char*, const char*)>("rename");
    point("rename");
    return real(from, to);
}

int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept {
    static const auto real = next<int(int, const char*, int, const char*)>("renameat");
    point("rename");
    return real(from_directory, from, to_directory, to);
}

int unlink(const char* path) noexcept {
    static const auto real = next<int(const char*)>("unlink");
    point("unlink");
    return real(path);
}

int unlinkat(int directory, const char* path, int flags) noexcept {
    static const auto real = next<int(int, const char*, int)>("unlinkat");
    point("unlink");
    return real(directory, path, flags);
}

int mkdir(const char* path, mode_t mode) noexcept {
    static const auto real = next<int(const char*, mode_t)>("mkdir");
    point("mkdir");
    return real(path, mode);
}

int open(const char* path, int flags, ...) {
    static const auto real = next<int(const char*, int, ...)>("open");
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    point_of_open(flags);
    return real(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    static const auto real = next<int(const char*, int, ...)>("open64");
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    point_of_open(flags);
    return real(path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
    static const auto real = next<int(int, const char*, int, ...)>("openat");
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    point_of_open(flags);
    return real(directory, path, flags, mode);
}

}  // extern "C"
