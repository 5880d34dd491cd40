#include "runtime/process/child.h"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace podreeve::process {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Command shell(std::string script) {
    Command command;
    command.argv = {"sh", "-c", std::move(script)};
    command.deadline = seconds(20);
    return command;
}

TEST(Child, GivesWhatItWroteAndHowItEnded) {
    const auto ended = run_child(shell("echo out; echo err >&2; exit 3"));
    ASSERT_TRUE(ended) << ended.error().message;
    EXPECT_EQ(ended->output, "out\n");
    EXPECT_EQ(ended->complaints, "err\n");
    EXPECT_EQ(ended->exit_code, 3);
    EXPECT_EQ(ended->signal, 0);
    EXPECT_FALSE(ended->cut);
    EXPECT_FALSE(ended->succeeded());
    EXPECT_TRUE(run_child(shell("exit 0"))->succeeded());
}

TEST(Child, TellsOfASignalThatEndedIt) {
    const auto ended = run_child(shell("kill -TERM $$"));
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->signal, SIGTERM);
    EXPECT_EQ(ended->exit_code, 128 + SIGTERM);
}

TEST(Child, GetsItsArgumentsUnchanged) {
    Command command;
    command.argv = {"printf", "%s|", "two words", "$HOME", "*", "; rm x", ""};
    const auto ended = run_child(command);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->output, "two words|$HOME|*|; rm x||");
}

TEST(Child, GetsAdditionsToTheEnvironment) {
    ::setenv("PODREEVE_TEST_KEPT", "kept", 1);
    ::setenv("PODREEVE_TEST_CHANGED", "old", 1);
    Command command = shell("echo $PODREEVE_TEST_KEPT $PODREEVE_TEST_CHANGED $PODREEVE_TEST_NEW");
    command.environment = {"PODREEVE_TEST_CHANGED=new", "PODREEVE_TEST_NEW=added"};
    EXPECT_EQ(run_child(command)->output, "kept new added\n");
    ::unsetenv("PODREEVE_TEST_KEPT");
    ::unsetenv("PODREEVE_TEST_CHANGED");
}

TEST(Child, StartsInItsDirectory) {
    Command command = shell("pwd");
    command.directory = "/usr";
    EXPECT_EQ(run_child(command)->output, "/usr\n");
}

TEST(Child, ReadsNothing) {
    EXPECT_EQ(run_child(shell("cat; echo done"))->output, "done\n");
}

TEST(Child, IsCutAtItsBoundAndNeverBlocks) {
    Command command = shell("head -c 5000000 /dev/zero; head -c 3000000 /dev/zero >&2");
    command.max_output = 1000;
    const auto ended = run_child(command);
    ASSERT_TRUE(ended) << ended.error().message;
    EXPECT_EQ(ended->output.size(), 1000U);
    EXPECT_EQ(ended->complaints.size(), 1000U);
    EXPECT_TRUE(ended->cut);
    EXPECT_EQ(ended->exit_code, 0);
}

TEST(Child, GivesAllItWroteUpToItsBound) {
    Command command = shell("head -c 700000 /dev/zero; exit 0");
    command.max_output = 700'000;
    const auto ended = run_child(command);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->output.size(), 700'000U);
    EXPECT_FALSE(ended->cut);
}

TEST(Child, IsKilledAtItsDeadline) {
    Command command = shell("trap '' TERM; while :; do sleep 1; done");
    command.deadline = milliseconds(100);
    const auto ended = run_child(command);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, Code::Timeout);
    EXPECT_EQ(ended.error().message, "cannot finish sh: still running after 100ms");
}

// It is read as fast as it writes, so that there is always more.
TEST(Child, IsKilledAtItsDeadlineAlsoWhileItFloods) {
    for (const char* script : {"exec yes", "exec yes >&2", "yes & yes >&2"}) {
        Command command = shell(script);
        command.deadline = milliseconds(100);
        command.max_output = 1000;
        command.most_written = std::size_t(-1);
        const auto ended = run_child(command);
        ASSERT_FALSE(ended) << script;
        EXPECT_EQ(ended.error().code, Code::Timeout) << script;
    }
}

TEST(Child, IsKilledWhenItIsStoppedAlsoWhileItFloods) {
    std::stop_source source;
    source.request_stop();
    Command command = shell("exec yes");
    command.most_written = std::size_t(-1);
    const auto ended = run_child(command, source.get_token());
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, Code::Cancelled);
}

TEST(Child, ThatWritesWithoutEndIsKilledLongBeforeItsDeadline) {
    const auto ended = run_child(shell("exec yes"));
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, Code::Unavailable);
    EXPECT_EQ(ended.error().message, "cannot finish sh: it writes without end");
}

