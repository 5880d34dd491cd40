#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/plan/plan.h"
#include "agent/state/state.h"
#include "agent/supervise/requests.h"
#include "agent/supervise/status.h"
#include "agent/supervise/virtual_events.h"
#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace podreeve::api {

// What one pass did, for the one who asked for it.
struct PassSummary {
    std::uint64_t pass = 0;
    bool podman_reachable = false;
    std::string error;                  // why the pass could not be made, or empty
    std::vector<std::int64_t> changes;  // that it committed
    std::vector<std::string> apps_changed;
    std::vector<std::pair<std::string, std::string>> failures;  // app, why
    Duration took{};
};

// What a person lets go, by app.
struct LetGo {
    std::set<std::string> removals;  // the app
    std::set<std::string> volumes;   // what volumes of it held that are gone from podman
};

// What the daemon lends to the server. Every function may be called from any thread and returns
// within its own deadline.
struct Backend {
    state::State& state;
    supervise::SharedStatus& shared_status;
    Clock& clock;
    std::string version;
    std::string podman_socket;
    // Makes a pass now and waits for its end (not for the changes it commits).
    std::function<Result<PassSummary>()> reconcile;
    // Plans without committing; all apps, or one.
    std::function<Result<plan::Plan>(std::optional<std::string> app)> diff;
    // A person's request: down until started, up again, or both. NotFound for an app nobody knows.
    std::function<Result<supervise::RequestReport>(const std::string& app,
                                                   const supervise::AppRequest&)>
        request;
    // The host goes down: all apps, in order; or it stays up after all.
    std::function<supervise::RequestReport(bool down)> shut_down;
    // Virtual events: who waits for an app to be up, down, finished or failed.
    supervise::Subscriptions& subscriptions;
    // Wakes the runner after an abort.
    std::function<void()> wake;
    // Whether the manifest of that version (its hash) is kept.
    std::function<bool(const std::string& app, const std::string& spec)> keeps_version;
    // What holds the removal of apps, or keeps others from having empty volumes, does so no longer;
    // a pass is made.
    std::function<void(const LetGo& what)> let_go = nullptr;
    std::vector<std::string> manifest_directories = {};
};

}  // namespace podreeve::api
