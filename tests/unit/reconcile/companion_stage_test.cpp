#include "agent/reconcile/companion_stage.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::reconcile {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// The boot reconciler's wait for crash recovery, before the first companion stage.
class BootWait : public testing::Test {
  protected:
    void SetUp() override {
        auto opened = state::State::open(temp_.path(), time_);
        ASSERT_TRUE(opened);
        state_ = std::move(*opened);
    }

    state::ChangeId begin(const std::string& app) {
        state::AppRecord record;
        record.name = app;
        EXPECT_TRUE(state_->put_app(record));
        state::NewChange change;
        change.kind = "deploy-app";
        change.subject = app;
        change.tasks.push_back({.kind = "create-container", .summary = "Create container"});
        return state_->add_change(change).value();
    }

    fakes::TempDir temp_;
    fakes::FakeTime time_;
    std::unique_ptr<state::State> state_;
    systemd::UnitWatch watch_{"unix:path=/nonexistent", time_, nullptr};
    CompanionStage stage_{{}, watch_, time_};
};

TEST_F(BootWait, IsNoneWhenNothingWasUnderWay) {
    EXPECT_TRUE(stage_.may_act(*state_));
    begin("web");
    EXPECT_TRUE(stage_.may_act(*state_)) << "what comes later is not waited for";
}

TEST_F(BootWait, IsNoneForWhatTheFirstPassItselfHasBegun) {
    stage_.note_under_way(*state_);
    begin("web");
    EXPECT_TRUE(stage_.may_act(*state_));
}

TEST_F(BootWait, EndsWithWhatAnEarlierRunHadBegun) {
    const state::ChangeId id = begin("web");
    EXPECT_FALSE(stage_.may_act(*state_));
    begin("db");
    time_.advance(seconds(5));
    EXPECT_FALSE(stage_.may_act(*state_));
    ASSERT_TRUE(state_->abort_change(id));
    EXPECT_TRUE(stage_.may_act(*state_)) << "only of what was there at the start";
}

TEST_F(BootWait, EndsAfterHalfAnHourAtTheLatest) {
    begin("web");
    EXPECT_FALSE(stage_.may_act(*state_));
    time_.advance(minutes(30) - seconds(1));
    EXPECT_FALSE(stage_.may_act(*state_));
    time_.advance(seconds(1));
    EXPECT_TRUE(stage_.may_act(*state_));
}

}  // namespace
}  // namespace podreeve::reconcile
