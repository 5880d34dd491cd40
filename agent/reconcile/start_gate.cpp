#include "agent/reconcile/start_gate.h"

#include "agent/observe/observer.h"

namespace podreeve::reconcile {
namespace {

constexpr std::chrono::seconds kLookBeforeStart{3};

}  // namespace

std::optional<handlers::StartRefusal> ask_gate(const supervise::Supervisor& supervisor,
                                               podman::Client& podman,
                                               Lookout& lookout,
                                               const std::string& owner,
                                               const Clock& clock,
                                               const std::string& app,
                                               const std::string& part,
                                               std::stop_token stop) {
    const supervise::StartNeeds needs = supervisor.start_needs(app, part);
    std::optional<observe::Observed> observed;
    if (needs.observation) {
        Result<observe::Observed> seen = observe::observe(podman, owner, clock.system_now(), stop);
        if (!seen) {
            return handlers::StartRefusal{seen.error().message, false, false};
        }
        observed = std::move(*seen);
    }
    const supervise::WorldFacts facts = lookout.look_now(needs.leaves, kLookBeforeStart, stop);
    const auto refusal =
        supervisor.why_not_start(app, part, observed ? &*observed : nullptr, facts);
    if (!refusal) {
        return std::nullopt;
    }
    return handlers::StartRefusal{refusal->why, refusal->wanted_down, refusal->within_app};
}

}  // namespace podreeve::reconcile
