#include "agent/observe/observer.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

namespace podreeve::observe {
namespace {

template <class Row>
void sort_by_id(std::vector<Row>& rows) {
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.id < b.id; });
}

Result<Observed> read_once(const Listings& listings) {
    Observed observed;
    // Containers first: then a pod made meanwhile shows by its members, and one removed meanwhile
    // by its absence.
    ASSIGN_OR_RETURN(observed.containers, listings.containers());
    ASSIGN_OR_RETURN(observed.pods, listings.pods());
    sort_by_id(observed.containers);
    sort_by_id(observed.pods);
    return observed;
}

template <class Row>
std::map<std::string, Row> by_name(std::vector<Row> rows) {
    std::map<std::string, Row> named;
    for (Row& row : rows) {
        std::string name = row.name;
        named.emplace(std::move(name), std::move(row));
    }
    return named;
}

}  // namespace

std::map<std::string, std::string> misfits(const Observed& observed, const std::string& owner) {
    std::map<std::string, std::string> apps;
    std::unordered_set<std::string_view> pods;
    for (const podman::PodSummary& pod : observed.pods) {
        pods.insert(pod.id);
        const auto own = ownership(pod.labels, owner);
        for (const podman::PodSummary::Member& member : pod.members) {
            if (own && observed.container_by_id(member.id) == nullptr) {
                apps.emplace(own->app, fmt::format("container {} of pod {} is not listed",
                                                   member.name, pod.name));
            }
        }
    }
    for (const podman::ContainerSummary& container : observed.containers) {
        if (container.pod_id.empty() || pods.contains(container.pod_id)) {
            continue;
        }
        if (const auto own = ownership(container.labels, owner)) {
            apps.emplace(own->app,
                         fmt::format("the pod of container {} is not listed", container.name));
        }
    }
    return apps;
}

Result<Observed> observe(const Listings& listings, const std::string& owner, WallTime now) {
    ASSIGN_OR_RETURN(Observed observed, read_once(listings));
    observed.in_motion = misfits(observed, owner);
    if (!observed.in_motion.empty()) {
        ASSIGN_OR_RETURN(observed, read_once(listings));
        observed.in_motion = misfits(observed, owner);
    }
    observed.at = now;
    observed.services = find_services(observed, owner);
    return observed;
}

Result<Observed> observe(podman::Client& client,
                         const std::string& owner,
                         WallTime now,
                         std::stop_token stop) {
    podman::CallOptions call;
    call.stop = std::move(stop);
    ASSIGN_OR_RETURN(const podman::Version version, client.version(call));
    ASSIGN_OR_RETURN(const bool holds, client.holds_service_containers(call));
    const Listings listings{[&] { return client.list_containers(call); },
                            [&] { return client.list_pods(call); }};
    ASSIGN_OR_RETURN(Observed observed, observe(listings, owner, now));
    observed.podman_version = version;
    observed.holds_service_containers = holds;
    return observed;
}

Status add_resources(Observed& observed,
                     podman::Client& client,
                     const std::set<std::string>& images,
                     std::stop_token stop) {
    podman::CallOptions call;
    call.stop = std::move(stop);
    HostResources resources;
    ASSIGN_OR_RETURN(auto volumes, client.list_volumes(call));
    ASSIGN_OR_RETURN(auto networks, client.list_networks(call));
    ASSIGN_OR_RETURN(auto secrets, client.list_secrets(call));
    resources.volumes = by_name(std::move(volumes));
    resources.networks = by_name(std::move(networks));
    resources.secrets = by_name(std::move(secrets));
    for (const std::string& image : images) {
        ASSIGN_OR_RETURN(resources.images[image], client.image_exists(image, call));
    }
    observed.resources = std::move(resources);
    return {};
}

}  // namespace podreeve::observe
