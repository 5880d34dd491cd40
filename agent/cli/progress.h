#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/cli/agent_client.h"
#include "runtime/base/clock.h"

namespace podreeve::cli {

// What came of looking at an app while it is waited for.
enum class WaitProgress { NotYet, Done, Failed };

// When a command stops waiting, one end for all that it waits for.
struct WaitEnd {
    SteadyTime at;
    Duration after;  // for what is told
};

WaitEnd wait_end(Duration longest);

// Asks for these apps until judge says Done of each, telling on stderr what is new about them
// (unless quiet). Timeout once the end has come; Internal when one has Failed, with its message.
Status follow_progress(const AgentClient& agent,
                       const std::vector<std::string>& apps,
                       const std::function<WaitProgress(const nlohmann::json& app)>& evaluate,
                       const WaitEnd& end,
                       bool quiet);

// Judges: up and ready (or ended well); nothing of it runs any more, units among them. since: the
// number of the request that the answer has to take into account.
WaitProgress progress_up(const nlohmann::json& app, std::int64_t since);
WaitProgress progress_down(const nlohmann::json& app, std::int64_t since);

}  // namespace podreeve::cli
