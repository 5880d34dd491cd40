#include "runtime/process/find.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/base/unique_fd.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::process {
namespace {

using Pids = std::vector<pid_t>;

// A shell that says that it is there, for the kernel lets its parent go on before it has a command
// line, and waits for its stdin, which nobody writes to.
class Shell {
  public:
    explicit Shell(const std::string& word) {
        int in[2], out[2];
        EXPECT_EQ(::pipe2(in, O_CLOEXEC), 0);
        EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], 0);
            ::dup2(out[1], 1);
            ::execl("/bin/sh", "sh", "-c", "echo; read line; exit 0", word.c_str(), nullptr);
            ::_exit(1);
        }
        in_.reset(in[1]);
        ::close(in[0]);
        ::close(out[1]);
        char said = 0;
        EXPECT_EQ(::read(out[0], &said, 1), 1);
        ::close(out[0]);
    }

    Shell(const Shell&) = delete;
    Shell& operator=(const Shell&) = delete;

    ~Shell() { end(); }

    pid_t pid() const { return pid_; }

    void end() {
        in_.reset();
        if (pid_ > 0) {
            ::waitpid(pid_, nullptr, 0);
        }
        pid_ = 0;
    }

  private:
    UniqueFd in_;
    pid_t pid_ = 0;
};

TEST(Find, TellsTheProcessesOfAProgramOfWhichOneArgumentIsExactlyThat) {
    const std::string mark = "podreeve-find-test-" + std::to_string(::getpid());
    pid_t before = newest_pid();
    std::optional<Shell> begun(mark);
    while (begun->pid() < before) {  // the numbers have begun again
        before = newest_pid();
        begun.emplace(mark);
    }
    Shell& shell = *begun;
    const pid_t after = newest_pid();
    EXPECT_GT(before, 0);
    EXPECT_LT(before, shell.pid());
    EXPECT_LE(shell.pid(), after);
    const Pids found{shell.pid()};
    EXPECT_EQ(find({"sh", mark}), found) << "of all";
    EXPECT_EQ(find({"sh", mark, before, after}), found) << "of those that began meanwhile";
    EXPECT_EQ(find({"sh", mark, after, after}), Pids{}) << "it was there before";
    EXPECT_EQ(find({"conmon", mark, before, after}), Pids{}) << "another program";
    EXPECT_EQ(find({"sh", mark + "x"}), Pids{});
    EXPECT_EQ(find({"sh", mark.substr(1)}), Pids{});
    const Wanted wanted{"sh", mark, before, after};
    EXPECT_TRUE(is_wanted(shell.pid(), wanted));
    EXPECT_FALSE(is_wanted(::getpid(), wanted));
    shell.end();
    EXPECT_EQ(find(wanted), Pids{});
}

class FindInProc : public testing::Test {
  protected:
    void add(pid_t pid, const std::string& name, const std::string& line) {
        const std::filesystem::path process = proc_ / std::to_string(pid);
        std::filesystem::create_directory(process);
        std::ofstream(process / "comm") << name << '\n';
        std::ofstream(process / "cmdline") << line;
    }

    fakes::TempDir temp_;
    std::filesystem::path proc_ = temp_.path();
};

const std::string kLine("conmon\0mark\0", 12);

// A file of /proc can be opened while its process lives, and not be read when it has ended.
TEST_F(FindInProc, PassesByAProcessThatEndsWhileItLooks) {
    add(17, "conmon", kLine);
    std::filesystem::remove(proc_ / "17" / "cmdline");
    std::filesystem::create_directory(proc_ / "17" / "cmdline");  // opens, and does not read
    add(18, "conmon", kLine);
    EXPECT_EQ(find({"conmon", "mark"}, proc_), Pids{18});
}

// To read the arguments of another program might wait for ever: they lie in its memory.
TEST_F(FindInProc, DoesNotAskOtherProgramsForTheirArguments) {
    add(17, "conmo", kLine);
    add(18, "conmon", kLine);
    std::filesystem::remove(proc_ / "17" / "cmdline");
    ASSERT_EQ(::mkfifo((proc_ / "17" / "cmdline").c_str(), 0600), 0);  // whoever reads it waits
    EXPECT_EQ(find({"conmon", "mark"}, proc_), Pids{18});
}

TEST_F(FindInProc, LooksAtAllWhenTheNumbersBeganAnewOrAreTooMany) {
    add(18, "conmon", kLine);
    EXPECT_EQ(find({"conmon", "mark", 4000000, 20}, proc_), Pids{18});
    EXPECT_EQ(find({"conmon", "mark", 1, 4000000}, proc_), Pids{18});
    EXPECT_EQ(find({"conmon", "mark", 0, 0}, proc_), Pids{18});
    EXPECT_EQ(find({"conmon", "mark", 18, 30}, proc_), Pids{});
}

TEST_F(FindInProc, TheNewestNumberIsTheLastOfTheLoad) {
    EXPECT_EQ(newest_pid(proc_), 0);
    std::ofstream(proc_ / "loadavg") << "0.42 0.36 0.33 2/512 4711\n";
    EXPECT_EQ(newest_pid(proc_), 4711);
}

}  // namespace
}  // namespace podreeve::process
