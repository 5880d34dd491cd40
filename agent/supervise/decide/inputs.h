#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/observe/observed.h"
#include "agent/state/app_record.h"
#include "agent/state/task.h"
#include "agent/supervise/decide/conditions.h"
#include "agent/supervise/decide/memory.h"
#include "agent/supervise/decide/parts.h"
#include "manifests/model.h"
#include "runtime/base/clock.h"

namespace podreeve::supervise {

using SpecPointer = std::shared_ptr<const manifests::AppSpec>;

// An app that the pass must not touch, since to do so has ended the agent: why, in words, and when
// it is tried again.
struct Aside {
    std::string why;
    WallTime next_try{};
};

using AppsAside = std::map<std::string, Aside>;

// What is stored of an app: its record, and what its extra says.
struct StoredApp {
    state::AppRecord record;
    AppMemory memory;
};

using StoredApps = std::map<std::string, StoredApp>;
// Those under way, by subject.
using ActiveChanges = std::map<std::string, state::ChangeView>;
// The versions that were looked up, by app and hash; null: it is not kept any more.
using LookedUpVersions = std::map<std::pair<std::string, std::string>, SpecPointer>;

// All that is decided upon, as it was at one moment. What it refers to outlives it.
struct Inputs {
    const manifests::Desired& desired;
    const observe::Observed& observed;
    // The subjects on which a change worked when podman was read.
    const std::set<std::string>& busy_before;
    const WorldFacts& facts;
    AppsAside aside;
    ObservedIndex index;
    StoredApps stored;
    ActiveChanges active;
    bool read_only = false;                      // no new version can be begun: the disk is full
    std::map<std::string, std::string> hashes;   // of the desired specs
    LookedUpVersions versions;                   // those that versions_to_look_up() asks for
    std::map<std::string, std::string> trouble;  // what threw while the inputs of an app were made
    PartReadiness readiness;                     // by one snapshot of what the probes have found
    std::string owner, owner_file;
    WallTime now{};   // by the even clock (wall_shift.h)
    WallTime wall{};  // by the wall clock
    SteadyTime steady{};
    bool shutting_down = false;
    std::optional<SteadyTime> down_by;  // until when all has to be down then
};

}  // namespace podreeve::supervise
