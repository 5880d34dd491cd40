#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "agent/supervise/restart.h"

namespace podreeve::supervise {

// What supervise remembers of an app over restarts of the agent: the JSON in AppRecord::extra.
// Fields are only ever added; a text that cannot be read counts as empty.
struct Memory {
    std::map<std::string, RestartRecord> restarts;  // by part
    bool autostart_off = false;  // stopped because its manifest said so, not because a person did
    // The number of the last wish (start, stop, restart). A step that was planned for an older one
    // is not carried out any more.
    std::int64_t wish = 0;
    // The wish that asked for a restart, until everything has been seen down once; 0: none.
    std::int64_t restart = 0;
    // Stopped without those that depend on it.
    bool alone = false;
    friend bool operator==(const Memory&, const Memory&) = default;
};

Memory memory_from(const std::string& extra);
std::string to_extra(const Memory& memory);

}  // namespace podreeve::supervise
