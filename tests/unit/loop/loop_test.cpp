#include "runtime/loop/loop.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace podreeve::loop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Pipe {
    UniqueFd out;
    UniqueFd in;

    Pipe() {
        int fds[2];
        EXPECT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
        out.reset(fds[0]);
        in.reset(fds[1]);
    }

    void put(char c) { EXPECT_EQ(::write(in.get(), &c, 1), 1); }

    char take() {
        char c = 0;
        return ::read(out.get(), &c, 1) == 1 ? c : '\0';
    }
};

class LoopTest : public testing::Test {
  protected:
    void SetUp() override {
        auto made = Loop::create();
        ASSERT_TRUE(made) << made.error().message;
        loop = std::move(*made);
        // No test waits longer than this, whatever goes wrong.
        guard = loop->after(seconds(10), [this] {
            ADD_FAILURE() << "the loop was not stopped";
            loop->stop();
        });
    }

    void run() {
        const Status done = loop->run();
        EXPECT_TRUE(done) << done.error().message;
    }

    std::unique_ptr<Loop> loop;
    TimerHandle guard;
};

TEST_F(LoopTest, RunsATimerWhenItsTimeHasComeAndNotBefore) {
    const SteadyTime start = loop->steady_now();
    SteadyTime ran{};
    const auto timer = loop->after(milliseconds(20), [&] {
        ran = loop->steady_now();
        loop->stop();
    });
    run();
    EXPECT_GE(ran - start, milliseconds(20));
}

TEST_F(LoopTest, RunsTimersInTheOrderOfTheirDeadlines) {
    std::string order;
    const auto last = loop->after(milliseconds(30), [&] { loop->stop(); });
    const auto b = loop->after(milliseconds(2), [&] { order += 'b'; });
    const auto c = loop->after(milliseconds(3), [&] { order += 'c'; });
    const auto a = loop->after(milliseconds(1), [&] { order += 'a'; });
    run();
    EXPECT_EQ(order, "abc");
}

TEST_F(LoopTest, RunsANegativeDelayAtOnce) {
    const auto timer = loop->after(seconds(-5), [&] { loop->stop(); });
    run();
}

TEST_F(LoopTest, DoesNotRunACancelledTimer) {
    auto cancelled = loop->after(milliseconds(1), [] { FAIL() << "a cancelled timer ran"; });
    const auto timer = loop->after(milliseconds(10), [&] { loop->stop(); });
    cancelled.reset();
    run();
}

TEST_F(LoopTest, LetsATimerCancelAnotherThatIsDueWithIt) {
    TimerHandle second;
    const auto first = loop->after(milliseconds(1), [&] { second.reset(); });
    second = loop->after(milliseconds(1), [] { FAIL() << "a cancelled timer ran"; });
    const auto timer = loop->after(milliseconds(10), [&] { loop->stop(); });
    run();
}

TEST_F(LoopTest, LetsATimerReplaceItsOwnHandle) {
    int runs = 0;
    TimerHandle tick;
    std::function<void()> again = [&] {
        if (++runs == 3) {
            loop->stop();
            return;
        }
        tick = loop->after(milliseconds(1), again);
    };
    tick = loop->after(milliseconds(1), again);
    run();
    EXPECT_EQ(runs, 3);
}

TEST_F(LoopTest, LeavesHandlesThatOutliveItHarmless) {
    Pipe pipe;
    TimerHandle timer = loop->after(seconds(5), [] {});
    auto watch = loop->watch_fd(pipe.out.get(), EPOLLIN, [](std::uint32_t) {});
    ASSERT_TRUE(watch);
    guard.reset();
    loop.reset();
    timer.reset();
    watch->reset();
    EXPECT_FALSE(static_cast<bool>(*watch));
}

TEST_F(LoopTest, RunsPostedFunctionsInTheirOrder) {
    std::string order;
    for (const char c : std::string("abcdef")) {
        loop->post([&order, c] { order += c; });
    }
    loop->post([&] { loop->stop(); });
    run();
    EXPECT_EQ(order, "abcdef");
}

TEST_F(LoopTest, RunsWhatAPostedFunctionPosts) {
    int depth = 0;
    std::function<void()> deeper = [&] {
        if (++depth == 10) {
            loop->stop();
        } else {
            loop->post(deeper);
        }
    };
    loop->post(deeper);
    run();
    EXPECT_EQ(depth, 10);
}

