#include "agent/plan/holdings.h"

#include <algorithm>
#include <utility>

#include "agent/plan/labels.h"
#include "agent/plan/steps.h"
#include "agent/plan/volume_roles.h"

namespace podreeve::plan {
namespace {

// Made once: the look-ups below run for every container of a host in every pass.

template <class Row>
void sort_by_part(std::vector<const Row*>& rows) {
    std::sort(rows.begin(), rows.end(), [](const Row* a, const Row* b) {
        return std::make_pair(label(a->labels, kPart), std::string_view(a->id)) <
               std::make_pair(label(b->labels, kPart), std::string_view(b->id));
    });
}

bool is_removable(const podman::VolumeDetails& volume) {
    const std::string_view role = label(volume.labels, kRole);
    return role == kRoleVolumeEmptyDir || is_filled(role);
}

template <class Map>
auto find_in(const Map& map, std::string_view key) -> typename Map::mapped_type {
    const auto it = map.find(key);
    return it == map.end() ? nullptr : it->second;
}

}  // namespace

std::string_view label(const std::map<std::string, std::string>& labels, const std::string& key) {
    const auto it = labels.find(key);
    return it == labels.end() ? std::string_view() : std::string_view(it->second);
}

bool keeps_secret_labels(const observe::Observed& observed) {
    return observed.podman_version.major >= 5;
}

bool is_ours(const std::map<std::string, std::string>& labels, const std::string& owner) {
    return !label(labels, kApp).empty() && label(labels, kOwner) == owner &&
           label(labels, kSystemdUnit).empty();
}

Holdings::Holdings(const observe::Observed& observed,
                   const std::string& owner,
                   const Heirs& heirs) {
    take_containers(observed, owner);
    take_pods(observed, owner);
    if (observed.resources) {
        take_resources(*observed.resources, owner, heirs);
    }
    sort();
}

void Holdings::take_containers(const observe::Observed& observed, const std::string& owner) {
    containers_by_name_.reserve(observed.containers.size());
    containers_by_id_.reserve(observed.containers.size());
    for (const podman::ContainerSummary& container : observed.containers) {
        containers_by_name_.emplace(container.name, &container);
        containers_by_id_.emplace(container.id, &container);
        const bool labelled = !container.is_infra && is_ours(container.labels, owner);
        const auto service = observed.services.find(container.id);
        if (service != observed.services.end()) {
            AppHoldings& app = at(service->second);
            app.services.push_back(&container);
            app.has_labelled_service = app.has_labelled_service || labelled;
        } else if (labelled) {
            at(label(container.labels, kApp)).containers.push_back(&container);
        }
    }
}

void Holdings::take_pods(const observe::Observed& observed, const std::string& owner) {
    for (const podman::PodSummary& pod : observed.pods) {
        pods_by_name_.emplace(pod.name, &pod);
        pods_by_id_.emplace(pod.id, &pod);
        if (is_ours(pod.labels, owner)) {
            at(label(pod.labels, kApp)).pods.push_back(&pod);
        }
    }
}

void Holdings::take_resources(const observe::HostResources& resources,
                              const std::string& owner,
                              const Heirs& heirs) {
    for (const auto& [name, volume] : resources.volumes) {
        if (is_ours(volume.labels, owner) && is_removable(volume)) {
            const auto heir = heirs.find(name);
            at(heir == heirs.end() ? label(volume.labels, kApp) : heir->second)
                .volumes.push_back(&volume);
        }
    }
    for (const auto& [name, secret] : resources.secrets) {
        if (is_ours(secret.labels, owner)) {
            at(label(secret.labels, kApp)).secrets.push_back(&secret);
        }
    }
}

bool Holdings::owns(std::string_view app, const podman::VolumeDetails& volume) const {
    const auto& volumes = of(app).volumes;
    return std::ranges::find(volumes, &volume) != volumes.end();
}

// Without a text of its own for each that is there already.
AppHoldings& Holdings::at(std::string_view app) {
    const auto it = apps_.find(app);
    return it == apps_.end() ? apps_[std::string(app)] : it->second;
}

void Holdings::sort() {
    for (auto& [name, app] : apps_) {
        sort_by_part(app.containers);
        sort_by_part(app.pods);
        std::sort(app.services.begin(), app.services.end(),
                  [](const auto* a, const auto* b) { return a->id < b->id; });
    }
}

const AppHoldings& Holdings::of(std::string_view app) const {
    static const AppHoldings kNone;
    const auto it = apps_.find(app);
    return it == apps_.end() ? kNone : it->second;
}

const podman::ContainerSummary* Holdings::container_named(std::string_view name) const {
    return find_in(containers_by_name_, name);
}

const podman::ContainerSummary* Holdings::container_by_id(std::string_view id) const {
    return find_in(containers_by_id_, id);
}

const podman::PodSummary* Holdings::pod_named(std::string_view name) const {
    return find_in(pods_by_name_, name);
}

const podman::PodSummary* Holdings::pod_by_id(std::string_view id) const {
    return find_in(pods_by_id_, id);
}

}  // namespace podreeve::plan
