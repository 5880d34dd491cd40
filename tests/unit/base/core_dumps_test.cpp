#include "runtime/base/core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace podreeve {
namespace {

// In a process of its own, which cannot be undone.
TEST(CoreDumps, ThereAreNoneAnyMore) {
    const pid_t child = ::fork();
    if (child == 0) {
        rlimit limit{1, 1};
        const bool refused =
            refuse_core_dumps().has_value() && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
            ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0;
        ::_exit(refused ? 0 : 1);
    }
    ASSERT_GT(child, 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace podreeve
