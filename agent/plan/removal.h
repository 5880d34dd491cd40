#pragma once

#include <optional>
#include <set>
#include <string>

#include "agent/plan/decision.h"
#include "agent/plan/holdings.h"
#include "agent/plan/step_graph.h"

namespace podreeve::plan {

// Takes an app away whose manifest is gone. All that is known of it is what its objects' labels
// say. Claims and plain volumes stay, and so do networks.
void remove_app(const AppHoldings& held, StepGraph& graph);

// Stops what runs of an app that is wanted down, in reverse order of starting.
void stop_app(const AppCase& app, StepGraph& graph);

// Which apps may be taken away for want of a manifest.
struct RemovalLimits {
    std::string all_wait;          // why none may be, and what ends that, in words
    std::set<std::string> let_go;  // but these, whatever else: a person said so
    std::optional<std::set<std::string>> remembered = std::nullopt;  // see manifests::Desired

    // Why that one may not be, and what ends that, in words; empty: it may.
    std::string why_waits(const std::string& app) const;
};

RemovalLimits removal_limits(const manifests::Desired& desired, const Policy& policy);

// The name of what podman cannot name the state of; empty when there is none. Such an app is not
// taken away.
std::string find_unknown(const AppHoldings& held);

}  // namespace podreeve::plan