// It is in no group that could be killed, and has the pipe.
TEST(Child, IsOverWhenItEndsThoughSomebodyItStartedFloodsOn) {
    const std::string name = ::testing::TempDir() + "podreeve-flood-" + std::to_string(::getpid());
    Command command = shell("setsid sh -c 'echo $$ > " + name + "; exec yes' & while [ ! -s " +
                            name + " ]; do :; done; exit 3");
    command.max_output = 1000;
    const auto ended = run_child(command);
    pid_t left = 0;
    std::ifstream(name) >> left;
    ::unlink(name.c_str());
    ASSERT_GT(left, 0);
    ::kill(left, SIGKILL);
    ASSERT_TRUE(ended) << ended.error().message;
    EXPECT_EQ(ended->exit_code, 3);
}

TEST(Child, IsKilledWhenItIsStopped) {
    std::stop_source source;
    std::jthread stopper([&] { source.request_stop(); });
    const auto ended = run_child(shell("sleep 20"), source.get_token());
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, Code::Cancelled);
}

// The pid that the program wrote as its output, once nothing of that process is left.
bool ends_soon(pid_t pid) {
    for (int i = 0; i < 5000; ++i) {
        std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
        std::string line;
        if (!std::getline(stat, line) || line.find(") Z ") != std::string::npos) {
            return true;
        }
        ::poll(nullptr, 0, 1);
    }
    return false;
}

TEST(Child, LeavesNothingOfItsGroupWhenItEnds) {
    // The background process holds the pipes open; waiting for their end would take 20 s.
    const auto ended = run_child(shell("sleep 20 & echo $!"));
    ASSERT_TRUE(ended) << ended.error().message;
    const pid_t left = std::stoi(ended->output);
    EXPECT_TRUE(ends_soon(left));
}

TEST(Child, LeavesNothingOfItsGroupWhenItIsKilled) {
    const std::string name = ::testing::TempDir() + "podreeve-child-" + std::to_string(::getpid());
    pid_t left = 0;
    std::stop_source stop;
    std::thread killer([&] {
        for (int i = 0; i < 20'000 && left == 0; ++i) {
            std::ifstream(name) >> left;
            ::poll(nullptr, 0, 1);
        }
        stop.request_stop();
    });
    EXPECT_FALSE(run_child(shell("sleep 20 & echo $! > " + name + "; wait"), stop.get_token()));
    killer.join();
    ::unlink(name.c_str());
    ASSERT_GT(left, 0);
    EXPECT_TRUE(ends_soon(left));
}

TEST(Child, IsReapedWhateverHappens) {
    Command command = shell("sleep 20");
    command.deadline = milliseconds(1);
    EXPECT_FALSE(run_child(command));
    EXPECT_TRUE(run_child(shell("exit 1")));
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

TEST(Child, HasSignalsAtTheirDefaults) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    const auto ended = run_child(shell("awk '/^Sig(Blk|Ign):/ {print $2}' /proc/self/status"));
    ::signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    ASSERT_TRUE(ended);
    std::uint64_t blocked = 0;
    std::uint64_t ignored = 0;
    std::istringstream(ended->output) >> std::hex >> blocked >> ignored;
    EXPECT_EQ(blocked, 0U);
    EXPECT_EQ(ignored & (1U << (SIGPIPE - 1)), 0U);
}

TEST(Child, InheritsNoDescriptorOfItsPipes) {
    // Whoever runs this test may have left descriptors open over exec; those are not ours to judge.
    std::ptrdiff_t expected = 1;  // the one that ls reads the list from
    for (int fd = 0; fd < 1024; ++fd) {
        const int flags = ::fcntl(fd, F_GETFD);
        expected += flags >= 0 && (flags & FD_CLOEXEC) == 0 ? 1 : 0;
    }
    const auto ended = run_child(shell("ls /proc/self/fd"));
    ASSERT_TRUE(ended);
    EXPECT_EQ(std::count(ended->output.begin(), ended->output.end(), '\n'), expected);
}

TEST(Child, ThatCannotBeStartedIsAnError) {
    const std::pair<std::string, Code> rows[] = {{"/no/such/program", Code::NotFound},
                                                 {"no-such-program-at-all", Code::NotFound},
                                                 {"/proc/version", Code::Denied},
                                                 {"", Code::InvalidArgument}};
    for (const auto& [program, code] : rows) {
        Command command;
        command.argv = {program, "secret-argument"};
        const auto ended = run_child(command);
        ASSERT_FALSE(ended) << program;
        EXPECT_EQ(ended.error().code, code) << ended.error().message;
        EXPECT_EQ(ended.error().message.find("secret"), std::string::npos);
    }
    EXPECT_EQ(run_child({}).error().code, Code::InvalidArgument);
    Command command = shell("true");
    command.directory = "/no/such/directory";
    EXPECT_EQ(run_child(command).error().code, Code::NotFound);
}

TEST(Child, RunsBesideOthers) {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([t] {
            for (int i = 0; i < 10; ++i) {
                const auto ended = run_child(shell("echo " + std::to_string(t)));
                ASSERT_TRUE(ended) << ended.error().message;
                EXPECT_EQ(ended->output, std::to_string(t) + "\n");
            }
        });
    }
}

}  // namespace
}  // namespace podreeve::process
