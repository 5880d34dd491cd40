#include "agent/observe/observer.h"

namespace podreeve::observe {
namespace {

std::string label_of(const std::map<std::string, std::string>& labels, const char* key) {
    const auto it = labels.find(key);
    return it == labels.end() ? std::string() : it->second;
}

}  // namespace

std::map<std::string, std::string> find_services(const Observed& observed,
                                                 const std::string& owner) {
    std::map<std::string, std::string> services;
    for (const podman::PodSummary& pod : observed.pods) {
        const std::string id = label_of(pod.labels, kLabelService);
        const auto own = ownership(pod.labels, owner);
        if (own && !id.empty() && observed.container_by_id(id) != nullptr) {
            services.emplace(id, own->app);
        }
    }
    for (const podman::ContainerSummary& container : observed.containers) {
        const auto own = ownership(container.labels, owner);
        if (own && own->role == "service") {
            services.emplace(container.id, own->app);
        }
    }
    return services;
}

}  // namespace podreeve::observe
