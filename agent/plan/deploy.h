#pragma once

#include "agent/plan/draft.h"
#include "agent/plan/verdict.h"

namespace podreeve::plan {

// Writes the steps that carry a verdict out. deploy: the app goes to a new spec, as one, and that
// is written down at the end; else each part is mended by itself.
void carry_out(const AppCase& app, const AppVerdict& verdict, bool deploy, Draft& draft);

// Would there be any step?
bool has_work(const AppVerdict& verdict);

}  // namespace podreeve::plan
