#include "runtime/process/pidfd.h"

#include <csignal>
#include <fstream>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace podreeve::process {
namespace {

// A process that does nothing until it is killed; reaped at the end.
class Sleeper {
  public:
    explicit Sleeper(const char* name = "sleeper") : pid_(::fork()) {
        if (pid_ == 0) {
            ::prctl(PR_SET_NAME, name);
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            while (true) {
                ::pause();
            }
        }
    }

    ~Sleeper() {
        kill();
        reap();
    }

    pid_t pid() const { return pid_; }

    // Not once it is reaped: a pid of 0 would be this whole process group.
    void kill() const {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
        }
    }

    void reap() {
        if (pid_ > 0) {
            ::waitpid(pid_, nullptr, 0);
            pid_ = 0;
        }
    }

  private:
    pid_t pid_;
};

bool becomes_readable(const UniqueFd& fd) {
    pollfd entry{fd.get(), POLLIN, 0};
    return ::poll(&entry, 1, 5000) == 1;
}

TEST(Pidfd, WatchesTheProcessItWasOpenedFor) {
    Sleeper sleeper;
    const auto started = start_time(sleeper.pid());
    ASSERT_TRUE(started) << started.error().message;
    const auto fd = open_pidfd(sleeper.pid(), *started);
    ASSERT_TRUE(fd) << fd.error().message;
    EXPECT_TRUE(is_alive(*fd));
    sleeper.kill();
    EXPECT_TRUE(becomes_readable(*fd));
    EXPECT_FALSE(is_alive(*fd));
    sleeper.reap();
    EXPECT_FALSE(is_alive(*fd));
}

TEST(Pidfd, IsRefusedWhenThePidIsAnotherProcessByNow) {
    const Sleeper sleeper;
    const auto started = start_time(sleeper.pid());
    ASSERT_TRUE(started);
    const auto fd = open_pidfd(sleeper.pid(), *started - 1);
    ASSERT_FALSE(fd);
    EXPECT_EQ(fd.error().code, Code::NotFound);
}

TEST(Pidfd, IsRefusedWhenTheProcessIsGone) {
    Sleeper sleeper;
    const pid_t pid = sleeper.pid();
    const auto started = start_time(pid);
    ASSERT_TRUE(started);
    sleeper.kill();
    sleeper.reap();
    const auto fd = open_pidfd(pid, *started);
    ASSERT_FALSE(fd);
    EXPECT_EQ(fd.error().code, Code::NotFound);
    const auto time = start_time(pid);
    ASSERT_FALSE(time);
    EXPECT_EQ(time.error().code, Code::NotFound);
}

TEST(Pidfd, OfAProcessNotReapedYetTellsOfItsEndAtOnce) {
    Sleeper sleeper;
    const auto started = start_time(sleeper.pid());
    ASSERT_TRUE(started);
    sleeper.kill();
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(sleeper.pid()), &info, WEXITED | WNOWAIT), 0);
    const auto fd = open_pidfd(sleeper.pid(), *started);
    ASSERT_TRUE(fd) << fd.error().message;
    EXPECT_FALSE(is_alive(*fd));
}

TEST(StartTime, IsTheKernelsClockAndStaysTheSame) {
    const auto mine = start_time(::getpid());
    ASSERT_TRUE(mine);
    EXPECT_EQ(start_time(::getpid()).value(), *mine);
    const Sleeper later;
    EXPECT_GE(start_time(later.pid()).value(), *mine);
    double uptime = 0;
    std::ifstream("/proc/uptime") >> uptime;
    const auto now = uptime * static_cast<double>(::sysconf(_SC_CLK_TCK));
    EXPECT_LE(static_cast<double>(*mine), now);
}

TEST(StartTime, IsNotMisledByTheNameOfTheProgram) {
    const Sleeper plain("plain");
    // A name like a stat line's own fields; the kernel prints it as it is.
    const Sleeper odd(") R 1 2 3");
    const auto a = start_time(plain.pid());
    const auto b = start_time(odd.pid());
    ASSERT_TRUE(a && b);
    EXPECT_GE(*b, *a);
    EXPECT_LE(*b - *a, 1000U);
}

TEST(StartTime, HasNoAnswerForAPidThatIsNone) {
    for (const pid_t pid : {0, -1}) {
        const auto time = start_time(pid);
        ASSERT_FALSE(time);
        EXPECT_EQ(time.error().code, Code::InvalidArgument);
    }
    EXPECT_FALSE(open_pidfd(0, 1));
}

TEST(KillIf, KillsTheOneThatIsMeantAndNobodyElse) {
    const Sleeper sleeper;
    pid_t asked = 0;
    EXPECT_FALSE(kill_if(sleeper.pid(), [&](pid_t pid) {
        asked = pid;
        return false;
    }));
    EXPECT_EQ(asked, sleeper.pid());
    EXPECT_EQ(::kill(sleeper.pid(), 0), 0);
    EXPECT_TRUE(kill_if(
        sleeper.pid(), [](pid_t) { return true; }, std::chrono::seconds(30)));
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(sleeper.pid()), &info, WEXITED | WNOWAIT | WNOHANG),
              0);
    EXPECT_EQ(info.si_pid, sleeper.pid()) << "its end was waited for";
    EXPECT_EQ(info.si_status, SIGKILL);
    EXPECT_FALSE(kill_if(0, [](pid_t) { return true; }));
}

// The number is another's by the time the question is answered.
TEST(KillIf, HitsNobodyWhenTheProcessEndsMeanwhile) {
    Sleeper sleeper;
    const pid_t pid = sleeper.pid();
    EXPECT_FALSE(kill_if(pid, [&](pid_t) {
        sleeper.kill();
        sleeper.reap();
        return true;
    }));
}

}  // namespace
}  // namespace podreeve::process
