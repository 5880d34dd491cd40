#include "agent/health/health_status.h"

namespace podreeve::health {

std::string reason_of(const std::string& message) {
    std::string reason;
    for (const char c : message.substr(0, message.find('\n'))) {
        if (c < '0' || c > '9') {
            reason += c;
        }
    }
    constexpr std::string_view kHowOften = " ( of )";  // "(2 of 3)"
    if (reason.ends_with(kHowOften)) {
        reason.resize(reason.size() - kHowOften.size());
    }
    return reason;
}

HealthStatus health_of(const HealthSnapshot& snapshot,
                       const manifests::Health& health,
                       const podman::ContainerSummary& container,
                       WallTime now) {
    HealthStatus out;
    if (container.state != podman::ContainerState::Running) {
        out.readiness = Readiness::NotReady;
        out.message = "does not run";
        return out;
    }
    const auto known = snapshot.find(container.id);
    if (known != snapshot.end() && known->second.pid == container.pid) {
        return known->second.status;
    }
    // podman tells the start by the second, rounded down.
    const WallTime born =
        container.started.value_or(now) + std::chrono::seconds(container.started ? 1 : 0);
    if (!health.readiness && !health.startup && now - born >= kUpAfter) {
        out.readiness = Readiness::Ready;
    } else if (now - born < kAdoptedAfter) {
        out.readiness = Readiness::NotReady;
        out.message = health.readiness || health.startup ? "was not asked yet" : "has just started";
    }
    out.since = now;
    return out;
}

}  // namespace podreeve::health
