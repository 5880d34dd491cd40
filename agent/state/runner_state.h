#pragma once

#include <map>
#include <set>
#include <string>

#include "agent/state/task.h"

namespace podreeve::state {

// What the runner knows of tasks and their records do not tell: as its last pass left it. Nothing
// of it is stored.
struct RunnerState {
    std::set<TaskId> running{};               // their handlers run, or wait for a worker
    std::map<TaskId, std::string> blocked{};  // by a rule, and what it says
    std::map<TaskId, unsigned> full{};        // so many of its kind run, and no more may
    bool ending = false;                      // nothing new is begun
};

}  // namespace podreeve::state
