#pragma once

#include "manifests/model.h"
#include "runtime/base/clock.h"

namespace podreeve::plan {

// How long the stop of a unit may take, as its text says.
struct UnitStop {
    // What podman leaves its containers before it kills them: StopTimeout=, or --stop-timeout in
    // PodmanArgs=; 10 s otherwise.
    Duration grace{};
    // TimeoutStopSec=, after which systemd ends what is left; 90 s otherwise, since only systemd
    // knows another DefaultTimeoutStopSec=. The longest there is: never.
    Duration within{};
    bool own_commands = false;  // it has an ExecStop= of its own, which may take all of that
    friend bool operator==(const UnitStop&, const UnitStop&) = default;
};

// Of one that cannot be read: as if it said nothing.
UnitStop stop_of(const manifests::CompanionSpec& companion);

}  // namespace podreeve::plan
