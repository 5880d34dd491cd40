#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>

#include "agent/supervise/decide/conditions.h"
#include "runtime/base/clock.h"
#include "runtime/podman/client.h"

namespace podreeve::reconcile {

using Leaves = std::map<supervise::LeafKey, manifests::StartCondition>;

// Looks at one start condition outside. Blocks for a moment; of a path on a file system that
// hangs, for ever.
using LookAtLeaf =
    std::function<supervise::Assessment(const manifests::StartCondition&, std::stop_token)>;

// Looks at the start conditions that are outside: paths, ports, the network, images, units of
// systemd. All at once, under one deadline: each look has a thread of its own for as long as it
// lasts, so that one that hangs holds up nobody and is not begun again before it has ended. Any
// thread but the loop's.
class Lookout {
  public:
    // bus: of the systemd whose units are looked at, as D-Bus writes addresses.
    Lookout(podman::Client& podman, std::string bus);
    explicit Lookout(LookAtLeaf look);
    // Leaves behind what hangs, but for questions to podman.
    ~Lookout();
    Lookout(const Lookout&) = delete;
    Lookout& operator=(const Lookout&) = delete;

    // What there is within the time. Of a look that has not come back by then the answer of the one
    // before stands; the first is pending, with the reason.
    supervise::WorldFacts look(const Leaves& leaves, Duration within, std::stop_token stop);
    // The same right before a start: only what is seen now counts.
    supervise::WorldFacts look_now(const Leaves& leaves, Duration within, std::stop_token stop);

    // At work. A look at a path that was waited for in vain is not counted any more until it comes
    // back: a file system that hangs takes no thread from the conditions of others. There are so
    // many of those at most, since each keeps its thread.
    static constexpr std::size_t kMostThreads = 64;
    static constexpr std::size_t kMostLost = 320;

  private:
    struct Shared;
    supervise::WorldFacts look(const Leaves& leaves,
                               Duration within,
                               std::stop_token stop,
                               bool keep_last);
    std::shared_ptr<Shared> shared_;  // also of the threads that are left behind
};

}  // namespace podreeve::reconcile
