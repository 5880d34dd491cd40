#pragma once

#include <vector>

#include "agent/plan/decision.h"

namespace podreeve::plan {

// Objects that hold a name the app needs and that are not this app's. Each is one condition that
// names the object and says what a person can do.
std::vector<Condition> conflicts(const AppCase& app);

}  // namespace podreeve::plan