TEST_F(LoopTest, TakesPostsFromManyThreadsAndLosesNone) {
    constexpr int kThreads = 4;
    constexpr int kPosts = 2000;
    int ran = 0;  // on the loop thread alone
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < kPosts; ++i) {
                loop->post([&] {
                    if (++ran == kThreads * kPosts) {
                        loop->stop();
                    }
                });
            }
        });
    }
    run();
    EXPECT_EQ(ran, kThreads * kPosts);
}

TEST_F(LoopTest, KeepsTheOrderOfEachThreadsPosts) {
    std::vector<int> seen;
    std::jthread poster([&] {
        for (int i = 0; i < 500; ++i) {
            loop->post([&seen, i] { seen.push_back(i); });
        }
        loop->stop();
    });
    run();
    ASSERT_EQ(seen.size(), 500U);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_F(LoopTest, StopsWhenAnotherThreadSaysSo) {
    std::jthread other([&] { loop->stop(); });
    run();
}

TEST_F(LoopTest, GoesOnWhereItEndedWhenItIsRunAgain) {
    int runs = 0;
    loop->post([&] { ++runs; });
    loop->stop();
    run();
    loop->post([&] { ++runs; });
    loop->stop();
    run();
    EXPECT_EQ(runs, 2);
}

TEST_F(LoopTest, LetsNoExceptionOfACallbackOut) {
    Pipe pipe;
    pipe.put('x');
    Watch watch;
    auto made = loop->watch_fd(pipe.out.get(), EPOLLIN, [&](std::uint32_t) -> void {
        pipe.take();
        throw std::runtime_error("from a descriptor");
    });
    ASSERT_TRUE(made);
    loop->post([] { throw std::runtime_error("from a posted function"); });
    loop->post([] { throw 7; });
    const auto bad = loop->after(milliseconds(1), [] { throw std::runtime_error("from a timer"); });
    const auto end = loop->after(milliseconds(20), [&] { loop->stop(); });
    run();
    EXPECT_EQ(pipe.take(), '\0');
}

TEST_F(LoopTest, DropsWhatAPostedFunctionHoldsAsSoonAsItHasRun) {
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = held;
    loop->post([held = std::move(held)] {});
    loop->post([&] {
        EXPECT_TRUE(watch.expired());
        loop->stop();
    });
    run();
}

TEST_F(LoopTest, CallsAWatcherWithTheEventsThatCame) {
    Pipe pipe;
    pipe.put('x');
    std::uint32_t seen = 0;
    auto watch = loop->watch_fd(pipe.out.get(), EPOLLIN, [&](std::uint32_t events) {
        seen = events;
        loop->stop();
    });
    ASSERT_TRUE(watch) << watch.error().message;
    run();
    EXPECT_EQ(seen, static_cast<std::uint32_t>(EPOLLIN));
    EXPECT_EQ(pipe.take(), 'x');
}

TEST_F(LoopTest, TellsAWatcherOfAHangUp) {
    Pipe pipe;
    pipe.in.reset();
    std::uint32_t seen = 0;
    auto watch = loop->watch_fd(pipe.out.get(), EPOLLIN, [&](std::uint32_t events) {
        seen = events;
        loop->stop();
    });
    ASSERT_TRUE(watch);
    run();
    EXPECT_NE(seen & EPOLLHUP, 0U);
}

TEST_F(LoopTest, NoLongerCallsADroppedWatcher) {
    Pipe pipe;
    pipe.put('x');
    auto watch = loop->watch_fd(pipe.out.get(), EPOLLIN,
                                [](std::uint32_t) { FAIL() << "a dropped watcher was called"; });
    ASSERT_TRUE(watch);
    watch->reset();
    const auto end = loop->after(milliseconds(10), [&] { loop->stop(); });
    run();
}

TEST_F(LoopTest, LetsAWatcherDropItselfWhileItRuns) {
    Pipe pipe;
    pipe.put('x');
    Watch watch;
    const auto held = std::make_shared<std::string>("still here");
    std::string seen;
    auto made = loop->watch_fd(pipe.out.get(), EPOLLIN, [&, held](std::uint32_t) {
        watch.reset();
        seen = *held;  // the function must outlive its watch until it returns
    });
    ASSERT_TRUE(made);
    watch = std::move(*made);
    const auto end = loop->after(milliseconds(10), [&] { loop->stop(); });
    run();
    EXPECT_EQ(seen, "still here");
}

TEST_F(LoopTest, RefusesToWatchADescriptorTwiceOrAFile) {
    Pipe pipe;
    const auto watch = loop->watch_fd(pipe.out.get(), EPOLLIN, [](std::uint32_t) {});
    ASSERT_TRUE(watch);
    const auto again = loop->watch_fd(pipe.out.get(), EPOLLIN, [](std::uint32_t) {});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::Conflict);
    const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    const auto of_file = loop->watch_fd(file.get(), EPOLLIN, [](std::uint32_t) {});
    ASSERT_FALSE(of_file);
    EXPECT_EQ(of_file.error().code, Code::Denied);
}

