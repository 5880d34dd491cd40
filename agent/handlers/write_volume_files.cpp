#include <fmt/format.h>

#include "agent/handlers/belongings.h"
#include "agent/handlers/kinds.h"
#include "agent/handlers/volume_files.h"
#include "agent/plan/volume_roles.h"

namespace podreeve::handlers {

namespace {

// All that is in a volume and not in the spec is removed: only from one that never held anything
// else, whatever the plan says.
std::string difference(const podman::VolumeDetails& volume, const manifests::VolumeSpec& spec) {
    const std::string_view role = plan::volume_role(spec.origin);
    return plan::is_filled(role) ? plan::role_difference(volume.labels, role)
                                 : fmt::format("is wanted as {}, which podreeve never writes to",
                                               plan::words_of_role(role));
}

// Podman keeps a rootless user's volumes in directories of that user, who is root inside the
// containers: the agent writes them itself, and the volume is made with uid and gid 0, so that
// podman never gives it to the first container that mounts it.
Ended write_spec(Task& task, const manifests::VolumeSpec& spec) {
    ASSIGN_OR_RETURN(const auto volume, own_volume(task, task.object));
    if (!volume) {
        return fail(
            Code::NotFound,
            fmt::format("cannot write the files of volume {}: it is not there", task.object));
    }
    const std::string differs = difference(*volume, spec);
    if (!differs.empty()) {
        return other_role(task.object, differs);
    }
    ASSIGN_OR_RETURN(const FilesWritten files, write_files(volume->mountpoint, spec.files));
    if (files.written + files.removed > 0) {
        task.log(fmt::format("{} files written, {} removed", files.written, files.removed));
    }
    return done();
}

}  // namespace

Ended write_volume_files(Task& task) {
    ASSIGN_OR_RETURN(const auto app, task.app_spec());
    const manifests::VolumeSpec* spec = app->find_volume(task.part);
    if (spec == nullptr || spec->name != task.object) {
        return fail(
            Code::NotFound,
            fmt::format("cannot write the files of volume {}: the manifest has none", task.object));
    }
    return write_spec(task, *spec);
}

Ended undo_write_volume_files(Task& task) {
    const auto before = task.deployed_spec();
    const manifests::VolumeSpec* spec = before ? before->find_volume(task.part) : nullptr;
    if (spec == nullptr || spec->name != task.object) {
        return done();
    }
    ASSIGN_OR_RETURN(const auto volume, find_volume(task, task.object));
    if (!volume) {
        return done();
    }
    if (const std::string differs = difference(*volume, *spec); !differs.empty()) {
        task.log(fmt::format("volume {} {}: it is left as it is", task.object, differs));
        return done();
    }
    return write_spec(task, *spec);
}

}  // namespace podreeve::handlers
