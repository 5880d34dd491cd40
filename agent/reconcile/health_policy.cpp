#include "agent/reconcile/health_policy.h"

namespace podreeve::reconcile {

void apply_health(const health::HealthSnapshot& snapshot,
                  const observe::Observed& observed,
                  const std::string& owner,
                  plan::Policy& policy) {
    for (const auto& [id, known] : snapshot) {
        const podman::ContainerSummary* container =
            known.status.restart ? observed.container_by_id(id) : nullptr;
        if (container == nullptr || container->pid != known.pid) {
            continue;
        }
        const auto mine = observe::ownership(container->labels, owner);
        const auto app = mine ? policy.apps.find(mine->app) : policy.apps.end();
        if (app == policy.apps.end()) {
            continue;
        }
        plan::AppPolicy::Unhealthy unhealthy{known.status.message, {}};
        if (known.status.stop_grace) {
            unhealthy.stop_grace = known.status.stop_grace->count();
        }
        app->second.unhealthy.emplace(id, std::move(unhealthy));
    }
}

}  // namespace podreeve::reconcile
