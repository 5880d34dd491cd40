#pragma once

#include "agent/plan/decision.h"
#include "agent/plan/step_graph.h"

namespace podreeve::plan {

// Writes the steps that carry a decision out. deploy: the app goes to a new spec, as one, and that
// is written down at the end; else each part is mended by itself.
void carry_out(const AppCase& app, const AppDecision& decision, bool deploy, StepGraph& graph);

// Would there be any step?
bool has_work(const AppDecision& decision);

}  // namespace podreeve::plan
