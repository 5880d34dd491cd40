#include "agent/reconcile/health_policy.h"

#include <gtest/gtest.h>

namespace podreeve::reconcile {
namespace {

constexpr const char* kOwner = "00112233aabbccdd";

observe::Observed one_container(const std::string& owner = kOwner) {
    podman::ContainerSummary container;
    container.id = "c1";
    container.pid = 7;
    container.state = podman::ContainerState::Running;
    container.labels = {{observe::kLabelApp, "shop"},
                        {observe::kLabelPart, "web"},
                        {observe::kLabelRole, "workload"},
                        {observe::kLabelOwner, owner}};
    observe::Observed out;
    out.containers = {container};
    return out;
}

health::Verdicts lost(std::int64_t pid = 7) {
    health::Verdicts out;
    out["c1"].pid = pid;
    out["c1"].verdict.restart = true;
    out["c1"].verdict.message = "liveness: closed";
    out["c1"].verdict.stop_grace = std::chrono::seconds(3);
    return out;
}

std::map<std::string, plan::AppPolicy::Unwell> unwell(const health::Verdicts& verdicts,
                                                      const observe::Observed& observed) {
    plan::Policy policy;
    policy.apps["shop"];
    apply_health(verdicts, observed, kOwner, policy);
    return policy.apps["shop"].unwell;
}

TEST(HealthPolicy, EndsTheRunThatItsProbesGaveUp) {
    const auto found = unwell(lost(), one_container());
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found.at("c1").why, "liveness: closed");
    EXPECT_EQ(found.at("c1").stop_grace, 3);
}

TEST(HealthPolicy, EndsNothingElse) {
    EXPECT_TRUE(unwell(lost(8), one_container()).empty()) << "another run of it";
    EXPECT_TRUE(unwell(lost(), one_container("somebody")).empty());
    EXPECT_TRUE(unwell(lost(), {}).empty());
    health::Verdicts failing = lost();
    failing["c1"].verdict.restart = false;
    EXPECT_TRUE(unwell(failing, one_container()).empty());
}

}  // namespace
}  // namespace podreeve::reconcile
