#pragma once

#include <string>

#include "runtime/base/clock.h"
#include "runtime/systemd/scope.h"

namespace podreeve::systemd {

// What the unit's processes last wrote into the journal, cleaned and cut to a line for people; ""
// when there is nothing, it is older than that, or this user may not read it. Reads local files
// only; any thread.
std::string last_words(const std::string& unit, Scope scope, WallTime not_before);

}  // namespace podreeve::systemd
