#include "runtime/base/core_dumps.h"

#include <cerrno>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace podreeve {

Status refuse_core_dumps() {
    // A limit alone does not keep the kernel from handing the core to a program.
    constexpr rlimit kNone{0, 0};
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || ::setrlimit(RLIMIT_CORE, &kNone) != 0) {
        return errno_error("refuse core dumps", errno);
    }
    return {};
}

}  // namespace podreeve
