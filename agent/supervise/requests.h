#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/state/state.h"
#include "runtime/base/clock.h"

// What people ask of an app. A request is a level, kept in the app's record over restarts and
// reboots, and numbered: the newest one counts, and a step planned for an older one is not carried
// out any more, so a late stop can never undo the start that was asked for after it.
namespace podreeve::supervise {

enum class Verb { Start, Stop, Restart };

std::string_view to_string(Verb verb);

struct AppRequest {
    Verb verb = Verb::Start;
    bool alone = false;  // of Stop: what depends on it is left to its policies
};

// What comes of it, known beforehand.
struct RequestReport {
    std::int64_t number = 0;
    std::vector<std::vector<std::string>>
        levels;          // of a stop: who goes down, the first level first
    Duration at_most{};  // of a stop: all graces, and what a kill takes
    // What all graces add up to where the host does not wait so long, and they are shortened; zero:
    // they are not.
    Duration asked_for{};
};

// Writes the request into the record; the number that it has there.
std::int64_t apply(const AppRequest& request, state::AppRecord& record);

}  // namespace podreeve::supervise
