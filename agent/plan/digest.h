#pragma once

#include <string>

#include "agent/plan/holdings.h"
#include "agent/plan/plan.h"

namespace podreeve::plan {

// SHA-256 over all that the plan was made from, without times and without what has nothing to do
// with any app: a foreign container that comes and goes does not make a plan stale.
std::string digest_of(const manifests::Desired& desired,
                      const observe::Observed& observed,
                      const Policy& policy,
                      const Holdings& all,
                      const Plan& plan);

}  // namespace podreeve::plan
