#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/handlers/spec_book.h"
#include "agent/handlers/volume_files.h"
#include "agent/state/state.h"
#include "runtime/base/clock.h"
#include "runtime/base/mutex.h"
#include "runtime/base/patience.h"
#include "runtime/podman/client.h"
#include "runtime/probe/probe_spec.h"

namespace podreeve::handlers {

struct CompanionWorld;

// Why something may not be started just now.
struct StartRefusal {
    std::string why;
    bool wanted_down = false;  // not to be waited for
    bool within_app = false;   // another pod of the same app is waited for
};

// Whom the steps ask and tell while they are carried out; those that are empty are not. Called on
// workers.
struct StartGate {
    // Before any step, done or undone: why that app's have to wait, nothing: they go on.
    std::function<std::optional<std::string>(const std::string& app)> set_aside = {};
    // Right before a start.
    std::function<std::optional<StartRefusal>(
        const std::string& app, const std::string& part, std::stop_token)>
        may_start = {};
    // Right before a stop that was planned for that request: does it still stand?
    std::function<bool(const std::string& app, std::int64_t request)> is_stop_wanted = {};
    // Whether the emptyDirs that were made for the former app are that one's now.
    std::function<bool(const std::string& app, const std::string& former)> has_taken_over = {};
    std::function<void(const std::string& app,
                       const std::string& change_kind,
                       const std::string& task_kind,
                       const std::string& summary)>
        step_begins = {};
    // A question put to a container once, over its network, whose process is pid; blocks until
    // there is an answer, or its timeout has passed.
    std::function<probe::ProbeResult(const manifests::Probe&, std::int64_t pid, std::stop_token)>
        ask = {};
};

// Since when the steps that were not let through, or that stop something, have been at it, by task.
using HeldSince = Guarded<std::map<state::TaskId, SteadyTime>>;

// What the handlers act on. The daemon owns all of it and keeps it until the runner has stopped;
// each member may be called from any thread.
struct World {
    podman::Client& podman;
    SpecBook& specs;
    state::State& state;
    Clock& clock;
    std::string owner;  // instance id in io.podreeve.owner
    std::filesystem::path proc = "/proc";
    StartGate start_gate = {};
    CompanionWorld* companions = nullptr;  // of an agent with companions
    std::shared_ptr<HeldSince> held_since = std::make_shared<HeldSince>();
    std::shared_ptr<HeldSince> stops_since = std::make_shared<HeldSince>();
    std::uint64_t most_removed = kMostRemoved;  // from a volume's files in one run of a step
    // For what a manifest mounts of the host.
    std::shared_ptr<Patience> host_paths = std::make_shared<Patience>(std::chrono::seconds(5));
};

}  // namespace podreeve::handlers
