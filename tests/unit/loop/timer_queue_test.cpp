#include "runtime/loop/timer_queue.h"

#include <string>

#include <gtest/gtest.h>

namespace podreeve::loop {
namespace {

using std::chrono::milliseconds;

SteadyTime at(int ms) {
    return SteadyTime(milliseconds(ms));
}

std::string run_all_due(TimerQueue& queue, SteadyTime now) {
    const std::uint64_t mark = queue.mark();
    while (const auto fn = queue.take_due(now, mark)) {
        fn();
    }
    return {};
}

TEST(TimerQueue, RunsWhatIsDueInTheOrderOfDeadlines) {
    TimerQueue queue;
    std::string ran;
    queue.add(at(30), [&] { ran += 'c'; });
    queue.add(at(10), [&] { ran += 'a'; });
    queue.add(at(20), [&] { ran += 'b'; });
    queue.add(at(40), [&] { ran += 'd'; });
    run_all_due(queue, at(30));
    EXPECT_EQ(ran, "abc");
    EXPECT_EQ(queue.next_deadline(), at(40));
}

TEST(TimerQueue, KeepsTheOrderOfEqualDeadlines) {
    TimerQueue queue;
    std::string ran;
    for (const char c : std::string("abcdefgh")) {
        queue.add(at(10), [&ran, c] { ran += c; });
    }
    run_all_due(queue, at(10));
    EXPECT_EQ(ran, "abcdefgh");
}

TEST(TimerQueue, LeavesATimerAddedWhileRunningForTheNextTurn) {
    TimerQueue queue;
    int runs = 0;
    std::function<void()> again = [&] {
        ++runs;
        queue.add(at(0), again);
    };
    queue.add(at(0), again);
    run_all_due(queue, at(10));
    EXPECT_EQ(runs, 1);
    run_all_due(queue, at(10));
    EXPECT_EQ(runs, 2);
}

TEST(TimerQueue, ForgetsARemovedTimer) {
    TimerQueue queue;
    const auto key = queue.add(at(10), [] { FAIL() << "a removed timer ran"; });
    queue.remove(key);
    EXPECT_FALSE(queue.next_deadline());
    EXPECT_FALSE(queue.take_due(at(20), queue.mark()));
}

}  // namespace
}  // namespace podreeve::loop
