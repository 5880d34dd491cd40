#include "agent/observe/observer.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

namespace podreeve::observe {
namespace {

const std::string kOwner = kLabelOwner;

template <class Row>
void sort_by_id(std::vector<Row>& rows) {
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.id < b.id; });
}

bool is_owned(const std::map<std::string, std::string>& labels, const std::string& owner) {
    const auto it = labels.find(kOwner);
    return it != labels.end() && it->second == owner;
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

std::string misfit(const Observed& observed, const std::string& owner) {
    std::unordered_set<std::string_view> pods;
    for (const podman::PodSummary& pod : observed.pods) {
        pods.insert(pod.id);
        if (!is_owned(pod.labels, owner)) {
            continue;
        }
        for (const podman::PodSummary::Member& member : pod.members) {
            if (observed.container_by_id(member.id) == nullptr) {
                return fmt::format("container {} of pod {} is not listed", member.name, pod.name);
            }
        }
    }
    for (const podman::ContainerSummary& container : observed.containers) {
        if (!container.pod_id.empty() && is_owned(container.labels, owner) &&
            !pods.contains(container.pod_id)) {
            return fmt::format("the pod of container {} is not listed", container.name);
        }
    }
    return {};
}

Result<Observed> observe(const Listings& listings, const std::string& owner, WallTime now) {
    std::string wrong;
    for (int attempt = 0; attempt < 2; ++attempt) {
        ASSIGN_OR_RETURN(Observed observed, read_once(listings));
        wrong = misfit(observed, owner);
        if (wrong.empty()) {
            observed.at = now;
            observed.services = find_services(observed, owner);
            return observed;
        }
    }
    return fail(Code::Unavailable,
                fmt::format("cannot read podman's containers and pods as of one moment, since they "
                            "change meanwhile ({}): the next pass tries again",
                            wrong));
}

Result<Observed> observe(podman::Client& client,
                         const std::string& owner,
                         WallTime now,
                         std::stop_token stop) {
    podman::Call call;
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
    podman::Call call;
    call.stop = std::move(stop);
    Resources resources;
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
