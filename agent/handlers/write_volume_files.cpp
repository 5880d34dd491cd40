#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/handlers/volume_files.h"
#include "agent/plan/volume_roles.h"
#include "runtime/base/room.h"

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

constexpr int kMostTries = 10;

// Who fills a volume faster than it is emptied would keep the change from ending, and the app from
// being repaired, for ever. What an undo leaves is put right by the next pass.
HandlerResult go_on_or_end(Task& task, bool undoes, const Error& error) {
    const bool too_much = error.code == Code::Unavailable && !is_no_room(error.message);
    const Result<int> tries =
        too_much ? task.count(undoes ? "tries_to_undo" : "tries_to_write") : 0;
    if (!tries || *tries < kMostTries) {
        return fail(error.code, error.message);
    }
    if (!undoes) {
        return fail(Code::Internal, error.message);
    }
    task.log(fmt::format("{}; it was tried {} times, and is left as it is", error.message, *tries));
    return done();
}

// Podman keeps a rootless user's volumes in directories of that user, who is root inside the
// containers: the agent writes them itself, and the volume is made with uid and gid 0, so that
// podman never gives it to the first container that mounts it.
HandlerResult write_spec(Task& task, bool undoes, const manifests::VolumeSpec& spec) {
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
    const Result<FilesWritten> files =
        write_files(volume->mountpoint, spec.files, task.world.most_removed);
    if (!files) {
        return go_on_or_end(task, undoes, files.error());
    }
    if (files->written + files->removed > 0) {
        task.log(fmt::format("{} files written, {} removed", files->written, files->removed));
    }
    if (files->left > 0) {
        task.log(words_of_left(volume->mountpoint, *files));
    }
    return done();
}

}  // namespace

HandlerResult write_volume_files(Task& task) {
    ASSIGN_OR_RETURN(const auto app, task.app_spec());
    const manifests::VolumeSpec* spec = app->find_volume(task.part);
    if (spec == nullptr || spec->name != task.object) {
        return fail(
            Code::NotFound,
            fmt::format("cannot write the files of volume {}: the manifest has none", task.object));
    }
    return write_spec(task, false, *spec);
}

HandlerResult undo_write_volume_files(Task& task) {
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
    return write_spec(task, true, *spec);
}

}  // namespace podreeve::handlers
