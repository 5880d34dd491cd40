#include <gtest/gtest.h>

#include "tests/fakes/scarce_memory.h"
#include "tests/unit/plan/apps.h"
#include "tests/unit/plan/world.h"

// What throws while one app is planned is that app's condition, and nobody else's business.
namespace podreeve::plan::test {
namespace {

using fakes::ScarceMemory;

constexpr std::size_t kMuch = 1 << 20;

// Its canonical text is as long as its one variable: to hash it throws while memory is scarce.
manifests::AppSpec with_a_long_text(manifests::AppSpec app) {
    app.containers.front().env["LONG"] = std::string(2 * kMuch, 'x');
    return app;
}

TEST(Containment, OfAnAppThatThrowsWhilePlannedLeavesTheOthersPlans) {
    World world;
    const manifests::Desired others = desire({sample("duo"), sample("shop")});
    const manifests::Desired all =
        desire({sample("duo"), sample("shop"), with_a_long_text(sample("clock"))});
    const Plan without = diff(others, world.observe(true), policy());
    Plan with;
    {
        const ScarceMemory scarce(kMuch);
        with = diff(all, world.observe(true), policy());
        EXPECT_GT(ScarceMemory::refused(), 0U);
    }
    const AppPlan clock = with.apps.at("clock");
    EXPECT_TRUE(clock.empty());
    ASSERT_EQ(clock.conditions.size(), 1U);
    EXPECT_EQ(clock.conditions[0].type, "InternalError");
    EXPECT_NE(clock.conditions[0].message.find("std::bad_alloc"), std::string::npos);
    with.apps.erase("clock");
    ASSERT_EQ(with.apps.size(), without.apps.size());
    for (const auto& [name, app] : without.apps) {
        EXPECT_FALSE(app.empty()) << name;
        EXPECT_EQ(with.apps.at(name).steps.size(), app.steps.size()) << name;
        EXPECT_EQ(with.apps.at(name).conditions, app.conditions) << name;
    }
}

TEST(Containment, EndsWithItsCause) {
    World world;
    const manifests::Desired desired = desire({with_a_long_text(sample("clock"))});
    {
        const ScarceMemory scarce(kMuch);
        EXPECT_TRUE(diff(desired, world.observe(true), policy()).apps.at("clock").empty());
    }
    EXPECT_FALSE(diff(desired, world.observe(true), policy()).apps.at("clock").empty());
}

TEST(Containment, OfAnAppInTroubleLeavesItAsItIs) {
    World world;
    const manifests::Desired desired = desire({sample("clock"), sample("duo")});
    for (const auto& [name, app] : diff(desired, world.observe(true), policy()).apps) {
        world.run(app);
    }
    world.end_container("clock", 137);
    world.end_container("duo-one", 137);
    Policy troubled = policy();
    troubled.apps["clock"].trouble = "std::bad_alloc";
    const Plan plan = diff(desired, world.observe(), troubled);
    EXPECT_TRUE(plan.apps.at("clock").empty());
    EXPECT_EQ(plan.apps.at("clock").conditions.at(0).type, "InternalError");
    EXPECT_FALSE(plan.apps.at("duo").empty());
    // Nor is it removed when its manifest goes.
    const Plan gone = diff(desire({sample("duo")}), world.observe(), troubled);
    EXPECT_TRUE(gone.apps.at("clock").empty());
}

}  // namespace
}  // namespace podreeve::plan::test
