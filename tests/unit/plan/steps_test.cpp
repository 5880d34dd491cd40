#include "agent/plan/steps.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/plan/step_kinds.h"
#include "tests/unit/plan/apps.h"
#include "tests/unit/plan/world.h"

namespace podreeve::plan::test {
namespace {

TEST(StepKinds, HaveNamesThatAreReadBack) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(StepKind::RemoveLeftover); ++i) {
        const auto kind = static_cast<StepKind>(i);
        const std::string_view name = to_string(kind);
        EXPECT_TRUE(names.insert(name).second) << name;
        ASSERT_TRUE(step_kind_from(name)) << name;
        EXPECT_EQ(*step_kind_from(name), kind);
        EXPECT_EQ(row_named(name), &row_of(kind));
        const std::string_view phrase = row_of(kind).phrase;
        EXPECT_EQ(phrase.find("{}"), phrase.rfind("{}")) << phrase;
        EXPECT_NE(phrase.find("{}"), std::string_view::npos) << phrase;
    }
    EXPECT_FALSE(step_kind_from("make-coffee"));
    EXPECT_FALSE(step_kind_from(""));
}

TEST(ParkedNames, AreToldFromOthers) {
    const std::string retained = retained_name("web", "0123456789abcdef0123");
    EXPECT_EQ(retained, "web-retained-0123456789ab");
    EXPECT_TRUE(is_retained(retained));
    EXPECT_TRUE(is_retained("web-parked-0123456789ab")) << "as the first release called it";
    for (const char* name : {"web", "web-retained-", "web-retained-0123456789a", "retained",
                             "web-retained-0123456789abc", "web-retained-0123456789aX"}) {
        EXPECT_FALSE(is_retained(name)) << name;
    }
}

TEST(LabelSpecs, OfAPodCoverItsInitContainersAndNoOthers) {
    const manifests::AppSpec app = sample("greeter");
    const std::string before = label_spec(app, app.pods[0]);
    manifests::AppSpec changed = app;
    changed.containers[1].env["A"] = "b";
    EXPECT_EQ(before, label_spec(changed, changed.pods[0]));
    changed.containers[0].env["A"] = "b";
    EXPECT_NE(before, label_spec(changed, changed.pods[0]));
    const manifests::AppSpec shop = sample("shop");
    EXPECT_EQ(label_spec(shop, shop.pods[0]), manifests::spec_hash(shop.pods[0]));
}

TEST(LabelSpecs, OfSecretsDifferWithTheirDataAndDoNotShowIt) {
    const manifests::SecretSpec secret{"p", "n", "hunter2", {}};
    const manifests::SecretSpec other{"p", "nh", "unter2", {}};
    EXPECT_NE(label_spec(secret), label_spec(other));
    EXPECT_EQ(label_spec(secret).find("hunter"), std::string::npos);
    EXPECT_EQ(label_spec(secret).size(), 16U);
}

AppPlan plan_of(AppAction action, const std::vector<std::vector<std::size_t>>& after) {
    AppPlan plan;
    plan.action = action;
    for (const auto& edges : after) {
        Step step;
        step.after = edges;
        plan.steps.push_back(step);
    }
    return plan;
}

TEST(Lanes, AreOneInADeployAndOneAPartInARepair) {
    const std::vector<std::vector<std::size_t>> edges{{}, {}, {0}, {1}, {}, {2, 4}};
    EXPECT_EQ(lanes(plan_of(AppAction::Deploy, edges)), (std::vector<int>{1, 1, 1, 1, 1, 1}));
    EXPECT_EQ(lanes(plan_of(AppAction::Repair, edges)), (std::vector<int>{1, 2, 1, 2, 1, 1}));
    EXPECT_TRUE(lanes(plan_of(AppAction::Repair, {})).empty());
}

TEST(Steps, CarryTheLabelsThatTellThemAgain) {
    const auto desired = desire({sample("greeter")});
    Policy rules = policy();
    rules.apps["greeter"].generation = 7;
    const Plan plan = diff(desired, World().observe(true), rules);
    std::map<std::string, nlohmann::json> labels;
    for (const Step& step : plan.apps.at("greeter").steps) {
        const auto details = nlohmann::json::parse(step.details);
        if (details.contains("labels")) {
            labels[std::string(to_string(step.kind)) + " " + step.object] = details.at("labels");
        }
    }
    const auto& app = *desired.apps.at("greeter");
    EXPECT_EQ(labels.at("create-pod greeter-pod"),
              (nlohmann::json{{"io.podreeve.app", "greeter"},
                              {"io.podreeve.generation", "7"},
                              {"io.podreeve.order", "0"},
                              {"io.podreeve.owner", kOwner},
                              {"io.podreeve.part", "greeter-pod"},
                              {"io.podreeve.ports", "8081/tcp"},
                              {"io.podreeve.role", "pod"},
                              {"io.podreeve.spec", label_spec(app, app.pods[0])}}));
    EXPECT_EQ(labels.at("create-container greeter-pod-write-page").at("io.podreeve.role"), "init");
    EXPECT_EQ(labels.at("create-container greeter-pod-web").at("io.podreeve.spec"),
              label_spec(app.containers[1]));
    EXPECT_EQ(labels.at("create-volume greeter-www").at("io.podreeve.role"), "volume-empty-dir");
    EXPECT_EQ(labels.at("create-service " + service_name("greeter", kOwner)).at("io.podreeve.role"),
              "service");
    EXPECT_EQ(labels.size(), 6U);
}

TEST(Images, AreAskedForByTheStepsThatPullThem) {
    const Plan plan = diff(desire({sample("duo"), sample("clock")}), World().observe(), policy());
    EXPECT_TRUE(plan.needs_resources);
    EXPECT_EQ(images_asked_for(plan),
              (std::set<std::string>{"localhost/busybox:latest", "localhost/two:1"}));
}

}  // namespace
}  // namespace podreeve::plan::test
