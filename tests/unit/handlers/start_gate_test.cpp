#include "agent/handlers/start_gate.h"

#include <gtest/gtest.h>

#include "agent/handlers/table.h"
#include "tests/unit/handlers/bench.h"

// How long a start that may not be made yet is waited for.
namespace podreeve::handlers::testing {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

HandlerResult started(Task&) {
    return state::TaskOutcome(state::TaskDone{});
}

class HeldStart : public ::testing::Test {
  protected:
    HeldStart() { hold(bench); }

    static void hold(Bench& held) {
        held.world->start_gate.may_start = [](const std::string&, const std::string&,
                                              std::stop_token) {
            return StartRefusal{.why = "waits for db"};
        };
    }

    bool is_held(Bench& by) {
        const auto outcome = handlers_for(row, *by.world).run(task);
        return std::holds_alternative<state::TaskRetry>(outcome);
    }

    const KindRow row{plan::StepKind::StartContainer, started, nullptr, std::chrono::minutes(1),
                      &Limits::starts};
    StoredTask task{"start-container", R"({"app":"web","object":"web"})"};
    Bench bench;
};

TEST_F(HeldStart, IsGivenUpAfterHalfAMinuteHoweverTheClockIsSet) {
    EXPECT_TRUE(is_held(bench));
    bench.time.set_wall(bench.time.system_now() + hours(24 * 3652));
    EXPECT_TRUE(is_held(bench));
    bench.time.set_wall(bench.time.system_now() - hours(24 * 3652 * 2));
    bench.time.advance(seconds(29));
    EXPECT_TRUE(is_held(bench));
    bench.time.advance(seconds(1));
    EXPECT_FALSE(is_held(bench));
}

// Nobody waited while there was no agent, and its steady clock is that of another boot perhaps.
TEST_F(HeldStart, HasAllOfItsTimeWithTheNextAgent) {
    EXPECT_TRUE(is_held(bench));
    Bench next;
    hold(next);
    next.time.set_wall(bench.time.system_now() + hours(24));
    EXPECT_TRUE(is_held(next));
    next.time.advance(seconds(29));
    EXPECT_TRUE(is_held(next));
    next.time.advance(seconds(1));
    EXPECT_FALSE(is_held(next));
}

TEST_F(HeldStart, BeginsToWaitAnewOnceItWasAllowed) {
    EXPECT_TRUE(is_held(bench));
    bench.time.advance(seconds(20));
    bench.world->start_gate.may_start = [](const std::string&, const std::string&,
                                           std::stop_token) {
        return std::optional<StartRefusal>();
    };
    const auto outcome = handlers_for(row, *bench.world).run(task);
    ASSERT_TRUE(std::holds_alternative<state::TaskDone>(outcome));
    hold(bench);
    bench.time.advance(seconds(20));
    EXPECT_TRUE(is_held(bench));
}

}  // namespace
}  // namespace podreeve::handlers::testing
