#include <algorithm>

#include "agent/observe/observer.h"

namespace podreeve::observe {
namespace {

constexpr std::string_view kSuffix = "-service";
constexpr std::size_t kPlayDigits = 12;

std::string label_of(const std::map<std::string, std::string>& labels, const char* key) {
    const auto it = labels.find(key);
    return it == labels.end() ? std::string() : it->second;
}

// The name that kube play itself gives is the start of a digest: such a one is somebody's who plays
// by hand.
bool is_plays_own(std::string_view app) {
    return app.size() == kPlayDigits && std::all_of(app.begin(), app.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

bool has_pause_image(const podman::ContainerSummary& container) {
    return container.image.empty() || container.image.find("podman-pause") != std::string::npos;
}

// The app that the name of an unlabelled service container tells, or empty.
std::string app_by_name(const podman::ContainerSummary& container) {
    const std::string_view name = container.name;
    if (!name.ends_with(kSuffix) || name.size() == kSuffix.size() || container.is_infra ||
        !container.pod_id.empty() || !container.networks.empty() || !container.labels.empty() ||
        !has_pause_image(container)) {
        return {};
    }
    const std::string_view app = name.substr(0, name.size() - kSuffix.size());
    return is_plays_own(app) ? std::string() : std::string(app);
}

}  // namespace

std::map<std::string, std::string> find_services(const Observed& observed,
                                                 const std::string& owner) {
    std::map<std::string, std::string> services;
    std::set<std::string> others;  // those that pods of somebody else link to
    for (const podman::PodSummary& pod : observed.pods) {
        const std::string id = label_of(pod.labels, kLabelService);
        if (id.empty() || observed.container_by_id(id) == nullptr) {
            continue;
        }
        if (const auto own = ownership(pod.labels, owner)) {
            services.emplace(id, own->app);
        } else {
            others.insert(id);
        }
    }
    for (const podman::ContainerSummary& container : observed.containers) {
        if (const auto own = ownership(container.labels, owner)) {
            if (own->role == "service") {
                services.emplace(container.id, own->app);
            }
        } else if (!others.contains(container.id)) {
            const std::string app = app_by_name(container);
            if (!app.empty()) {
                services.emplace(container.id, app);
            }
        }
    }
    return services;
}

}  // namespace podreeve::observe
