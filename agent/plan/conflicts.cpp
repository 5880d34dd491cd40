#include "agent/plan/conflicts.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/labels.h"
#include "agent/plan/steps.h"
#include "agent/plan/volume_roles.h"

namespace podreeve::plan {
namespace {

constexpr std::size_t kConflictIdDigits = 12;

using LabelMap = std::map<std::string, std::string>;

struct Foreign {
    std::string_view kind;    // container, pod, volume, secret
    std::string_view remove;  // how a person removes one
    std::string name, id;
    const LabelMap* labels;
};

struct Said {
    const char* reason;
    std::string text;
};

Said say(const AppCase& app, const Foreign& foreign) {
    const std::string_view unit = label(*foreign.labels, kSystemdUnit);
    if (!unit.empty()) {
        return {"RunBySystemd",
                fmt::format("is run by the systemd unit {}: remove that unit, or give this one "
                            "another name",
                            unit)};
    }
    const std::string_view owner = label(*foreign.labels, kOwner);
    if (!owner.empty() && owner != app.policy.owner) {
        return {
            "OtherOwner",
            fmt::format("belongs to another podreeve (owner {0}): take the app out of that one, "
                        "or give this one another name; only if it was this one before its state "
                        "directory was lost, and no agent of that owner runs any more, write {0} "
                        "into the file {1} and restart the agent",
                        owner,
                        app.policy.owner_file.empty() ? "'owner' there" : app.policy.owner_file)};
    }
    const std::string_view other = label(*foreign.labels, kApp);
    if (!owner.empty() && !other.empty()) {
        return {"OtherApp",
                fmt::format("belongs to app {}: remove that app, or give this one another name",
                            other)};
    }
    return {"NotOurs",
            fmt::format("is not podreeve's: remove it with '{} {}', or give this one another name",
                        foreign.remove, foreign.name)};
}

struct Search {
    const AppCase& app;
    std::vector<Condition> found;

    bool is_own(const LabelMap& labels) const {
        return is_ours(labels, app.policy.owner) && label(labels, kApp) == app.spec.name;
    }

    void add(const Foreign& foreign, const std::string& part) {
        const Said said = say(app, foreign);
        const std::string id =
            foreign.id.empty() ? "" : fmt::format(" ({})", foreign.id.substr(0, kConflictIdDigits));
        found.push_back({"Conflict", said.reason,
                         fmt::format("{} {}{} {}", foreign.kind, foreign.name, id, said.text),
                         part});
    }

    // Containers and pods share one set of names in podman.
    void look(const std::string& name, const std::string& part) {
        const podman::ContainerSummary* container = app.all.container_named(name);
        if (container != nullptr && !is_own(container->labels) && !is_own_service(*container)) {
            add({"container", "podman rm", name, container->id, &container->labels}, part);
        }
        const podman::PodSummary* pod = app.all.pod_named(name);
        if (pod != nullptr && !is_own(pod->labels)) {
            add({"pod", "podman pod rm", name, pod->id, &pod->labels}, part);
        }
    }

    // One that podman holds bears no label but its image's, and until a pod is linked to it our
    // stub pod alone tells whose it is. Its name is nobody else's, and create-service looks closer.
    void look_at_service() {
        const std::string name = service_name(app.spec.name, app.policy.owner);
        const podman::ContainerSummary* container = app.all.container_named(name);
        const bool half_made =
            container != nullptr && (bears_builders_labels_only(*container) || has_stub());
        if (!half_made) {
            look(name, kServicePart);
        }
    }

    // podman builds the image of its infra containers itself.
    static bool bears_builders_labels_only(const podman::ContainerSummary& container) {
        return std::ranges::all_of(container.labels, [](const auto& entry) {
            return entry.first.starts_with("io.buildah.");
        });
    }

    bool has_stub() const {
        return std::ranges::any_of(app.held.pods, [](const podman::PodSummary* pod) {
            return label(pod->labels, kPart) == kStubPart;
        });
    }

    bool is_own_service(const podman::ContainerSummary& container) const {
        const auto it = app.observed.services.find(container.id);
        return it != app.observed.services.end() && it->second == app.spec.name;
    }

    void look_at_volumes(const observe::HostResources& resources);
    void look_at_secrets(const observe::HostResources& resources);
};

// Claims and plain volumes may well be somebody's: they are used, never written or removed.
void Search::look_at_volumes(const observe::HostResources& resources) {
    for (const manifests::VolumeSpec& volume : app.spec.volumes) {
        const auto it = resources.volumes.find(volume.name);
        if (it == resources.volumes.end()) {
            continue;
        }
        const std::string_view role = volume_role(volume.origin);
        const bool own = is_own(it->second.labels) || app.all.owns(app.spec.name, it->second);
        if (!holds_data(role) && !own) {
            add({"volume", "podman volume rm", volume.name, "", &it->second.labels}, volume.part);
        } else if (const std::string differs = role_difference(it->second.labels, role);
                   !differs.empty()) {
            found.push_back({"Conflict", "OtherRole",
                             fmt::format("volume {0} {1}: it is left as it is; give one of the two "
                                         "another name, or, if nothing in it is needed any more, "
                                         "remove it with 'podman volume rm {0}' while nothing uses "
                                         "it",
                                         volume.name, differs),
                             volume.part});
        }
    }
}

void Search::look_at_secrets(const observe::HostResources& resources) {
    if (!keeps_secret_labels(app.observed)) {
        return;
    }
    for (const manifests::SecretSpec& secret : app.spec.secrets) {
        const auto it = resources.secrets.find(secret.name);
        if (it != resources.secrets.end() && !is_own(it->second.labels)) {
            add({"secret", "podman secret rm", secret.name, it->second.id, &it->second.labels},
                secret.part);
        }
    }
}

}  // namespace

std::vector<Condition> conflicts(const AppCase& app) {
    Search search{app, {}};
    for (const manifests::PodSpec& pod : app.spec.pods) {
        search.look(pod.name, pod.part);
    }
    for (const manifests::ContainerSpec& container : app.spec.containers) {
        search.look(container.name, container.part);
    }
    if (!app.spec.pods.empty()) {
        search.look_at_service();
    }
    if (app.observed.resources) {
        search.look_at_volumes(*app.observed.resources);
        search.look_at_secrets(*app.observed.resources);
    }
    return std::move(search.found);
}

}  // namespace podreeve::plan
