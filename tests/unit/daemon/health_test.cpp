#include "agent/daemon/health.h"

#include <gtest/gtest.h>

namespace podreeve::daemon {
namespace {

using health::Readiness;

health::Change change(bool probed = true) {
    manifests::Health health;
    if (probed) {
        health.readiness.emplace();
    }
    health::Change out;
    out.of.app = "shop";
    out.of.name = "shop-web";
    out.of.health = std::make_shared<const manifests::Health>(health);
    return out;
}

std::string reported(const health::Change& change) {
    const auto event = event_of(change, {});
    return event ? event->app + ": " + event->state + ": " + event->message : "";
}

TEST(HealthEvents, TellWhatIsProved) {
    health::Change ready = change();
    ready.after.readiness = Readiness::Ready;
    EXPECT_EQ(reported(ready), "shop: Healthy: shop-web is ready");
    health::Change failing = change();
    failing.after.readiness = Readiness::NotReady;
    failing.after.failing = true;
    failing.after.message = "readiness: port 80: / answered 503";
    EXPECT_EQ(reported(failing),
              "shop: Unhealthy: shop-web is not ready: readiness: port 80: / answered 503");
    failing.after.restart = true;
    failing.after.message = "liveness: port 80: connection refused";
    EXPECT_EQ(
        reported(failing),
        "shop: Unhealthy: shop-web is to be restarted: liveness: port 80: connection refused");
}

TEST(HealthEvents, TellNothingOfWhatIsOnlyUnprovedOrOld) {
    health::Change unproved = change();
    unproved.after.readiness = Readiness::NotReady;
    EXPECT_EQ(reported(unproved), "");
    unproved.after.readiness = Readiness::Unknown;
    EXPECT_EQ(reported(unproved), "");
    health::Change old_enough = change(false);
    old_enough.after.readiness = Readiness::Ready;
    EXPECT_EQ(reported(old_enough), "") << "without probes it is no news that a process lives";
}

TEST(PartHealth, NothingIsSaidOfWhatNobodyHasAskedYet) {
    manifests::ContainerSpec spec;
    spec.health.readiness.emplace();
    podman::ContainerSummary container;
    container.id = "c1";
    container.pid = 7;
    container.state = podman::ContainerState::Running;
    const WallTime now{std::chrono::hours(1)};
    container.started = now;
    EXPECT_EQ(part_health({}, spec, container, now).word, "");
    EXPECT_FALSE(part_health({}, spec, container, now).ready);
    health::HealthSnapshot snapshot;
    snapshot["c1"] = {7, {}};
    snapshot["c1"].status.readiness = Readiness::NotReady;
    EXPECT_EQ(part_health(snapshot, spec, container, now).word, "starting");
    snapshot["c1"].pid = 6;
    EXPECT_EQ(part_health(snapshot, spec, container, now).word, "") << "that was an earlier run";
}

}  // namespace
}  // namespace podreeve::daemon
