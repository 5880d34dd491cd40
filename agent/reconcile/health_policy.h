#pragma once

#include <string>

#include "agent/health/health_status.h"
#include "agent/observe/observed.h"
#include "agent/plan/plan.h"

namespace podreeve::reconcile {

// Puts into the policy which of our running containers have to be ended because a probe says so.
// The health status has to be about the very run that is observed.
void apply_health(const health::HealthSnapshot& snapshot,
                  const observe::Observed& observed,
                  const std::string& owner,
                  plan::Policy& policy);

}  // namespace podreeve::reconcile
