#include <future>
#include <stdexcept>

#include <gtest/gtest.h>

#include "agent/reconcile/reconciler.h"
#include "tests/unit/reconcile/pass_host.h"

// What throws in a pass and is about no app: the pass says so, and the next one is made.
namespace podreeve::reconcile {
namespace {

class PassContainment : public PassHost {};

TEST_F(PassContainment, IsAReportWithTheError) {
    clock_.throws = true;
    const PassReport failed = make_pass(world(), {});
    EXPECT_EQ(failed.error, R"(internal error: no time \xff)");
    EXPECT_EQ(failed.overview.pass_error, R"(no time \xff)");
    EXPECT_FALSE(failed.converged);
    clock_.throws = false;
    const PassReport next = make_pass(world(), {});
    EXPECT_EQ(next.error, "");
    EXPECT_EQ(next.overview.pass_error, "");
    EXPECT_EQ(next.overview.passes, 2U);
}

TEST_F(PassContainment, OfAPlanThatIsAskedForIsItsError) {
    clock_.throws = true;
    const Result<plan::Plan> plan = make_plan(world(), std::nullopt, {});
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, Code::Internal);
    EXPECT_EQ(plan.error().message, R"(cannot plan: internal error: no time \xff)");
    clock_.throws = false;
    EXPECT_TRUE(make_plan(world(), std::nullopt, {}));
}

TEST_F(PassContainment, LeavesTheReconcilerTurning) {
    supervise::SharedStatus shared_status;
    Reconciler reconciler(world(), time_, shared_status, {});
    const auto pass = [&] {
        auto asked = std::async(std::launch::async,
                                [&] { return reconciler.pass_now(std::chrono::seconds(60)); });
        while (asked.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
            time_.run_posted();
        }
        return asked.get();
    };
    reconciler.on_pass([](const PassReport&) { throw std::runtime_error("from a callback"); });
    clock_.throws = true;
    const Result<PassReport> failed = pass();
    ASSERT_TRUE(failed);
    EXPECT_NE(failed->error, "");
    EXPECT_NE(shared_status.lock()->pass_error, "");
    clock_.throws = false;
    const Result<PassReport> next = pass();
    ASSERT_TRUE(next);
    EXPECT_EQ(next->error, "");
    EXPECT_EQ(shared_status.lock()->pass_error, "");
}

}  // namespace
}  // namespace podreeve::reconcile
