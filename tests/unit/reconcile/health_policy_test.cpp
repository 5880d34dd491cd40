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

health::HealthSnapshot lost(std::int64_t pid = 7) {
    health::HealthSnapshot out;
    out["c1"].pid = pid;
    out["c1"].status.restart = true;
    out["c1"].status.message = "liveness: closed";
    out["c1"].status.stop_grace = std::chrono::seconds(3);
    return out;
}

std::map<std::string, plan::AppPolicy::Unhealthy> unhealthy(const health::HealthSnapshot& snapshot,
                                                            const observe::Observed& observed) {
    plan::Policy policy;
    policy.apps["shop"];
    apply_health(snapshot, observed, kOwner, policy);
    return policy.apps["shop"].unhealthy;
}

TEST(HealthPolicy, EndsTheRunThatItsProbesGaveUp) {
    const auto found = unhealthy(lost(), one_container());
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found.at("c1").why, "liveness: closed");
    EXPECT_EQ(found.at("c1").stop_grace, 3);
}

TEST(HealthPolicy, EndsNothingElse) {
    EXPECT_TRUE(unhealthy(lost(8), one_container()).empty()) << "another run of it";
    EXPECT_TRUE(unhealthy(lost(), one_container("somebody")).empty());
    EXPECT_TRUE(unhealthy(lost(), {}).empty());
    health::HealthSnapshot failing = lost();
    failing["c1"].status.restart = false;
    EXPECT_TRUE(unhealthy(failing, one_container()).empty());
}

}  // namespace
}  // namespace podreeve::reconcile
