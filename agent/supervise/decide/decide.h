#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/plan/plan.h"
#include "agent/supervise/decide/governor.h"
#include "agent/supervise/decide/inputs.h"
#include "agent/supervise/decide/stuck.h"
#include "agent/supervise/decide/wall_shift.h"
#include "agent/supervise/failures.h"

// What one pass decides over all apps: which version is in force, who may start, who goes down and
// in which order, who backs off. Pure: the same inputs and the same memory give the same decisions,
// and nothing is changed by it. Whoever asks applies them, or does not.
namespace podreeve::supervise {

// What one pass knows of those before it, beside the records in the state.
struct PassMemory {
    Failures failures;
    StuckWatch stuck_watch;
    Governor governor = Governor();
    WallShift clock;
    RunStarts run_starts;
    std::optional<WallTime> runs_noted_at;
    // The units that were told to start and were not seen active since, by app.
    std::map<std::string, std::set<std::string>> asked_to_start;
    std::map<std::string, SpecPointer> effective;
    std::map<std::string, std::string> down;  // wanted down, and why
};

// How the apps are to each other, for the status and for the start gate.
struct PassFindings {
    std::map<std::string, DependencyStatus> dependency_statuses;
    std::map<std::string, std::string> stop_waits;  // of those that go down: whom they wait for
    std::map<std::string, std::vector<Blocker>> blockers;
    std::map<std::string, Assessment> pending;  // start conditions
    std::map<std::string, WallTime> next_attempts;
    std::set<std::string> crash_loops;
    // The next moment, by the even clock, at which another pass could decide differently.
    std::optional<WallTime> next;
};

// What the plan is made from.
struct Prepared {
    manifests::Desired effective;
    // The versions whose companions are in force: of those apps that have, or had, some.
    std::map<std::string, SpecPointer> companions;
    plan::Policy policy;
    // Of the runs with probes, by container id: how they were when they were last told of.
    std::map<std::string, RunHealth> health;
};

// What is to be stored of an app: its memory, and its generation when that was numbered.
struct RecordEdit {
    StoredApp app;
    bool numbered = false;
};

struct Decisions {
    Prepared prepared;
    PassMemory memory;  // after this pass; tokens that it took are gone from the governor
    PassFindings found;
    std::map<std::string, RecordEdit> edits;
};

// The graph part is over all apps, the app part for each; what the app part of one throws is told
// in its policy (trouble), it is left as it is, and all others are decided on as if it were not
// there. Those that are set aside are not looked at.
Decisions decide(const Inputs& inputs, PassMemory memory);

// Which former versions decide() will ask for, by app and hash.
std::set<std::pair<std::string, std::string>> versions_to_look_up(const Inputs& inputs,
                                                                  const PassMemory& memory);

void keep_earliest(std::optional<WallTime>& next, std::optional<WallTime> candidate);

}  // namespace podreeve::supervise
