#pragma once

#include <stop_token>

#include "agent/supervise/decide/conditions.h"
#include "runtime/podman/client.h"

namespace podreeve::reconcile {

// Looks at a start condition that is outside: a path, a port, the network, an image, a unit of
// systemd. What cannot be looked at is pending, with the reason. Blocks for a moment, never on a
// name server, but for a path on a file system that hangs; any thread but the loop's.
supervise::Assessment look_at_leaf(const manifests::StartCondition& leaf,
                                   podman::Client& podman,
                                   const std::string& bus,
                                   std::stop_token stop);

}  // namespace podreeve::reconcile
