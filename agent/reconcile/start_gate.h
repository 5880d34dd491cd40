#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "agent/handlers/world.h"
#include "agent/reconcile/lookout.h"
#include "agent/supervise/supervisor.h"
#include "runtime/base/clock.h"
#include "runtime/podman/client.h"

namespace podreeve::reconcile {

// Asked by the steps that start something, right before they do: looks anew at what the start of
// that part depends on. Nothing: it may start. What podman cannot be asked counts as not met.
// Blocks on podman when the app depends on others; any worker.
std::optional<handlers::StartRefusal> ask_gate(const supervise::Supervisor& supervisor,
                                               podman::Client& podman,
                                               Lookout& lookout,
                                               const std::string& owner,
                                               const Clock& clock,
                                               const std::string& app,
                                               const std::string& part,
                                               std::stop_token stop);

}  // namespace podreeve::reconcile
