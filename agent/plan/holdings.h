#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/observe/observed.h"

// What each app holds of what was observed, found in one walk over the lists. Everything points
// into the Observed it was made from, which must outlive it.
namespace podreeve::plan {

// Empty when it is not there.
std::string_view label(const std::map<std::string, std::string>& labels, const std::string& key);

// Ours by labels, but not run by a systemd unit.
bool is_ours(const std::map<std::string, std::string>& labels, const std::string& owner);
// Whether this podman tells the labels of a secret again, as podman 5 does.
bool keeps_secret_labels(const observe::Observed& observed);

struct AppHoldings {
    // Sorted by part, then id. Neither infra nor service containers.
    std::vector<const podman::ContainerSummary*> containers;
    std::vector<const podman::PodSummary*> pods;  // sorted by part, then id
    std::vector<const podman::ContainerSummary*> services;
    bool has_labelled_service = false;
    std::vector<const podman::VolumeDetails*> volumes;  // sorted by name
    std::vector<const podman::SecretDetails*> secrets;  // sorted by name

    // A service container that bears no label goes with the pods that tell whose it is.
    bool anything() const {
        return !containers.empty() || !pods.empty() || has_labelled_service || !volumes.empty() ||
               !secrets.empty();
    }
};

class Holdings {
  public:
    // heirs: by the name of an emptyDir's volume, whose it is now where its label says another.
    using Heirs = std::map<std::string, std::string>;

    Holdings(const observe::Observed& observed, const std::string& owner, const Heirs& heirs = {});

    const AppHoldings& of(std::string_view app) const;

    // Sorted by name.
    const std::map<std::string, AppHoldings, std::less<>>& apps() const { return apps_; }

    // Whether this volume is in that app's holdings.
    bool owns(std::string_view app, const podman::VolumeDetails& volume) const;

    const podman::ContainerSummary* container_named(std::string_view name) const;
    const podman::ContainerSummary* container_by_id(std::string_view id) const;
    const podman::PodSummary* pod_named(std::string_view name) const;
    const podman::PodSummary* pod_by_id(std::string_view id) const;

  private:
    void take_containers(const observe::Observed& observed, const std::string& owner);
    void take_pods(const observe::Observed& observed, const std::string& owner);
    void take_resources(const observe::HostResources& resources,
                        const std::string& owner,
                        const Heirs& heirs);
    AppHoldings& at(std::string_view app);
    void sort();

    std::map<std::string, AppHoldings, std::less<>> apps_;
    std::unordered_map<std::string_view, const podman::ContainerSummary*> containers_by_name_;
    std::unordered_map<std::string_view, const podman::ContainerSummary*> containers_by_id_;
    std::unordered_map<std::string_view, const podman::PodSummary*> pods_by_name_;
    std::unordered_map<std::string_view, const podman::PodSummary*> pods_by_id_;
};

}  // namespace podreeve::plan
