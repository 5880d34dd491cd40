#include "agent/health/monitor.h"

namespace podreeve::health {

std::vector<Watched> watched(const manifests::Desired& effective,
                             const observe::Observed& observed,
                             const std::string& owner) {
    std::map<std::string, const podman::ContainerSummary*> running;
    for (const podman::ContainerSummary& container : observed.containers) {
        if (container.state == podman::ContainerState::Running && container.pid > 0 &&
            observe::ownership(container.labels, owner)) {
            running.emplace(container.name, &container);
        }
    }
    std::vector<Watched> out;
    for (const auto& [name, app] : effective.apps) {
        for (const manifests::ContainerSpec& spec : app->containers) {
            const auto found = running.find(spec.name);
            if (spec.role != manifests::ContainerRole::Workload || found == running.end()) {
                continue;
            }
            const podman::ContainerSummary& container = *found->second;
            const WallTime latest =
                container.started ? *container.started + std::chrono::seconds(1) : observed.at;
            out.push_back({name, spec.part, spec.name, container.id, container.pid,
                           std::min(latest, observed.at),
                           std::shared_ptr<const manifests::Health>(app, &spec.health),
                           std::nullopt, app});
        }
    }
    return out;
}

}  // namespace podreeve::health
