#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/observe/companions.h"
#include "runtime/base/clock.h"
#include "runtime/podman/types.h"

// One coherent snapshot of what podman and systemd report, as plain values. What could not be read
// is unknown (nullopt), never absent.
namespace podreeve::observe {

// The labels that make an object ours. Values are never secret.
inline constexpr const char* kLabelApp = "io.podreeve.app";
inline constexpr const char* kLabelPart = "io.podreeve.part";
inline constexpr const char* kLabelRole = "io.podreeve.role";  // workload, init, infra, service
inline constexpr const char* kLabelSpec = "io.podreeve.spec";
inline constexpr const char* kLabelGeneration = "io.podreeve.generation";
inline constexpr const char* kLabelOwner = "io.podreeve.owner";
// On a pod: full id of the service container that was made for it.
inline constexpr const char* kLabelService = "io.podreeve.service";
// On a volume that goes with its app (emptyDir, ConfigMap, Secret) and on no other: owner/name. One
// label that no other volume has, since podman removes volumes exactly by label alone.
inline constexpr const char* kLabelVolume = "io.podreeve.volume";
// podman's own: a container that a systemd unit runs. Never touched over REST.
inline constexpr const char* kLabelSystemdUnit = "PODMAN_SYSTEMD_UNIT";

// What an object's labels say of it; nullopt for one that is not ours (no label, or another owner).
struct Ownership {
    std::string app, part, role, spec;
    std::int64_t generation = 0;
};

std::optional<Ownership> ownership(const std::map<std::string, std::string>& labels,
                                   const std::string& owner);

// What is mounted on the host.
struct Mounts {
    std::vector<std::string> points;
    // By volume, the folder that podman has it in (".../volumes"), with no link in its path. Those
    // that podman does not tell, or whose file system does not answer, are not in it.
    std::map<std::string, std::string> volume_folders = {};
};

// The mount point that path, which need not be there, lies below; "": below none.
std::string mount_point_of(const Mounts& mounts, std::string_view path);

// Volumes, networks, secrets and images are only read when a plan needs them.
struct HostResources {
    std::map<std::string, podman::VolumeDetails> volumes;
    std::map<std::string, podman::NetworkDetails> networks;
    std::map<std::string, podman::SecretDetails> secrets;
    std::map<std::string, bool> images;  // of those that were asked for: is it here
    std::optional<Mounts> mounts = {};   // nothing: they could not be looked at
};

struct Observed {
    WallTime at{};
    podman::Version podman_version;
    bool holds_service_containers = false;
    std::vector<podman::ContainerSummary> containers;  // sorted by id
    std::vector<podman::PodSummary> pods;              // sorted by id
    // Service containers of ours, by full id: told by their own labels, or by those of a pod of
    // ours that is linked to one, never by a name.
    std::map<std::string, std::string> services;  // id -> app
    std::optional<HostResources> resources;
    // Containers, by id, that podman calls running and whose process and monitor are both gone: it
    // would call them so for ever. One that could not be looked at is not among them.
    std::set<std::string> lost;
    // Apps of ours that changed between the two lists, and how: what is seen of them is not of one
    // moment, so nothing is decided about them.
    std::map<std::string, std::string> in_motion;
    // Nothing: there are none, or nobody has looked yet.
    std::optional<Companions> companions;
    bool companions_failed = false;  // looking at them threw: that there are none is not known

    const podman::ContainerSummary* container_named(const std::string& name) const;
    const podman::ContainerSummary* container_by_id(const std::string& id) const;
    const podman::PodSummary* pod_named(const std::string& name) const;
    // Whether it is known what there is of the app's companions.
    bool knows_companions(const std::string& app) const;
};

}  // namespace podreeve::observe
