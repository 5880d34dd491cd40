#pragma once

#include <string_view>

#include <spdlog/spdlog.h>

namespace podreeve::log {

enum class Sink {
    Terminal,  // time, level and message
    Journal,  // "<6>message": the journal takes the level from the prefix and knows the time itself
};

// Sets up the one logger, on stderr. level is a name of spdlog's: trace, debug, info, warning,
// error, off; another one counts as info.
void init(Sink sink, std::string_view level);

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

}  // namespace podreeve::log
