#include "agent/handlers/service_container.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/handlers/ownership.h"
#include "agent/observe/observed.h"
#include "agent/plan/steps.h"
#include "runtime/base/digest.h"
#include "runtime/base/json_text.h"

namespace podreeve::handlers {

namespace {

constexpr auto kLook = std::chrono::milliseconds(50);
constexpr int kLooksBeforeForce = 20;
constexpr int kLooks = 60;

std::map<std::string, std::string> stub_labels(const std::string& app, const std::string& owner) {
    return {{observe::kLabelApp, app},
            {observe::kLabelOwner, owner},
            {observe::kLabelRole, plan::kRoleStub},
            {observe::kLabelPart, plan::kStubPart}};
}

Result<bool> stub_is_there(const Task& task, const Stub& stub) {
    ASSIGN_OR_RETURN(const auto pod, own_pod(task, stub.pod));
    return pod.has_value();
}

Result<bool> a_pod_is_linked(const Task& task, const std::string& service_id) {
    ASSIGN_OR_RETURN(const auto pods, task.world.podman.list_pods(task.call()));
    return std::any_of(pods.begin(), pods.end(), [&](const podman::PodSummary& pod) {
        const auto label = pod.labels.find(observe::kLabelService);
        return label != pod.labels.end() && label->second == service_id &&
               is_ours(task, pod.labels);
    });
}

// Whether a service container, which cannot have labels, is this app's.
Result<bool> is_vouched_for(const Task& task, const podman::ContainerDetails& container) {
    if (!container.is_service) {
        return false;
    }
    const std::string& id = container.summary.id;
    if (task.id == id || task.saved("service_id") == id) {
        return true;
    }
    ASSIGN_OR_RETURN(const bool linked, a_pod_is_linked(task, id));
    if (linked) {
        return true;
    }
    return stub_is_there(task, stub_of(task.app, task.world.owner));
}

// A podman that was killed while it made a container leaves its storage under the name, and no
// container that anybody lists; it is removed by that name, which is nobody else's (see below).
Result<podman::PlayReport> play(const Task& task, const Stub& stub) {
    auto report = task.world.podman.kube_play(stub.yaml, true, true, task.call());
    if (report || report.error().code != Code::Conflict) {
        return report;
    }
    ASSIGN_OR_RETURN(const auto there, find_container(task, stub.service));
    if (there) {
        return report;
    }
    RETURN_IF_ERROR(task.world.podman.remove_container(stub.service, by_force(), task.call()));
    RETURN_IF_ERROR(remove_stub(task));
    return task.world.podman.kube_play(stub.yaml, true, true, task.call());
}

// The id of what a play, perhaps of an earlier run that was killed, has made whole; "": nothing.
Result<std::string> played_before(const Task& task, const Stub& stub) {
    ASSIGN_OR_RETURN(const auto left, find_container(task, stub.service));
    ASSIGN_OR_RETURN(const bool stub_there, stub_is_there(task, stub));
    return left && left->is_service && stub_there ? left->summary.id : std::string();
}

// Half of a play: its other half never came, or went already. The name holds a digest of our owner
// id, so that it is nobody else's. podman may still be at it, for one that was killed while it
// asked: what it links meanwhile cannot be removed at once, and is looked at again.
HandlerResult clear_half_played(Task& task, const Stub& stub) {
    RETURN_IF_ERROR(remove_stub(task));
    ASSIGN_OR_RETURN(const auto left, find_container(task, stub.service));
    if (!left) {
        return done();
    }
    const Status removed =
        task.world.podman.remove_container(left->summary.id, by_force(), task.call());
    if (removed || removed.error().code == Code::NotFound) {
        return done();
    }
    if (removed.error().code == Code::Cancelled || removed.error().code == Code::Unavailable) {
        return removed.error();
    }
    ASSIGN_OR_RETURN(const int looks, task.count("half_played"));
    return looks > kLooks ? HandlerResult(removed.error())
                          : retry(kLook, "podman is still at a service container that was begun");
}

Result<std::string> play_service(Task& task, const Stub& stub) {
    ASSIGN_OR_RETURN(const auto report, play(task, stub));
    if (!report.service_container_id.empty()) {
        return report.service_container_id;
    }
    ASSIGN_OR_RETURN(const auto made, find_container(task, stub.service));
    if (!made) {
        return fail(Code::Internal,
                    fmt::format("cannot create the service container of {}: podman played its stub "
                                "but made none",
                                task.app));
    }
    return made->summary.id;
}

// Something bears the name already: ours from an earlier run, or one on its way out, or foreign.
HandlerResult take_named(Task& task, const podman::ContainerDetails& there) {
    ASSIGN_OR_RETURN(const bool ours, is_vouched_for(task, there));
    if (ours) {
        RETURN_IF_ERROR(task.save("service_id", there.summary.id));
        return done();
    }
    if (!there.is_service) {
        return not_ours(task, "container", there.summary.name);
    }
    // No pod vouches for it any more: podman removes it in a moment, and refuses the force that
    // comes at last when pods of somebody else's are linked to it.
    ASSIGN_OR_RETURN(const auto outcome, await_removal(task, there.summary.id));
    return std::holds_alternative<state::TaskDone>(outcome)
               ? retry(Duration::zero(), "the old service container is gone")
               : HandlerResult(outcome);
}

// The image podman makes for infra containers; a pod is created and removed when there is none yet.
Result<std::string> pause_image(Task& task) {
    for (const bool made_a_pod : {false, true}) {
        ASSIGN_OR_RETURN(const auto containers, task.world.podman.list_containers(task.call()));
        for (const podman::ContainerSummary& container : containers) {
            if (container.is_infra && !container.image.empty()) {
                return container.image;
            }
        }
        if (!made_a_pod) {
            podman::PodCreate stub;
            stub.name = stub_of(task.app, task.world.owner).pod;
            stub.labels = stub_labels(task.app, task.world.owner);
            stub.netns = "host";
            RETURN_IF_ERROR(task.world.podman.create_pod(stub, task.call()));
        }
    }
    return fail(Code::Unsupported,
                fmt::format("cannot create the service container of {}: podman's infra containers "
                            "have no image to make it from",
                            task.app));
}

}  // namespace

Stub stub_of(const std::string& app, const std::string& owner) {
    Stub stub;
    stub.pod = "podreeve-stub-" + app;
    // JSON is YAML. On the host's network no namespace and no network has to be made for it.
    const nlohmann::json pod{
        {"apiVersion", "v1"},
        {"kind", "Pod"},
        {"metadata", {{"name", stub.pod}, {"labels", stub_labels(app, owner)}}},
        {"spec", {{"hostNetwork", true}}}};
    stub.yaml = json_text(pod) + "\n";
    stub.service = sha256_hex(stub.yaml).substr(0, 12) + "-service";
    return stub;
}

HandlerResult ensure_held_service(Task& task, const std::string& name) {
    std::string id = task.saved("service_id");
    if (id.empty()) {
        ASSIGN_OR_RETURN(const auto named, find_container(task, name));
        if (named) {
            return take_named(task, *named);
        }
        const Stub stub = stub_of(task.app, task.world.owner);
        ASSIGN_OR_RETURN(id, played_before(task, stub));
        if (id.empty()) {
            ASSIGN_OR_RETURN(auto cleared, clear_half_played(task, stub));
            if (!std::holds_alternative<state::TaskDone>(cleared)) {
                return cleared;
            }
            ASSIGN_OR_RETURN(id, play_service(task, stub));
        }
        RETURN_IF_ERROR(task.save("service_id", id));
    }
    ASSIGN_OR_RETURN(const auto service, find_container(task, id));
    if (!service) {
        RETURN_IF_ERROR(task.save("service_id", ""));
        return retry(Duration::zero(), "the service container has gone meanwhile");
    }
    if (service->summary.name != name) {
        RETURN_IF_ERROR(task.world.podman.rename_container(id, name, task.call()));
    }
    return done();
}

HandlerResult ensure_plain_service(Task& task,
                                   const std::string& name,
                                   const std::map<std::string, std::string>& labels) {
    ASSIGN_OR_RETURN(const auto there, own_container(task, name));
    if (!there) {
        const Result<std::string> image = pause_image(task);
        if (!image) {
            RETURN_IF_ERROR(remove_stub(task));
            return image.error();
        }
        podman::ContainerCreate body;
        body.name = name;
        body.image = *image;
        body.labels = labels;
        body.netns = "none";
        body.read_only_root = true;
        RETURN_IF_ERROR(task.world.podman.create_container(body, task.call()));
    }
    RETURN_IF_ERROR(remove_stub(task));
    return done();
}

Result<std::optional<podman::ContainerDetails>> own_service(const Task& task,
                                                            const std::string& who) {
    ASSIGN_OR_RETURN(auto found, find_container(task, who));
    if (!found || is_ours(task, found->summary.labels)) {
        return found;
    }
    ASSIGN_OR_RETURN(const bool ours, is_vouched_for(task, *found));
    if (!ours) {
        return not_ours(task, "container", found->summary.name);
    }
    return found;
}

HandlerResult undo_play(Task& task) {
    return clear_half_played(task, stub_of(task.app, task.world.owner));
}

Status remove_stub(const Task& task) {
    ASSIGN_OR_RETURN(const auto stub, own_pod(task, stub_of(task.app, task.world.owner).pod));
    return stub ? task.world.podman.remove_pod(stub->id, true, task.call()) : Status{};
}

HandlerResult await_removal(Task& task, const std::string& id) {
    ASSIGN_OR_RETURN(const auto there, find_container(task, id));
    if (!there) {
        return done();
    }
    ASSIGN_OR_RETURN(const int looks, task.count("looks"));
    if (looks > kLooksBeforeForce) {
        const Status removed = task.world.podman.remove_container(id, by_force(), task.call());
        if (!removed && looks > kLooks) {
            return removed.error();
        }
    }
    return retry(kLook, fmt::format("podman has yet to remove {}", there->summary.name));
}

}  // namespace podreeve::handlers
