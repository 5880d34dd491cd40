#pragma once

#include <cstdint>
#include <string>

namespace podreeve::state {

// What is remembered of an app between passes and over restarts. No secret is ever in it.
struct AppRecord {
    std::string name{};
    std::int64_t generation = 0;  // raised by every new spec
    std::string spec{};           // hash of the spec of that generation
    std::string deployed_spec{};  // hash of the last spec whose change ended well; empty: none yet
    bool stopped = false;         // a person asked for it to be stopped, over reboots
    std::string extra = "{}";     // JSON: restart counters and the like, kept by supervise
    friend bool operator==(const AppRecord&, const AppRecord&) = default;
};

}  // namespace podreeve::state
