#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/supervise/status.h"

namespace podreeve::supervise {

// One link of the chain from an app to the root of why it is as it is.
struct WhyLink {
    std::string app;
    std::string wanted;  // what the link before waits for of it: "healthy"; empty for the first
    std::string state, health;
    std::string reason;  // in words, of this app alone
    WallTime since{};    // of the state
    std::optional<WallTime> next_attempt;
    std::string next;  // what will be tried or waited for next, in words
    // What else is said of it: "ManifestError: web.yaml:3: …"; not what is the reason, or the
    // chain.
    std::vector<std::string> conditions = {};
};

// The chain, the app itself first and the root cause last; empty for an app nobody knows. Typed
// facts are followed, no message is parsed.
std::vector<WhyLink> why(const Overview& overview, const std::string& app);

nlohmann::json to_json(const std::vector<WhyLink>& chain);

}  // namespace podreeve::supervise
