#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "manifests/model.h"
#include "runtime/base/clock.h"
#include "runtime/podman/types.h"

// What probes have found of containers, as plain values for those who decide by it.
namespace podreeve::health {

enum class Readiness {
    Unknown,  // not proved either way: nobody is taken down for that, and nobody let go on
    NotReady,
    Ready,
};

struct HealthStatus {
    Readiness readiness = Readiness::Unknown;
    // Its liveness or startup probe failed: to be restarted, as its restart policy says. Holds for
    // this run of the container, however often it is asked.
    bool restart = false;
    std::optional<std::chrono::seconds> stop_grace;  // of that stop, where the probe names one
    bool failing = false;  // proved to be not ready, and not only unproved
    std::string message;   // why it is not ready: "readiness: port 80: connection refused"
    WallTime since{};      // of readiness
};

// What the message says beside its figures and how often it was so: two messages with the same
// reason tell people the same.
std::string reason_of(const std::string& message);

// Of one run of a container.
struct RunHealthStatus {
    std::int64_t pid = 0;
    HealthStatus status;
};

using HealthSnapshot = std::map<std::string, RunHealthStatus>;  // by container id

// A process that lives for so long counts as up, where nothing else is asked for.
inline constexpr std::chrono::seconds kUpAfter{1};
// A container that ran for longer when it was first seen was there before us: as long as nothing is
// proved about it, nothing is said against it.
inline constexpr std::chrono::seconds kAdoptedAfter{5};

// What is known of this container now. Also right where probing has not begun with this run yet.
HealthStatus health_of(const HealthSnapshot& snapshot,
                       const manifests::Health& health,
                       const podman::ContainerSummary& container,
                       WallTime now);

}  // namespace podreeve::health
