#include "runtime/base/patience.h"

#include <atomic>
#include <future>
#include <memory>
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
    std::atomic<bool> begun = false;
};

// One that was not begun in time, on a machine that stalls, is dropped, and asked again here.
void hang_at(Patience& patience, const std::shared_ptr<Gate>& gate) {
    while (!gate->begun) {
        EXPECT_FALSE(patience.run("/hangs", [gate] {
            gate->begun = true;
            gate->open.wait();
            gate->passed.set_value();
        }));
    }
}

bool answers(Patience& patience, const std::string& subject) {
    for (int i = 0; i < 40; ++i) {
        const auto ran = std::make_shared<std::atomic<bool>>(false);
        if (patience.run(subject, [ran] { *ran = true; })) {
            return *ran;
        }
    }
    return false;
}

TEST(Patience, GivesUpOneThatHangsAndRefusesItsSubjectUntilItHasEnded) {
    Patience patience(kSoon);
    const auto gate = std::make_shared<Gate>();
    hang_at(patience, gate);
    const auto ran = std::make_shared<std::atomic<bool>>(false);
    EXPECT_FALSE(patience.run("/hangs", [ran] { *ran = true; }));
    EXPECT_FALSE(*ran) << "it is not even begun";

    gate->opened.set_value();
    gate->passed.get_future().wait();
}

TEST(Patience, AsksAgainAfterAWhileSinceAnotherFileSystemMayBeThere) {
    Patience patience(kSoon, Duration{});
    const auto gate = std::make_shared<Gate>();
    hang_at(patience, gate);
    EXPECT_TRUE(answers(patience, "/hangs"));
    gate->opened.set_value();
}

TEST(Patience, AsksOthersWhileOneHangs) {
    Patience patience(kSoon, Duration{});
    const auto gate = std::make_shared<Gate>();
    hang_at(patience, gate);
    EXPECT_TRUE(answers(patience, "/answers"));
    gate->opened.set_value();
}

}  // namespace
}  // namespace podreeve
