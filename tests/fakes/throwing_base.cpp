#include <dirent.h>
#include <fcntl.h>

#include <sqlite3.h>

#include "runtime/http/client.h"
#include "tests/fakes/throwing_calls.h"

// What the linker calls instead of the named ones. A member function is called as a function whose
// first argument is the object.
namespace podreeve::fakes {
namespace {

using Reply = Result<http::Response>;

}  // namespace

int real_step(sqlite3_stmt* statement) __asm__("__real_sqlite3_step");
int wrapped_step(sqlite3_stmt* statement) __asm__("__wrap_sqlite3_step");

int wrapped_step(sqlite3_stmt* statement) {
    return made(Adapter::Store, [&] { return real_step(statement); });
}

Reply real_request(http::HttpClient* self, const http::Request& request) __asm__(
    "__real__ZN8podreeve4http10HttpClient4callERKNS0_7RequestE");
Reply wrapped_request(http::HttpClient* self, const http::Request& request) __asm__(
    "__wrap__ZN8podreeve4http10HttpClient4callERKNS0_7RequestE");

Reply wrapped_request(http::HttpClient* self, const http::Request& request) {
    return made(Adapter::Podman, [&] { return real_request(self, request); });
}

int real_open(const char* path, int flags, mode_t mode) __asm__("__real_open");
int wrapped_open(const char* path, int flags, mode_t mode) __asm__("__wrap_open");

int wrapped_open(const char* path, int flags, mode_t mode) {
    return made(Adapter::Files, [&] { return real_open(path, flags, mode); });
}

int real_openat(int directory, const char* path, int flags, mode_t mode) __asm__("__real_openat");
int wrapped_openat(int directory,
                   const char* path,
                   int flags,
                   mode_t mode) __asm__("__wrap_openat");

int wrapped_openat(int directory, const char* path, int flags, mode_t mode) {
    return made(Adapter::Files, [&] { return real_openat(directory, path, flags, mode); });
}

DIR* real_fdopendir(int directory) __asm__("__real_fdopendir");
DIR* wrapped_fdopendir(int directory) __asm__("__wrap_fdopendir");

DIR* wrapped_fdopendir(int directory) {
    return made(Adapter::Files, [&] { return real_fdopendir(directory); });
}

}  // namespace podreeve::fakes
