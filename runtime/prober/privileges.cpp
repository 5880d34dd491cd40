#include "runtime/prober/privileges.h"

#include <cerrno>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace podreeve::prober {
namespace {

// Nothing outside keeps them: libcap would be one more library for one call.
Status set_capabilities(std::uint32_t low) {
    __user_cap_header_struct head{};
    head.version = _LINUX_CAPABILITY_VERSION_3;
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
    data[0].effective = low;
    data[0].permitted = low;
    if (::syscall(SYS_capset, &head, data) != 0) {
        return errno_error("give up capabilities", errno);
    }
    return {};
}

// What a program that is run could get back. Needs CAP_SETPCAP, so it comes before the others go.
void empty_bounding_set() {
    for (unsigned long each = 0; ::prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; ++each) {
        ::prctl(PR_CAPBSET_DROP, each, 0, 0, 0);
    }
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

}  // namespace

Status give_up_gaining_rights() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return errno_error("set no_new_privs", errno);
    }
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        return errno_error("hide the memory", errno);
    }
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    return {};
}

Status keep_capability_to_enter() {
    empty_bounding_set();
    return set_capabilities(1U << CAP_SYS_ADMIN);
}

void drop_capabilities() {
    (void)set_capabilities(0);
}

}  // namespace podreeve::prober
