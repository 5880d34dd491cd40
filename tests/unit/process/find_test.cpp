#include "runtime/process/find.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace podreeve::process {
namespace {

TEST(WithArgument, FindsTheProcessesOfWhichOneArgumentIsExactlyThat) {
    const std::string mark = "podreeve-find-test-" + std::to_string(::getpid());
    std::string word = mark;
    // A shell that says that it is there, for the kernel lets its parent go on before it has a
    // command line, and waits for its stdin, which nobody writes to.
    int in[2], out[2];
    ASSERT_EQ(::pipe(in), 0);
    ASSERT_EQ(::pipe(out), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addclose(&actions, in[1]);
    char* const argv[] = {const_cast<char*>("sh"), const_cast<char*>("-c"),
                          const_cast<char*>("echo; read line; exit 0"), word.data(), nullptr};
    pid_t pid = 0;
    ASSERT_EQ(::posix_spawnp(&pid, "sh", &actions, nullptr, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    char said = 0;
    ASSERT_EQ(::read(out[0], &said, 1), 1);
    EXPECT_EQ(with_argument(mark), std::vector<pid_t>{pid});
    EXPECT_TRUE(with_argument(mark + "x").empty());
    EXPECT_TRUE(with_argument(mark.substr(1)).empty());
    for (const int end : {in[0], in[1], out[0], out[1]}) {
        ::close(end);
    }
    ::waitpid(pid, nullptr, 0);
    EXPECT_TRUE(with_argument(mark).empty());
}

// A file of /proc can be opened while its process lives, and not be read when it has ended.
TEST(WithArgument, PassesByAProcessThatEndsWhileItLooks) {
    std::string pattern = ::testing::TempDir() + "podreeve-find-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    const std::filesystem::path proc = pattern;
    std::filesystem::create_directories(proc / "17" / "cmdline");  // opens, and does not read
    std::filesystem::create_directory(proc / "18");
    std::ofstream(proc / "18" / "cmdline") << std::string("sh\0mark\0", 8);
    EXPECT_EQ(with_argument("mark", proc), std::vector<pid_t>{18});
    std::filesystem::remove_all(proc);
}

}  // namespace
}  // namespace podreeve::process
