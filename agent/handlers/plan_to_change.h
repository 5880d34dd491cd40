#pragma once

#include "agent/plan/plan.h"
#include "agent/state/task.h"

namespace podreeve::handlers {

// "Start container web": what a step of that kind does, for people.
std::string summary_of(plan::StepKind kind, const std::string& object);

// A plan of one app as the change that carries it out: one task a step, in the order of the steps,
// with their edges and lanes. What a task holds is stored, and what handlers read back: app, part,
// object, id, reason, spec (hash of the AppSpec), generation and the step's details. Pure.
state::NewChange to_change(const plan::AppPlan& plan);

}  // namespace podreeve::handlers
