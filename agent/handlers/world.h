#pragma once

#include <string>

#include "agent/handlers/spec_book.h"
#include "agent/state/state.h"
#include "runtime/base/clock.h"
#include "runtime/podman/client.h"

namespace podreeve::handlers {

// What the handlers act on. The daemon owns all of it and keeps it until the runner has stopped;
// each member may be called from any thread.
struct World {
    podman::Client& podman;
    SpecBook& specs;
    state::State& state;
    Clock& clock;
    std::string owner;  // instance id in io.podreeve.owner
};

}  // namespace podreeve::handlers
