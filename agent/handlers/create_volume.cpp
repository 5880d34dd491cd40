#include <fmt/format.h>

#include "agent/handlers/create_body.h"
#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/observe/observed.h"
#include "agent/plan/volume_roles.h"

namespace podreeve::handlers {

namespace {

// What the volume is, or is to be, made as.
std::string role_in(const std::map<std::string, std::string>& labels) {
    const auto role = labels.find(observe::kLabelRole);
    return role == labels.end() ? "" : role->second;
}

// A volume that someone else made may be claimed, as it may by kube play: it is only mounted. One
// that podreeve fills or empties has to be its own.
HandlerResult use_existing(Task& task, const podman::VolumeDetails& volume) {
    const std::string wanted = role_in(task.texts("labels"));
    const bool ours = is_ours(task, volume);
    if (!ours && !plan::holds_data(wanted)) {
        return not_ours(task, "volume", task.object);
    }
    const std::string differs = plan::role_difference(volume.labels, wanted);
    if (!differs.empty()) {
        return other_role(task.object, differs);
    }
    if (ours) {
        return done();
    }
    task.log(fmt::format("uses volume {}, which was there before", task.object));
    return done();
}

}  // namespace

HandlerResult create_volume(Task& task) {
    ASSIGN_OR_RETURN(const auto found, find_volume(task, task.object));
    if (found) {
        return use_existing(task, *found);
    }
    ASSIGN_OR_RETURN(const auto spec, task.app_spec());
    const manifests::VolumeSpec* volume = spec->find_volume(task.part);
    if (volume == nullptr) {
        return fail(Code::NotFound,
                    fmt::format("cannot create volume {}: the manifest has none", task.object));
    }
    RETURN_IF_ERROR(task.save_once("made", "yes"));
    const Status made =
        task.world.podman.create_volume(volume_body(*volume, task.texts("labels")), task.call());
    if (!made && made.error().code == Code::Conflict) {
        return retry(Duration::zero(), "a volume of that name has just been made");
    }
    RETURN_IF_ERROR(made);
    return done();
}

HandlerResult undo_create_volume(Task& task) {
    if (task.saved("made") != "yes") {
        return done();
    }
    const std::string role = role_in(task.texts("labels"));
    if (plan::holds_data(role)) {
        task.log(fmt::format("keeps volume {}: it may hold data by now", task.object));
        return done();
    }
    ASSIGN_OR_RETURN(const auto found, own_volume(task, task.object));
    if (found && role_in(found->labels) == role) {
        RETURN_IF_ERROR(remove_own_volume(task, *found));
    }
    return done();
}

}  // namespace podreeve::handlers
