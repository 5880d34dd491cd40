#include "agent/supervise/failures.h"

#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/supervise/supervisor.h"

namespace podreeve::supervise {
namespace {

using std::chrono::seconds;

plan::AppPlan plan_of(const char* app, const char* spec, const char* object) {
    plan::AppPlan plan;
    plan.app = app;
    plan.spec = spec;
    plan::Step step;
    step.kind = plan::StepKind::PullImage;
    step.object = object;
    plan.steps.push_back(step);
    return plan;
}

state::ChangeView ended(const plan::AppPlan& plan, state::TaskStatus status, WallTime when) {
    state::ChangeView view;
    view.id = 3;
    view.subject = plan.app;
    view.status = status;
    view.ready = when;
    view.error = status == state::TaskStatus::Error ? "cannot pull" : "";
    view.data = fmt::format(R"({{"spec":"{}","fingerprint":"{}"}})", plan.spec, fingerprint(plan));
    return view;
}

// The latest that no person refused.
std::optional<Failure> last(const Failures& failures, const std::string& app) {
    std::vector<Failure> all = failures.of(app);
    std::erase_if(all, [](const Failure& failure) { return failure.until == kUntilChanged; });
    return all.empty() ? std::nullopt : std::optional(all.back());
}

TEST(Failures, TheSamePlanIsHeldBackFiveSecondsThenTen) {
    Failures failures;
    const auto plan = plan_of("web", "s1", "image:1");
    failures.note(ended(plan, state::TaskStatus::Error, WallTime(seconds(100))));
    EXPECT_TRUE(failures.holds(plan, WallTime(seconds(104))));
    EXPECT_FALSE(failures.holds(plan, WallTime(seconds(105))));
    failures.note(ended(plan, state::TaskStatus::Error, WallTime(seconds(200))));
    EXPECT_TRUE(failures.holds(plan, WallTime(seconds(209))));
    EXPECT_FALSE(failures.holds(plan, WallTime(seconds(210))));
}

TEST(Failures, TheHoldNeverPassesFiveMinutes) {
    Failures failures;
    const auto plan = plan_of("web", "s1", "image:1");
    for (int i = 0; i < 40; ++i) {
        failures.note(ended(plan, state::TaskStatus::Error, WallTime(seconds(0))));
    }
    EXPECT_TRUE(failures.holds(plan, WallTime(seconds(299))));
    EXPECT_FALSE(failures.holds(plan, WallTime(seconds(300))));
}

TEST(Failures, WhatFoundNoRoomComesBackSpreadOutAndNeverLaterThanInFiveMinutes) {
    Failures failures;
    std::set<WallTime> ends;
    for (const char* app : {"a", "b", "c", "d", "e"}) {
        auto change = ended(plan_of(app, "s1", "image:1"), state::TaskStatus::Error, WallTime{});
        change.error = "cannot write /x: No space left on device";
        for (int i = 0; i < 40; ++i) {
            failures.note(change);
        }
        const WallTime until = last(failures, app)->until;
        EXPECT_GE(until, WallTime(seconds(240)));
        EXPECT_LE(until, WallTime(seconds(300)));
        ends.insert(until);
    }
    EXPECT_GT(ends.size(), 1U);
}

TEST(Failures, AnotherPlanOfTheSameAppMayGoOn) {
    Failures failures;
    failures.note(ended(plan_of("web", "s1", "image:1"), state::TaskStatus::Error, WallTime{}));
    EXPECT_FALSE(failures.holds(plan_of("web", "s1", "image:2"), WallTime{}));
    EXPECT_FALSE(failures.holds(plan_of("db", "s1", "image:1"), WallTime{}));
}

TEST(Failures, AGoodEndOfTheSameSpecClearsThem) {
    Failures failures;
    const auto plan = plan_of("web", "s2", "image:2");
    failures.note(ended(plan, state::TaskStatus::Error, WallTime{}));
    failures.note(ended(plan_of("web", "s1", "image:1"), state::TaskStatus::Done, WallTime{}));
    EXPECT_TRUE(last(failures, "web")) << "a repair of the old version says nothing of the new";
    failures.note(ended(plan, state::TaskStatus::Done, WallTime{}));
    EXPECT_FALSE(last(failures, "web"));
}

TEST(Failures, EachOfTwoVersionsThatFailIsHeldForItself) {
    Failures failures;
    const auto former = plan_of("web", "s1", "image:1");
    const auto newest = plan_of("web", "s2", "image:2");
    for (const int at : {0, 100}) {
        failures.note(ended(newest, state::TaskStatus::Error, WallTime(seconds(at))));
        failures.note(ended(former, state::TaskStatus::Error, WallTime(seconds(at + 1))));
    }
    EXPECT_TRUE(failures.holds(newest, WallTime(seconds(109))));
    EXPECT_TRUE(failures.holds("web", "s2", WallTime(seconds(109))));
    EXPECT_TRUE(failures.holds(former, WallTime(seconds(110))));
    EXPECT_EQ(last(failures, "web")->spec, "s1");
    EXPECT_EQ(failures.next_after(WallTime(seconds(101))), WallTime(seconds(110)));
    failures.forget_others("web", {"s2"});
    EXPECT_EQ(last(failures, "web")->spec, "s2");
    EXPECT_FALSE(failures.holds(former, WallTime(seconds(101))));
}

TEST(Failures, AnAbortedChangeIsHeldToo) {
    Failures failures;
    const auto plan = plan_of("web", "s1", "image:1");
    failures.note(ended(plan, state::TaskStatus::Undone, WallTime{}));
    ASSERT_TRUE(last(failures, "web"));
    EXPECT_EQ(last(failures, "web")->message, "change 3 was aborted");
}

state::ChangeView aborted_by_person(const plan::AppPlan& plan) {
    state::ChangeView view = ended(plan, state::TaskStatus::Undone, WallTime{});
    view.kind = "deploy-app";
    view.data.back() = ',';
    view.data += fmt::format(R"("{}":true}})", state::kAbortedByPerson);
    return view;
}

TEST(Failures, WhatAPersonAbortedIsHeldUntilItIsAskedForAgain) {
    Failures failures;
    plan::AppPlan plan = plan_of("web", "s2", "image:2");
    plan.action = plan::AppAction::Deploy;
    failures.note(aborted_by_person(plan));
    EXPECT_TRUE(failures.holds(plan, WallTime(std::chrono::hours(100))));
    EXPECT_TRUE(failures.holds("web", "s2", WallTime(std::chrono::hours(100))));
    EXPECT_EQ(failures.next_after(WallTime{}), std::nullopt);
    ASSERT_EQ(failures.of("web").size(), 1U);
    EXPECT_EQ(
        to_text(failures.of("web").front()),
        "change 3 was aborted; change the manifest, or `podreeve reconcile` deploys it again");
    failures.forget_last("web");
    EXPECT_TRUE(failures.holds(plan, WallTime{}));
    failures.forget("web");
    EXPECT_FALSE(failures.holds(plan, WallTime{}));
}

TEST(Failures, AFailingRepairOfTheVersionBeforeDoesNotBringBackWhatAPersonRefused) {
    Failures failures;
    plan::AppPlan refused = plan_of("web", "s2", "image:2");
    refused.action = plan::AppAction::Deploy;
    failures.note(aborted_by_person(refused));
    const plan::AppPlan repair = plan_of("web", "s1", "image:1");
    failures.note(ended(repair, state::TaskStatus::Error, WallTime{}));
    EXPECT_TRUE(failures.holds(refused, WallTime(seconds(100))));
    EXPECT_TRUE(failures.holds(repair, WallTime(seconds(4))));
    EXPECT_FALSE(failures.holds(repair, WallTime(seconds(5))));
    EXPECT_EQ(failures.of("web").size(), 2U);
    failures.forget_others("web", {"s1", "s3"});
    EXPECT_FALSE(failures.holds(refused, WallTime{})) << "the manifest says otherwise now";
    EXPECT_TRUE(failures.holds(repair, WallTime(seconds(4))));
}

TEST(Failures, WhatEndedByAnotherClockIsHeldFromWhenThatWasByOurs) {
    Failures failures;
    const auto plan = plan_of("web", "s1", "image:1");
    failures.note(ended(plan, state::TaskStatus::Error, WallTime(std::chrono::hours(3))),
                  WallTime(seconds(100)));
    EXPECT_TRUE(failures.holds(plan, WallTime(seconds(104))));
    EXPECT_FALSE(failures.holds(plan, WallTime(seconds(105))));
}

TEST(Failures, TheNextDecisionIsTheEarliestEndOfAHold) {
    Failures failures;
    failures.note(ended(plan_of("a", "s", "i"), state::TaskStatus::Error, WallTime(seconds(10))));
    failures.note(ended(plan_of("b", "s", "i"), state::TaskStatus::Error, WallTime(seconds(12))));
    EXPECT_EQ(failures.next_after(WallTime(seconds(12))), WallTime(seconds(15)));
    EXPECT_EQ(failures.next_after(WallTime(seconds(15))), WallTime(seconds(17)));
    failures.forget(std::nullopt);
    EXPECT_EQ(failures.next_after(WallTime(seconds(12))), std::nullopt);
}

}  // namespace
}  // namespace podreeve::supervise
