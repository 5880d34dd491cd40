#include "agent/handlers/plan_to_change.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/handlers/table.h"

namespace podreeve::handlers {

namespace {

plan::AppPlan deploy() {
    plan::AppPlan plan;
    plan.app = "web";
    plan.action = plan::AppAction::Deploy;
    plan.spec = "0123456789abcdef";
    plan.generation = 3;
    plan::Step pull;
    pull.kind = plan::StepKind::PullImage;
    pull.object = "localhost/web:2";
    pull.details = R"({"policy":"Always"})";
    plan::Step create;
    create.kind = plan::StepKind::CreateContainer;
    create.part = "solo";
    create.object = "solo";
    create.id = "abc";
    create.reason = "spec differs: image";
    create.details = R"({"labels":{"io.podreeve.app":"web"}})";
    create.after = {0};
    plan.steps = {pull, create};
    return plan;
}

TEST(ChangeOfPlan, TakesAReasonThatIsNoText) {
    plan::AppPlan plan = deploy();
    plan.steps[1].reason = "liveness: \xFF";
    const state::NewChange change = to_change(plan);
    EXPECT_TRUE(nlohmann::json::parse(change.tasks.at(1).data).is_object());
}

TEST(ChangeOfPlan, HasATaskAStepInTheirOrderWithTheirEdges) {
    const state::NewChange change = to_change(deploy());
    EXPECT_EQ(change.kind, "deploy-app");
    EXPECT_EQ(change.subject, "web");
    EXPECT_EQ(change.summary, "Deploy web: 2 steps");
    ASSERT_EQ(change.tasks.size(), 2U);
    EXPECT_EQ(change.tasks[0].kind, "pull-image");
    EXPECT_EQ(change.tasks[0].summary, "Pull image localhost/web:2");
    EXPECT_TRUE(change.tasks[0].after.empty());
    EXPECT_EQ(change.tasks[1].kind, "create-container");
    EXPECT_EQ(change.tasks[1].summary, "Create container solo (spec differs: image)");
    EXPECT_EQ(change.tasks[1].after, std::vector<std::size_t>{0});
    EXPECT_EQ(change.tasks[0].lane, change.tasks[1].lane);
    EXPECT_GE(change.tasks[0].lane, 1);
}

TEST(ChangeOfPlan, TellsATaskNamesIdsAndTheHashOfTheSpecAndNothingElse) {
    const state::NewChange change = to_change(deploy());
    const auto data = nlohmann::json::parse(change.tasks[1].data);
    const nlohmann::json wanted{{"app", "web"},
                                {"part", "solo"},
                                {"object", "solo"},
                                {"id", "abc"},
                                {"reason", "spec differs: image"},
                                {"spec", "0123456789abcdef"},
                                {"generation", 3},
                                {"details", {{"labels", {{"io.podreeve.app", "web"}}}}}};
    EXPECT_EQ(data, wanted);
    EXPECT_EQ(nlohmann::json::parse(change.data),
              (nlohmann::json{{"app", "web"}, {"spec", "0123456789abcdef"}, {"generation", 3}}));
}

TEST(ChangeOfPlan, NamesEachActionInWords) {
    struct KindRow {
        plan::AppAction action;
        const char* kind;
        const char* summary;
    };

    for (const KindRow& row : {KindRow{plan::AppAction::Deploy, "deploy-app", "Deploy web: 1 step"},
                               KindRow{plan::AppAction::Repair, "repair-app", "Repair web: 1 step"},
                               KindRow{plan::AppAction::Remove, "remove-app", "Remove web: 1 step"},
                               KindRow{plan::AppAction::Stop, "stop-app", "Stop web: 1 step"}}) {
        plan::AppPlan plan = deploy();
        plan.steps.resize(1);
        plan.action = row.action;
        EXPECT_EQ(to_change(plan).kind, row.kind);
        EXPECT_EQ(to_change(plan).summary, row.summary);
    }
}

TEST(ChangeOfPlan, HasWordsForEveryKind) {
    for (const KindRow& row : table()) {
        plan::AppPlan plan = deploy();
        plan.steps.resize(1);
        plan.steps[0].kind = row.kind;
        plan.steps[0].object = "thing";
        const std::string summary = to_change(plan).tasks.at(0).summary;
        EXPECT_NE(summary.find(" "), std::string::npos) << summary;
        EXPECT_NE(summary.find("thing"), std::string::npos) << summary;
    }
}

TEST(ChangeOfPlan, TakesDetailsThatAreNoObjectAsNone) {
    plan::AppPlan plan = deploy();
    plan.steps[0].details = "[1";
    const state::NewChange change = to_change(plan);
    EXPECT_EQ(nlohmann::json::parse(change.tasks[0].data)["details"], nlohmann::json::object());
}

}  // namespace

}  // namespace podreeve::handlers
