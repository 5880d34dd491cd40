#include <atomic>
#include <filesystem>
#include <future>
#include <stdexcept>

#include <gtest/gtest.h>

#include "agent/reconcile/reconciler.h"
#include "tests/fakes/fake_podman/fake_podman.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

// What throws in a pass and is about no app: the pass says so, and the next one is made.
namespace podreeve::reconcile {
namespace {

// A clock that can be told to throw, where the pass asks it what time it is.
class FaultyClock final : public Clock {
  public:
    explicit FaultyClock(const Clock& time) : time_(time) {}

    SteadyTime steady_now() const override { return time_.steady_now(); }

    WallTime system_now() const override {
        if (throws) {
            throw std::runtime_error("no time \xFF");
        }
        return time_.system_now();
    }

    std::atomic<bool> throws = false;

  private:
    const Clock& time_;
};

class PassContainment : public ::testing::Test {
  protected:
    PassContainment() {
        state_ = std::move(*state::State::open(directory_ / "state", time_));
        source_ = std::make_unique<manifests::ManifestSource>(manifests::SourceConfig{
            {directory_ / "apps"}, directory_ / "accepted", ::geteuid(), nullptr});
        supervisor_ = std::make_unique<supervise::Supervisor>(*state_, time_,
                                                              [](auto&&...) { return nullptr; });
        versions_ = std::make_unique<KeptVersions>(*source_, specs_, *state_);
    }

    PassWorld world() {
        return {*source_, client_, *state_,    *supervisor_, specs_,
                clock_,   health_, *versions_, lookout_};
    }

    fakes::TempDir temp_;
    std::filesystem::path directory_ = temp_.path();
    fakes::FakeTime time_;
    FaultyClock clock_{time_};
    fakes::FakePodman podman_;
    podman::Client client_{podman_.socket_path()};
    std::unique_ptr<state::State> state_;
    std::unique_ptr<manifests::ManifestSource> source_;
    std::unique_ptr<supervise::Supervisor> supervisor_;
    handlers::SpecBook specs_;
    std::unique_ptr<KeptVersions> versions_;
    Lookout lookout_{client_, ""};
    health::Monitor health_{{}, time_, time_, [](auto&&...) {}};
};

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
