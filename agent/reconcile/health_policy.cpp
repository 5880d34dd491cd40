#include "agent/reconcile/health_policy.h"

namespace podreeve::reconcile {

void apply_health(const health::Verdicts& verdicts,
                  const observe::Observed& observed,
                  const std::string& owner,
                  plan::Policy& policy) {
    for (const auto& [id, known] : verdicts) {
        const podman::ContainerSummary* container =
            known.verdict.restart ? observed.container_by_id(id) : nullptr;
        if (container == nullptr || container->pid != known.pid) {
            continue;
        }
        const auto mine = observe::ownership(container->labels, owner);
        const auto app = mine ? policy.apps.find(mine->app) : policy.apps.end();
        if (app == policy.apps.end()) {
            continue;
        }
        plan::AppPolicy::Unwell unwell{known.verdict.message, {}};
        if (known.verdict.stop_grace) {
            unwell.stop_grace = known.verdict.stop_grace->count();
        }
        app->second.unwell.emplace(id, std::move(unwell));
    }
}

}  // namespace podreeve::reconcile
