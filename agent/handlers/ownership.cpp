#include "agent/handlers/ownership.h"

#include <fmt/format.h>

#include "agent/observe/observed.h"
#include "agent/plan/steps.h"

namespace podreeve::handlers {

namespace {

// One that goes away while podman looks at it is a 500 of podman's, with these words, and no 404.
// And several ids may begin with a name that nobody has.
bool says_absent(const Error& error) {
    const auto says = [&](const char* words) {
        return error.message.find(words) != std::string::npos;
    };
    return error.code == Code::NotFound ||
           (error.code == Code::Conflict && says("more than one result")) ||
           (error.code == Code::Internal && (says("no such container") || says("no such pod")));
}

// Result<T> of an inspect as "there or not".
template <class T>
Result<std::optional<T>> there_or_not(Result<T> found) {
    if (found) {
        return std::optional<T>(std::move(*found));
    }
    if (says_absent(found.error())) {
        return std::optional<T>();
    }
    return tl::unexpected<Error>(std::move(found.error()));
}

// podman's database has it, its storage has not: it cannot be inspected or started any more, but it
// is listed, and can be removed by force.
bool says_storage_lost_it(const Error& error) {
    return error.code == Code::Internal &&
           error.message.find("container not known") != std::string::npos;
}

Result<std::optional<podman::ContainerDetails>> find_listed(const Task& task,
                                                            const std::string& who) {
    ASSIGN_OR_RETURN(auto listed, task.world.podman.list_containers(task.call()));
    for (podman::ContainerSummary& row : listed) {
        if (row.id == who || row.name == who) {
            podman::ContainerDetails found;
            found.summary = std::move(row);
            return std::optional(std::move(found));
        }
    }
    return std::optional<podman::ContainerDetails>();
}

std::string label(const std::map<std::string, std::string>& labels, const char* key) {
    const auto found = labels.find(key);
    return found == labels.end() ? "" : found->second;
}

}  // namespace

bool is_ours(const Task& task, const std::map<std::string, std::string>& labels) {
    const auto owned = observe::ownership(labels, task.world.owner);
    return owned && owned->app == task.app;
}

bool is_ours(const Task& task, const podman::VolumeDetails& volume) {
    const auto owned = observe::ownership(volume.labels, task.world.owner);
    const auto& has_taken_over = task.world.start_gate.has_taken_over;
    return owned &&
           (owned->app == task.app || (owned->role == plan::kRoleVolumeEmptyDir && has_taken_over &&
                                       has_taken_over(task.app, owned->app)));
}

bool is_same(const Task& task, const std::map<std::string, std::string>& labels) {
    const auto wanted = task.texts("labels");
    return is_ours(task, labels) &&
           label(labels, observe::kLabelPart) == label(wanted, observe::kLabelPart) &&
           label(labels, observe::kLabelSpec) == label(wanted, observe::kLabelSpec);
}

Error not_ours(const Task& task, const char* noun, const std::string& name) {
    return {Code::Conflict,
            fmt::format("cannot touch {0} {1}: it is there but was not made for {2} by this agent; "
                        "rename or remove it, or change the name in the manifest",
                        noun, name, task.app)};
}

Error other_role(const std::string& name, const std::string& difference) {
    return {Code::Conflict,
            fmt::format("cannot use volume {}: it {}; it is left as it is, and one of the two has "
                        "to get another name",
                        name, difference)};
}

Error other_version(const char* noun, const std::string& name) {
    return {Code::Conflict,
            fmt::format("cannot create {} {}: one made from another version of the manifest is "
                        "still there; the next pass replaces it",
                        noun, name)};
}

Result<std::optional<podman::ContainerDetails>> find_container(const Task& task,
                                                               const std::string& who) {
    auto inspected = task.world.podman.inspect_container(who, task.call());
    auto found = !inspected && says_storage_lost_it(inspected.error())
                     ? find_listed(task, who)
                     : there_or_not(std::move(inspected));
    if (found && *found && (*found)->summary.name != who && (*found)->summary.id != who) {
        return std::optional<podman::ContainerDetails>();
    }
    if (found && *found) {
        task.saw((*found)->summary.id, (*found)->summary.name);
    }
    return found;
}

Result<std::optional<podman::PodSummary>> find_pod(const Task& task, const std::string& who) {
    auto found = there_or_not(task.world.podman.inspect_pod(who, task.call()));
    if (found && *found && (*found)->name != who && (*found)->id != who) {
        return std::optional<podman::PodSummary>();
    }
    if (found && *found) {
        task.saw((*found)->id, (*found)->name);
        for (const auto& member : (*found)->members) {
            task.saw(member.id, member.name);
        }
    }
    return found;
}

Result<std::optional<podman::VolumeDetails>> find_volume(const Task& task,
                                                         const std::string& name) {
    return there_or_not(task.world.podman.inspect_volume(name, task.call()));
}

Result<std::optional<podman::SecretDetails>> find_secret(const Task& task,
                                                         const std::string& name) {
    ASSIGN_OR_RETURN(const auto secrets, task.world.podman.list_secrets(task.call()));
    for (const podman::SecretDetails& secret : secrets) {
        if (secret.name == name) {
            return std::optional(secret);
        }
    }
    return std::optional<podman::SecretDetails>();
}

Result<std::optional<podman::ContainerDetails>> own_container(const Task& task,
                                                              const std::string& who) {
    ASSIGN_OR_RETURN(auto found, find_container(task, who));
    if (found && !is_ours(task, found->summary.labels)) {
        return not_ours(task, "container", found->summary.name);
    }
    return found;
}

Result<std::optional<podman::PodSummary>> own_pod(const Task& task, const std::string& who) {
    ASSIGN_OR_RETURN(auto found, find_pod(task, who));
    if (found && !is_ours(task, found->labels)) {
        return not_ours(task, "pod", found->name);
    }
    return found;
}

Result<std::optional<podman::VolumeDetails>> own_volume(const Task& task, const std::string& name) {
    ASSIGN_OR_RETURN(auto found, find_volume(task, name));
    if (found && !is_ours(task, *found)) {
        return not_ours(task, "volume", name);
    }
    return found;
}

Result<std::optional<podman::SecretDetails>> own_secret(const Task& task, const std::string& name) {
    ASSIGN_OR_RETURN(auto found, find_secret(task, name));
    if (found && !is_ours(task, found->labels)) {
        return not_ours(task, "secret", name);
    }
    return found;
}

Status remove_own_volume(const Task& task, const podman::VolumeDetails& volume) {
    const std::string key = task.world.owner + "/" + volume.name;
    if (label(volume.labels, observe::kLabelVolume) != key) {
        return fail(
            Code::Conflict,
            fmt::format("cannot remove volume {0}: it is not marked as one that goes with its app; "
                        "`podman volume rm {0}` does it",
                        volume.name));
    }
    ASSIGN_OR_RETURN(const auto removed, task.world.podman.remove_volumes_with(
                                             observe::kLabelVolume, key, task.call()));
    if (!removed.empty()) {
        return {};
    }
    ASSIGN_OR_RETURN(const auto left, find_volume(task, volume.name));
    return !left ? Status()
                 : fail(Code::Conflict,
                        fmt::format("cannot remove volume {0}: a container uses it; `podman ps -a "
                                    "--filter volume={0}` shows which",
                                    volume.name));
}

podman::RemoveOptions by_force() {
    podman::RemoveOptions options;
    options.force = true;
    return options;
}

bool is_running(const podman::ContainerDetails& container) {
    return container.summary.state == podman::ContainerState::Running;
}

}  // namespace podreeve::handlers
