#pragma once

#include <map>
#include <set>
#include <string>

#include "agent/plan/companion_views.h"
#include "agent/plan/plan.h"
#include "agent/plan/removal.h"

// The second stage of a pass: what is to be done so that systemd runs the apps' companions as their
// manifests say. Pure, as the first. A companion has a unit file, which is made to be as the
// manifest says, and services, which are made to run:
//
//   file      absent, edited, of another version   install-unit
//             newer than systemd's last reading     reload-units, one a pass
//             of no companion any more              stop-unit, remove-unit
//             in the way and not ours               Conflict
//   service   inactive, failed                      start-unit; at its start limit first
//   reset-failed
//             older than its file                   restart-unit, by the companion's policy
//             active, and what it made is gone      restart-unit
//             masked, refused, somebody else's      a condition: that is a person's to mend
//             on its way up or down                 left to systemd
//
// A new version is one change that is undone as a whole when a unit does not start; what only mends
// fails unit by unit.
namespace podreeve::plan {

struct CompanionInputs {
    const AppSpecs& specs;  // the versions whose companions are in force
    const CompanionViews& views;
    const observe::Observed& observed;
    const Policy& policy;
    // Of unit files that Quadlet's generator would not take, what it says, by file name.
    const std::map<std::string, std::string>& refused;
    RemovalLimits removals;        // of what no manifest names
    std::set<std::string> broken;  // apps whose manifest is there, but unusable
};

// An app's plan for its companions: of those that have some, or of which some are installed.
std::map<std::string, AppPlan> plan_companions(const CompanionInputs& in);

// How many seconds a unit has to have been active before what it should have made counts as gone.
inline constexpr std::chrono::seconds kConverged{5};

}  // namespace podreeve::plan
