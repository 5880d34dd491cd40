#include "runtime/process/find.h"

#include <csignal>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace podreeve::process {
namespace {

TEST(WithArgument, FindsTheProcessesOfWhichOneArgumentIsExactlyThat) {
    const std::string mark = "podreeve-find-test-" + std::to_string(::getpid());
    std::string word = mark;
    // A shell that waits for its stdin, which nobody writes to.
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    char* const argv[] = {const_cast<char*>("sh"), const_cast<char*>("-c"),
                          const_cast<char*>("read line; exit 0"), word.data(), nullptr};
    pid_t pid = 0;
    ASSERT_EQ(::posix_spawnp(&pid, "sh", &actions, nullptr, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(with_argument(mark), std::vector<pid_t>{pid});
    EXPECT_TRUE(with_argument(mark + "x").empty());
    EXPECT_TRUE(with_argument(mark.substr(1)).empty());
    ::close(ends[0]);
    ::close(ends[1]);
    ::waitpid(pid, nullptr, 0);
    EXPECT_TRUE(with_argument(mark).empty());
}

}  // namespace
}  // namespace podreeve::process
