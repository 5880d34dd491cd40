#pragma once

#include <map>
#include <string>

#include "agent/supervise/restart.h"

namespace podreeve::supervise {

// What supervise remembers of an app over restarts of the agent: the JSON in AppRecord::extra.
// Fields are only ever added; a text that cannot be read counts as empty.
struct Memory {
    std::map<std::string, RestartRecord> restarts;  // by part
    bool autostart_off = false;  // stopped because its manifest said so, not because a person did
};

Memory memory_from(const std::string& extra);
std::string to_extra(const Memory& memory);

}  // namespace podreeve::supervise
