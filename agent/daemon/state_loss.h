#pragma once

#include <filesystem>
#include <string>

#include "agent/state/state.h"

// What people are told of a state that was lost: apps are kept on by their labels, and what was
// asked of them is not known any more.
namespace podreeve::daemon {

// Its directory was removed while the agent runs.
std::string state_removed(const std::filesystem::path& directory);

// Tells it, in the log and by an event, when this run began with a state that knows nothing: a
// damaged one was set aside, or there was none though versions of apps are kept beside it.
void report_state_lost(state::State& state,
                       std::size_t kept_apps,
                       const std::filesystem::path& directory);

}  // namespace podreeve::daemon
