#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/supervise/decide/service_state.h"
#include "manifests/model.h"

namespace podreeve::supervise {

// Why an app does not start: another one that is not as it has to be. It names the one at the root
// of it: web, which waits for api, which waits for db, is blocked by db.
struct Blocker {
    std::string app;       // what it depends on
    std::string is;        // what that has to be: "started", "healthy", …
    bool blocked = false;  // it will not come by itself: failed, stopped, or not declared at all
    std::string root;      // the app at which the chain ends
    std::string reason;    // what is the matter there
    std::string text;      // "blocked by db: image not found", "waits for db to be healthy (…)"
    friend bool operator==(const Blocker&, const Blocker&) = default;
};

// How another app stands, so far as dependents ask.
struct DependencyStatus {
    ServiceState state = ServiceState::Initialized;
    std::string message;
    bool stopped = false;                 // on request
    bool healthy = true;                  // every part is ready
    std::optional<Blocker> blocker = {};  // what it waits for itself
    bool any_up = false;                  // of its parts
};

// Under what the statuses know one of an app's companions; no app can be called so.
std::string dependency_key(const std::string& app, const std::string& companion);
// The same of the containers and pods of an app that has companions.
inline constexpr const char* kOwnContainers = "";
// A companion's dependency on its own app is one on the containers and pods of it.
manifests::Dependency of_own_containers(manifests::Dependency dependency, const std::string& app);

// What a dependency still waits for, or nothing when it is met. An app that is not in statuses is
// waited for by name.
std::optional<Blocker> blocker_of(
    const manifests::Dependency& dependency,
    const std::map<std::string, DependencyStatus>& dependency_statuses);

// All that an app still waits for; empty when it may start.
std::vector<Blocker> blockers_of(
    const manifests::AppSpec& app,
    const std::map<std::string, DependencyStatus>& dependency_statuses);

// On one line; empty when there are none.
std::string to_text(const std::vector<Blocker>& blockers);

}  // namespace podreeve::supervise
