#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "agent/supervise/service_state.h"
#include "manifests/model.h"

namespace podreeve::supervise {

// How another app stands, so far as dependents ask.
struct Standing {
    ServiceState state = ServiceState::Initialized;
    std::string message;
    bool stopped = false;  // on request
};

// In words what a dependency still waits for ("db to be healthy: db is Failed: image not found"),
// or nothing when it is met. An app that is not in standings is waited for by name.
std::optional<std::string> unmet(const manifests::Dependency& dependency,
                                 const std::map<std::string, Standing>& standings);

// All that an app still waits for, joined; nothing when it may start.
std::optional<std::string> unmet(const manifests::AppSpec& app,
                                 const std::map<std::string, Standing>& standings);

}  // namespace podreeve::supervise
