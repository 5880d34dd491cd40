#pragma once

#include <string>
#include <vector>

#include "agent/plan/plan.h"
#include "agent/reconcile/pass.h"
#include "agent/supervise/supervisor.h"
#include "manifests/model.h"
#include "runtime/base/in_hand.h"

// What a pass writes into the state of what was planned; each app is contained for itself.
namespace podreeve::reconcile {

bool is_under_way(const PassWorld& world, const std::string& app);

void report_thrown(PassReport& report,
                   const std::string& app,
                   const char* what,
                   const std::string& thrown);

// One thing that a pass does besides planning. What it throws is told, and the rest is done.
template <class Act>
void attempt(PassReport& report, const std::string& app, const char* what, Act act) {
    if (const auto thrown = contained_in_hand(app, act)) {
        report_thrown(report, app, what, *thrown);
    }
}

// Commits a change for each of these plans.
void commit_these(const PassWorld& world,
                  const std::vector<const plan::AppPlan*>& plans,
                  const supervise::Prepared& prepared,
                  PassReport& report);

// What is under way for an older manifest makes way for the newer one.
void supersede_older(const PassWorld& world, const manifests::Desired& desired, PassReport& report);

// What runs as its manifest says counts as deployed, also when it was so before this agent came.
void note_converged(const PassWorld& world,
                    const supervise::Prepared& prepared,
                    const plan::Plan& plan,
                    PassReport& report);

}  // namespace podreeve::reconcile
