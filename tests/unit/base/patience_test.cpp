#include "runtime/base/patience.h"

#include <future>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace podreeve {
namespace {

using std::chrono::minutes;

// Long enough for a job to be begun.
constexpr std::chrono::milliseconds kSoon{500};

TEST(Patience, RunsAJobToItsEndOnAnotherThread) {
    Patience patience(minutes(1));
    std::thread::id where;
    EXPECT_TRUE(patience.run("/a", [&] { where = std::this_thread::get_id(); }));
    EXPECT_NE(where, std::this_thread::get_id());
}

TEST(Patience, WithoutALimitAsksOnTheCallersThread) {
    Patience patience(Duration{});
    std::thread::id where;
    EXPECT_TRUE(patience.run("/a", [&] { where = std::this_thread::get_id(); }));
    EXPECT_EQ(where, std::this_thread::get_id());
}

TEST(Patience, HandsOnWhatAJobThrows) {
    Patience patience(minutes(1));
    EXPECT_THROW(patience.run("/a", [] { throw std::runtime_error("no"); }), std::runtime_error);
    EXPECT_TRUE(patience.run("/a", [] {}));
}

// What hangs in a job of the tests until it is let go.
struct Gate {
    std::promise<void> opened;
    std::shared_future<void> open = opened.get_future().share();
    std::promise<void> passed;
};

TEST(Patience, GivesUpOneThatHangsAndRefusesItsSubjectUntilItHasEnded) {
    Patience patience(kSoon);
    auto gate = std::make_shared<Gate>();
    const auto hang = [gate] {
        gate->open.wait();
        gate->passed.set_value();
    };
    EXPECT_FALSE(patience.run("/hangs", hang));
    bool ran = false;
    EXPECT_FALSE(patience.run("/hangs", [&] { ran = true; }));
    EXPECT_FALSE(ran) << "it is not even begun";

    gate->opened.set_value();
    gate->passed.get_future().wait();
}

TEST(Patience, AsksAgainAfterAWhileSinceAnotherFileSystemMayBeThere) {
    Patience patience(kSoon, Duration{});
    auto gate = std::make_shared<Gate>();
    EXPECT_FALSE(patience.run("/hangs", [gate] { gate->open.wait(); }));
    bool ran = false;
    EXPECT_TRUE(patience.run("/hangs", [&] { ran = true; }));
    EXPECT_TRUE(ran);
    gate->opened.set_value();
}

TEST(Patience, AsksOthersWhileOneHangs) {
    Patience patience(kSoon);
    auto gate = std::make_shared<Gate>();
    EXPECT_FALSE(patience.run("/hangs", [gate] { gate->open.wait(); }));
    EXPECT_TRUE(patience.run("/answers", [] {}));
    gate->opened.set_value();
}

}  // namespace
}  // namespace podreeve
