#pragma once

#include <optional>

#include "agent/handlers/task.h"
#include "agent/plan/plan.h"

namespace podreeve::handlers {

// Tells the start gate that the step begins, and asks whether it may: a start waits until what it
// depends on is there (half a minute, then it fails and the change is undone; ten minutes for
// another pod of the same app), and asks after 250 ms first and every 2 s later. A stop that is not
// wanted any more is Done at once. Nothing: go on. The outcome instead of running the handler
// otherwise.
std::optional<state::TaskOutcome> check_gate(Task& task, plan::StepKind kind);

}  // namespace podreeve::handlers