TEST_F(LoopTest, TurnsASignalIntoACallOnTheLoop) {
    int calls = 0;
    ASSERT_TRUE(loop->on_signal(SIGUSR1, [&] {
        ++calls;
        loop->stop();
    }));
    ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
    run();
    EXPECT_EQ(calls, 1);
}

TEST_F(LoopTest, BlocksAHandledSignalForThreadsStartedLater) {
    ASSERT_TRUE(loop->on_signal(SIGUSR2, [] {}));
    bool blocked = false;
    std::thread([&] {
        sigset_t mask;
        pthread_sigmask(SIG_BLOCK, nullptr, &mask);
        blocked = sigismember(&mask, SIGUSR2) == 1;
    }).join();
    EXPECT_TRUE(blocked);
}

TEST_F(LoopTest, RefusesASecondHandlerAndASignalThatIsNone) {
    ASSERT_TRUE(loop->on_signal(SIGUSR2, [] {}));
    const Status second = loop->on_signal(SIGUSR2, [] {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::Conflict);
    const Status none = loop->on_signal(4711, [] {});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Code::InvalidArgument);
}

TEST_F(LoopTest, FeedsNoWatchdogThatNobodyAskedFor) {
    ::unsetenv("WATCHDOG_USEC");
    const auto fed = loop->feed_watchdog();
    ASSERT_TRUE(fed) << fed.error().message;
    EXPECT_FALSE(*fed);
}

// A socket that stands in for systemd's end of the notify protocol.
class NotifySocket {
  public:
    NotifySocket() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        name_ = "podreeve-test-" + std::to_string(::getpid());
        name_.copy(address.sun_path + 1, name_.size());  // abstract: starts with a NUL
        const auto size =
            static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size());
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
        ::setenv("NOTIFY_SOCKET", ("@" + name_).c_str(), 1);
    }

    ~NotifySocket() { ::unsetenv("NOTIFY_SOCKET"); }

    int fd() const { return fd_.get(); }

    std::string take() {
        char buffer[256];
        const ssize_t size = ::recv(fd_.get(), buffer, sizeof buffer, 0);
        return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : std::string();
    }

  private:
    std::string name_;
    UniqueFd fd_;
};

TEST_F(LoopTest, FeedsTheWatchdogOnlyWhileItTurns) {
    NotifySocket socket;
    ::setenv("WATCHDOG_USEC", "40000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    const auto fed = loop->feed_watchdog();
    ASSERT_TRUE(fed) << fed.error().message;
    EXPECT_TRUE(*fed);
    while (!socket.take().empty()) {
    }
    int feeds = 0;
    auto watch = loop->watch_fd(socket.fd(), EPOLLIN, [&](std::uint32_t) {
        EXPECT_EQ(socket.take(), "WATCHDOG=1");
        if (++feeds == 3) {
            loop->stop();
        }
    });
    ASSERT_TRUE(watch);
    run();
    EXPECT_EQ(feeds, 3);
    // Told to starve it: nothing comes though the loop turns.
    ASSERT_TRUE(loop->starve_watchdog());
    while (!socket.take().empty()) {
    }
    const TimerHandle end = loop->after(std::chrono::milliseconds(100), [&] { loop->stop(); });
    run();
    EXPECT_EQ(feeds, 3);
    ASSERT_TRUE(loop->feed_watchdog());
    // Stopped: nothing more comes, though more time passes than the watchdog's.
    while (!socket.take().empty()) {
    }
    pollfd later{socket.fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&later, 1, 100), 0) << socket.take();
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
}

TEST_F(LoopTest, SleepsWhenThereIsNothingToDo) {
    // One timer ahead and nothing else: the process must not burn time while it waits.
    struct timespec before {};

    struct timespec after {};

    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    const auto end = loop->after(milliseconds(200), [&] { loop->stop(); });
    run();
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    const auto used = seconds(after.tv_sec - before.tv_sec) +
                      std::chrono::nanoseconds(after.tv_nsec - before.tv_nsec);
    EXPECT_LT(used, milliseconds(50));
}

}  // namespace
}  // namespace podreeve::loop
