#include "runtime/probe/namespaces.h"

#include <cerrno>
#include <fcntl.h>

#include <fmt/format.h>

namespace podreeve::probe {
namespace {

UniqueFd open_one(pid_t pid, const char* kind) {
    return UniqueFd(::open(fmt::format("/proc/{}/ns/{}", pid, kind).c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

Result<Namespaces> open_namespaces(pid_t pid) {
    Namespaces out;
    out.network = open_one(pid, "net");
    if (!out.network) {
        if (errno == ENOENT || errno == ESRCH) {
            return fail(Code::NotFound, "cannot ask: the container's process is gone");
        }
        if (errno == EACCES || errno == EPERM) {
            return fail(Code::Denied,
                        "cannot ask: the container's process belongs to another user");
        }
        return errno_error("look at the container's process", errno);
    }
    out.user = open_one(pid, "user");
    return out;
}

}  // namespace podreeve::probe
