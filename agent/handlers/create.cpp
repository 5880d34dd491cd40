#include "agent/handlers/create.h"

#include <fmt/format.h>

#include "agent/handlers/create_body.h"
#include "agent/handlers/host_paths.h"
#include "agent/handlers/mounted_volumes.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/service_container.h"
#include "agent/handlers/sub_paths.h"
#include "agent/handlers/volume_files.h"
#include "agent/observe/observed.h"

namespace podreeve::handlers {

namespace {

std::string value_of(const Labels& labels, const char* key) {
    const auto found = labels.find(key);
    return found == labels.end() ? "" : found->second;
}

// Whether what is there is what would be made; an error says why it is in the way.
Status check_same(const Task& task,
                  const char* noun,
                  const std::string& name,
                  const Labels& there,
                  const Labels& wanted) {
    if (!is_ours(task, there)) {
        return not_ours(task, noun, name);
    }
    for (const char* key : {observe::kLabelPart, observe::kLabelSpec}) {
        if (value_of(there, key) != value_of(wanted, key)) {
            return other_version(noun, name);
        }
    }
    return {};
}

Result<std::string> service_id(const Task& task, const std::string& service) {
    if (service.empty()) {
        return std::string();
    }
    ASSIGN_OR_RETURN(const auto found, find_container(task, service));
    if (!found) {
        return fail(Code::NotFound,
                    fmt::format("cannot link a pod of {} to its service container: {} is not there",
                                task.app, service));
    }
    if (!found->is_service && !is_ours(task, found->summary.labels)) {
        return not_ours(task, "container", service);
    }
    return found->summary.id;
}

// What has to be there before a container can be started with that mount, and podman does not make.
Status prepare_mount(const Task& task, const manifests::Mount& mount) {
    if (mount.kind != manifests::MountKind::Volume || mount.sub_path.empty()) {
        if (mount.kind != manifests::MountKind::Bind) {
            return {};
        }
        return ask_host(task, mount.source, [mount]() -> Status {
            RETURN_IF_ERROR(make_host_path(mount));
            return check_sub_path(mount);
        });
    }
    ASSIGN_OR_RETURN(const auto volume, find_volume(task, mount.source));
    return volume ? make_sub_path(volume->mountpoint, mount.sub_path) : Status{};
}

// Podman 4.3 leaves a pod without its infra container behind when the making fails; it can neither
// be started nor made again.
bool is_half_made(const podman::PodSummary& pod) {
    return pod.infra_id.empty();
}

Status remove_half_made(const Task& task, const std::string& name) {
    ASSIGN_OR_RETURN(const auto pod, own_pod(task, name));
    return pod && is_half_made(*pod) ? task.world.podman.remove_pod(pod->id, true, task.call())
                                     : Status{};
}

// A podman that dies while it makes a container leaves the storage of it, which holds the name.
Status remove_stray_storage(const Task& task, const std::string& name) {
    ASSIGN_OR_RETURN(const auto there, find_container(task, name));
    if (there) {
        return {};
    }
    ASSIGN_OR_RETURN(const auto stray, task.world.podman.stray_storage(name, task.call()));
    return stray ? task.world.podman.remove_container(*stray, by_force(), task.call()) : Status{};
}

Result<std::string> pod_of(const Task& task,
                           const manifests::ContainerSpec& spec,
                           const std::string& pod) {
    if (pod.empty()) {
        return std::string();
    }
    ASSIGN_OR_RETURN(const auto home, own_pod(task, pod));
    if (!home) {
        return fail(
            Code::NotFound,
            fmt::format("cannot create container {}: its pod {} is not there", spec.name, pod));
    }
    return home->id;
}

// Where it is not known whether the container was made, the next run looks at its volumes.
void clear_after_failure(Task& task, const manifests::ContainerSpec& spec, const Error& error) {
    if (error.code == Code::Unavailable) {
        if (const Status cleared = remove_stray_storage(task, spec.name); !cleared) {
            task.log(cleared.error().message);
        }
    } else if (error.code != Code::Cancelled && error.code != Code::Timeout) {
        clear_volumes(task, spec);
    }
}

}  // namespace

Result<std::string> make_pod(Task& task,
                             const manifests::PodSpec& spec,
                             const std::string& service,
                             bool held,
                             Labels labels) {
    ASSIGN_OR_RETURN(const auto there, find_pod(task, spec.name));
    if (there) {
        RETURN_IF_ERROR(check_same(task, "pod", spec.name, there->labels, labels));
        if (!is_half_made(*there)) {
            return there->id;
        }
        RETURN_IF_ERROR(remove_half_made(task, spec.name));
    }
    ASSIGN_OR_RETURN(const std::string linked, service_id(task, service));
    if (!linked.empty()) {
        labels[observe::kLabelService] = linked;
    }
    auto made =
        task.world.podman.create_pod(pod_body(spec, held ? linked : "", labels), task.call());
    if (!made && made.error().code != Code::Cancelled && made.error().code != Code::Conflict) {
        const Status cleared = remove_half_made(task, spec.name);
        if (!cleared) {
            task.log(cleared.error().message);
        }
    }
    return made;
}

Result<std::string> make_container(Task& task,
                                   const manifests::AppSpec& app,
                                   const manifests::ContainerSpec& spec,
                                   const std::string& pod,
                                   const Labels& labels) {
    ASSIGN_OR_RETURN(const auto there, find_container(task, spec.name));
    if (there) {
        RETURN_IF_ERROR(check_same(task, "container", spec.name, there->summary.labels, labels));
        RETURN_IF_ERROR(check_volumes(task, spec, there->summary.id));
        return there->summary.id;
    }
    // One of an earlier run, which podman may have made nothing but the volumes for.
    RETURN_IF_ERROR(check_volumes(task, spec, ""));
    ASSIGN_OR_RETURN(const std::string pod_id, pod_of(task, spec, pod));
    for (const manifests::Mount& mount : spec.mounts) {
        RETURN_IF_ERROR(prepare_mount(task, mount));
    }
    RETURN_IF_ERROR(look_at_volumes(task, app, spec));
    auto made =
        task.world.podman.create_container(container_body(spec, pod_id, labels), task.call());
    if (made) {
        RETURN_IF_ERROR(check_volumes(task, spec, *made));
    } else {
        clear_after_failure(task, spec, made.error());
    }
    return made;
}

}  // namespace podreeve::handlers
