#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/handlers/create.h"
#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/service_container.h"
#include "agent/observe/observed.h"
#include "agent/plan/steps.h"

namespace podreeve::handlers {

namespace {

constexpr auto kRemoveTime = std::chrono::minutes(5);

Labels own_labels(const Labels& labels) {
    Labels ours;
    for (const auto& [key, value] : labels) {
        if (key.starts_with("io.podreeve.") && key != observe::kLabelService) {
            ours.emplace(key, value);
        }
    }
    return ours;
}

Labels saved_labels(const Task& task) {
    const auto saved = task.context.data().find("pod_labels");
    return saved == task.context.data().end() ? Labels() : saved->get<Labels>();
}

Labels member_labels(Labels labels, const manifests::ContainerSpec& container) {
    labels.erase(plan::kLabelPorts);
    labels[observe::kLabelPart] = container.part;
    labels[observe::kLabelSpec] = plan::label_spec(container);
    labels[observe::kLabelRole] =
        container.role == manifests::ContainerRole::Init ? "init" : "workload";
    return labels;
}

// The pod as the deployed spec has it; null when what was removed was not made from that.
const manifests::PodSpec* removed_spec(const Task& task, const manifests::AppSpec* app) {
    const manifests::PodSpec* pod = app == nullptr ? nullptr : app->find_pod(task.part);
    const bool same = pod != nullptr && pod->name == task.object &&
                      plan::label_spec(*app, *pod) == task.text("old_spec");
    return same ? pod : nullptr;
}

Status make_members(Task& task, const manifests::AppSpec& app, const Labels& labels) {
    for (const manifests::ContainerSpec& container : app.containers) {
        if (container.pod == task.part) {
            RETURN_IF_ERROR(make_container(task, app, container, task.object,
                                           member_labels(labels, container)));
        }
    }
    return {};
}

// Podman's first try to remove what was killed together with its monitor fails; the second does it.
Status remove_for_good(Task& task, const std::string& id) {
    Status removed;
    for (int tries = 0; tries < 2; ++tries) {
        removed = task.world.podman.remove_pod(id, true, task.call(kRemoveTime));
        if (!removed && removed.error().code != Code::Internal) {
            return removed;
        }
        ASSIGN_OR_RETURN(const auto left, find_pod(task, id));
        if (!left) {
            return {};
        }
    }
    return removed ? fail(Code::Internal,
                          fmt::format("cannot remove pod {0}: podman said it did, but it is still "
                                      "there; try `podman pod rm --force {0}`",
                                      task.object))
                   : removed;
}

}  // namespace

// Absent is what is wanted. Its labels are kept with the task, for the undoing.
HandlerResult remove_pod(Task& task) {
    ASSIGN_OR_RETURN(const auto pod, own_pod(task, task.target()));
    if (!pod) {
        return done();
    }
    RETURN_IF_ERROR(task.context.save(nlohmann::json{{"pod_labels", own_labels(pod->labels)}}));
    RETURN_IF_ERROR(remove_for_good(task, pod->id));
    return done();
}

// Makes it again, with its service container where that went with it, but leaves the starting to
// the undoing of the stop that came before.
HandlerResult undo_remove_pod(Task& task) {
    const auto app = task.deployed_spec();
    const manifests::PodSpec* spec = removed_spec(task, app.get());
    const Labels labels = saved_labels(task);
    if (spec == nullptr || labels.empty()) {
        task.log(fmt::format("pod {} is not made again here: the next pass does it", task.object));
        return done();
    }
    const std::string service = task.text("service");
    const bool held = task.flag("held", false);
    if (held && !service.empty()) {
        ASSIGN_OR_RETURN(auto outcome, ensure_held_service(task, service));
        if (!std::holds_alternative<state::TaskDone>(outcome)) {
            return outcome;
        }
    }
    RETURN_IF_ERROR(make_pod(task, *spec, service, held, labels));
    RETURN_IF_ERROR(make_members(task, *app, labels));
    RETURN_IF_ERROR(remove_stub(task));
    return done();
}

}  // namespace podreeve::handlers
