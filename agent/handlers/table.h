#pragma once

#include <string>
#include <vector>

#include "agent/handlers/kinds.h"
#include "agent/handlers/limits.h"
#include "agent/handlers/world.h"
#include "agent/plan/plan.h"
#include "agent/state/task.h"
#include "agent/state/task_runner.h"

namespace podreeve::handlers {

using Handler = HandlerResult (*)(Task&);

// One task kind. undo is null where nothing is to be taken back: the kind changes nothing, or what
// it makes stays (an image, a network), or what it removes nobody wants back.
struct KindRow {
    plan::StepKind kind;
    Handler run;
    Handler undo;
    Duration deadline;        // for one run of the handler
    unsigned Limits::*limit;  // which of the limits holds for it
};

// Every kind there is, once.
const std::vector<KindRow>& table();

// The two handlers as the runner calls them: with errors turned into outcomes. What podman's
// absence broke off is retried until it is back; a podman that does not answer in time is asked
// three times. A step that is not to be undone says so in its details ("undo": false).
state::TaskHandlers handlers_for(const KindRow& row, World& world, const Limits& limits = {});

// world has to outlive the runner.
void register_all(state::TaskRunner& runner, World& world, const Limits& limits = {});

}  // namespace podreeve::handlers
