#pragma once

#include <set>
#include <stop_token>
#include <string>

#include "agent/observe/observed.h"
#include "agent/reconcile/pass.h"
#include "agent/supervise/supervisor.h"
#include "manifests/model.h"

namespace podreeve::reconcile {

// What a pass has seen of the world, on which is decided then.
struct Seen {
    observe::Observed observed;
    std::set<std::string> busy;  // what something was under way on when it was observed
    supervise::WorldFacts facts;
};

// The apps that a pass must not touch, with the tries begun that are due; and as they are by now.
supervise::AppsAside begin_tries(const PassWorld& world, const manifests::Desired& desired);
supervise::AppsAside apps_aside(const PassWorld& world);
bool is_aside(const PassWorld& world, const std::string& app);

// Observes all, and looks at what start conditions ask about. Fails when podman cannot be read.
// Blocks.
Result<Seen> look(const PassWorld& world, const manifests::Desired& desired, std::stop_token stop);

}  // namespace podreeve::reconcile
