#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/supervise/decide/decide.h"
#include "agent/supervise/decide/inputs.h"

// The instant of starting: a step that starts something asks again, since what was true when it was
// planned may not be so any more. Pure, as decide() is, by what the last pass has found and what
// was looked at anew since.
namespace podreeve::supervise {

// The leaves that have to be looked at before; also whether others have to be observed anew.
struct StartNeeds {
    bool observation = false;
    std::map<LeafKey, manifests::StartCondition> leaves;
};

// What forbids to start a part, in words. wanted_down tells that it is not to be waited for.
struct StartDenial {
    std::string why;
    bool wanted_down = false;
    bool within_app = false;  // another pod of the same app, or this agent, is waited for
};

struct StartInputs {
    std::string app, part;
    const PassMemory& memory;
    const PassFindings& found;
    const ObservedIndex* index;  // of now; null: nothing had to be observed anew
    const WorldFacts& facts;
    std::set<std::string> stopped;  // of it and those asked about: who is stopped on request
    PartReadiness readiness;
    WallTime wall{};
    bool comes_up = false;  // nothing of the app is up yet
    bool shutting_down = false;
    bool has_evaluated = false;  // a pass was made
};

// All apps that are asked about before one of that spec starts.
std::set<std::string> asked_about(const manifests::AppSpec& spec, bool with_conditions);

StartNeeds start_needs(const PassMemory& memory,
                       const std::string& app,
                       const std::string& part,
                       bool comes_up);

// Nothing: it may start.
std::optional<StartDenial> why_not_start(const StartInputs& inputs);

}  // namespace podreeve::supervise
