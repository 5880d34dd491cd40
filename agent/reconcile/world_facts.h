#pragma once

#include <map>
#include <stop_token>

#include "agent/supervise/conditions.h"
#include "runtime/podman/client.h"

namespace podreeve::reconcile {

// Looks at the start conditions that are outside: paths, ports, the network, images, units of
// systemd. What cannot be looked at is pending, with the reason. Blocks for a moment each, never on
// a name server; any thread but the loop's.
supervise::WorldFacts look_at(const std::map<supervise::LeafKey, manifests::StartCondition>& leaves,
                              podman::Client& podman,
                              std::stop_token stop);

}  // namespace podreeve::reconcile
