#include "runtime/base/thread.h"

#include <atomic>
#include <stdexcept>

#include <gtest/gtest.h>

namespace podreeve {
namespace {

TEST(Thread, EndsByItselfWithWhatItsBodyThrows) {
    std::atomic<int> ran = 0;
    begin_thread("a thread of the test", [&] {
        ++ran;
        throw std::runtime_error("x");
    }).join();
    begin_thread("a thread of the test", [&] {
        ++ran;
        throw 7;
    }).join();
    EXPECT_EQ(ran, 2);
}

TEST(Thread, ThatIsToldToStopDoesToo) {
    std::atomic<bool> reported = false;
    {
        const std::jthread thread =
            begin_stoppable("a thread of the test", [&](std::stop_token stop) {
                while (!stop.stop_requested()) {
                    std::this_thread::yield();
                }
                reported = true;
                throw std::runtime_error("x");
            });
    }
    EXPECT_TRUE(reported);
}

}  // namespace
}  // namespace podreeve
