#pragma once

#include <optional>
#include <string>

#include "agent/reconcile/pass.h"

namespace podreeve::daemon {

// How `podreeved --once` ends, told from a pass; nothing while there is still something to wait
// for.
struct OnceOutcome {
    int exit_code = 0;
    std::string text;  // an app a line that is not up, and why
};

std::optional<OnceOutcome> once_outcome(const reconcile::PassReport& report);

}  // namespace podreeve::daemon
