#include "runtime/prober/landlock.h"

#include <cerrno>
#include <cstdint>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/unique_fd.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

namespace podreeve::prober {
namespace {

// By hand, since <linux/landlock.h> of an older release lacks what a newer kernel can: the numbers
// are the kernel's promise. A kernel takes a longer structure than it knows, when the rest is zero.
struct Ruleset {
    std::uint64_t files = 0;
    std::uint64_t network = 0;
    std::uint64_t scoped = 0;
};

constexpr unsigned kAskVersion = 1;

// One row a version that brought something.
struct LandlockVersion {
    long version;
    Ruleset adds;
};

constexpr LandlockVersion kVersions[] = {
    {1, {0x1FFF, 0, 0}},    // execute, read, write, list, make, remove
    {2, {1U << 13, 0, 0}},  // refer: link and rename between directories
    {3, {1U << 14, 0, 0}},  // truncate
    {4, {0, 1U << 0, 0}},   // bind TCP
    {5, {1U << 15, 0, 0}},  // ioctl of devices
    {6, {0, 0, 0x3}},       // abstract sockets, signals
};

}  // namespace

Status shut_off_files() {
    const long known = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskVersion);
    if (known < 1) {
        return fail(Code::Unsupported, "this kernel has no Landlock");
    }
    Ruleset denied;
    for (const auto& [version, adds] : kVersions) {
        if (version <= known) {
            denied.files |= adds.files;
            denied.network |= adds.network;
            denied.scoped |= adds.scoped;
        }
    }
    const UniqueFd rules(
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &denied, sizeof(denied), 0U)));
    if (!rules || ::syscall(SYS_landlock_restrict_self, rules.get(), 0U) != 0) {
        return errno_error("shut off files", errno);
    }
    return {};
}

}  // namespace podreeve::prober
