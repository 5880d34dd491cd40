#include <gtest/gtest.h>

#include "agent/supervise/decide/memory.h"
#include "agent/supervise/supervisor.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

// podman tells exits by the second: which of them is one that was counted already.
namespace podreeve::supervise {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// An app of one container, which began and ended within one second.
class Exits : public ::testing::Test {
  protected:
    Exits() {
        state_ = std::move(*state::State::open(temp_.path(), time_));
        supervisor_ =
            std::make_unique<Supervisor>(*state_, time_, [](auto&&...) { return nullptr; });
        auto spec = std::make_shared<manifests::AppSpec>();
        spec->name = "web";
        manifests::ContainerSpec container;
        container.part = container.name = "web";
        spec->containers.push_back(container);
        desired_.apps["web"] = spec;
        podman::ContainerSummary ended;
        ended.id = "0123456789abcdef";
        ended.name = "web";
        ended.state = podman::ContainerState::Exited;
        ended.started = ended.exited = second_;
        ended.labels = {{observe::kLabelApp, "web"},
                        {observe::kLabelPart, "web"},
                        {observe::kLabelOwner, state_->owner()}};
        observed_.containers.push_back(ended);
    }

    std::int64_t restarts_by_the_next_pass() {
        supervisor_->prepare(desired_, observed_, {});
        return memory_from(state_->app("web")->extra).restarts.at("web").restarts;
    }

    // The change that started it, planned at that time, has ended.
    void was_started(WallTime planned) {
        state::ChangeView change;
        change.id = 7;
        change.subject = "web";
        change.kind = "repair-app";
        change.status = state::TaskStatus::Done;
        change.ready = time_.system_now();
        state::TaskView task;
        task.kind = "start-container";
        task.status = state::TaskStatus::Done;
        task.data = R"({"part":"web"})";
        task.created = planned;
        change.tasks.push_back(task);
        supervisor_->change_ended(change);
    }

    fakes::TempDir temp_;
    fakes::FakeTime time_;
    const WallTime second_ = time_.system_now();
    std::unique_ptr<state::State> state_;
    std::unique_ptr<Supervisor> supervisor_;
    manifests::Desired desired_;
    observe::Observed observed_;
};

TEST_F(Exits, AreCountedOnceThoughAPassSeesThemBeforeTheEndOfTheChangeIsTold) {
    EXPECT_EQ(restarts_by_the_next_pass(), 1);
    was_started(second_ - milliseconds(300));
    EXPECT_EQ(restarts_by_the_next_pass(), 1);
}

TEST_F(Exits, AreCountedEachThoughTheyFallIntoTheSameSecond) {
    EXPECT_EQ(restarts_by_the_next_pass(), 1);
    was_started(second_ + milliseconds(300));
    EXPECT_EQ(restarts_by_the_next_pass(), 2);
    EXPECT_EQ(restarts_by_the_next_pass(), 2);
}

}  // namespace
}  // namespace podreeve::supervise
