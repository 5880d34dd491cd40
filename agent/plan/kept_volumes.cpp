#include "agent/plan/kept_volumes.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/decision.h"
#include "agent/plan/volume_roles.h"
#include "runtime/base/utf8.h"

namespace podreeve::plan {
namespace {

using manifests::VolumeSpec;

bool keeps_data(const VolumeSpec& volume) {
    return holds_data(volume_role(volume.origin));
}

const VolumeSpec* find_lost(const AppCase& app) {
    const auto lost = std::ranges::find_if(app.spec.volumes, [&](const VolumeSpec& volume) {
        return had_data(app, volume) && !app.observed.resources->volumes.contains(volume.name);
    });
    return lost == app.spec.volumes.end() ? nullptr : &*lost;
}

// What the folder of the volumes lies below now, where that is not what it was.
std::optional<std::string> other_mount_point(const AppCase& app) {
    const KeptVolumes& kept = app.app.kept_volumes;
    const auto& mounts = app.observed.resources->mounts;
    if (kept.mount_point.empty()) {
        return std::nullopt;
    }
    std::string now = mounts ? mount_point_of(*mounts, kept.folder) : "";
    return now == kept.mount_point ? std::nullopt : std::optional(std::move(now));
}

void note_place(const observe::Mounts& mounts, const std::string& volume, KeptVolumes& kept) {
    const auto real = mounts.volume_folders.find(volume);
    if (real != mounts.volume_folders.end()) {
        kept.folder = real->second;
        kept.mount_point = mount_point_of(mounts, kept.folder);
    }
}

}  // namespace

KeptVolumes look_again(const KeptVolumes& before,
                       const manifests::AppSpec& app,
                       const std::string& spec,
                       const observe::HostResources& resources) {
    KeptVolumes kept;
    kept.spec = spec;
    bool any_lost = false;
    for (const VolumeSpec& volume : app.volumes) {
        const bool is_there = resources.volumes.contains(volume.name);
        const bool is_known = before.names.contains(volume.name);
        if (!keeps_data(volume) || !(is_there || is_known)) {
            continue;
        }
        kept.names.insert(volume.name);
        any_lost = any_lost || !is_there;
        if (kept.folder.empty() && resources.mounts) {
            note_place(*resources.mounts, volume.name, kept);
        }
    }
    if (any_lost) {
        kept.folder = before.folder;
        kept.mount_point = before.mount_point;
    }
    return kept;
}

bool has_unseen_volumes(const AppCase& app) {
    return app.app.deployed_spec == app.hashes.app && app.app.kept_volumes.spec != app.hashes.app &&
           std::ranges::any_of(app.spec.volumes, keeps_data);
}

bool had_data(const AppCase& app, const VolumeSpec& volume) {
    return keeps_data(volume) && (app.app.deployed_spec == app.hashes.app ||
                                  app.app.kept_volumes.names.contains(volume.name));
}

bool hold_for_storage(const AppCase& app, AppPlan& plan) {
    const VolumeSpec* lost = app.observed.resources ? find_lost(app) : nullptr;
    const auto now = lost == nullptr ? std::nullopt : other_mount_point(app);
    if (!now) {
        return false;
    }
    plan.conditions.push_back(
        {"Blocked", kStorageNotMounted,
         fmt::format(
             "podman has volume {} no longer, and {}, which podman's storage was on, is not "
             "mounted: the app waits until it is mounted again and podman restarted, or "
             "`podreeve prune` lets what the volume held go",
             lost->name, clean_text(app.app.kept_volumes.mount_point)),
         lost->part});
    return true;
}

void report_lost_volumes(const AppCase& app, AppPlan& plan) {
    for (const VolumeSpec& volume : app.spec.volumes) {
        if (!had_data(app, volume)) {
            continue;
        }
        if (!app.observed.resources) {
            plan.asks_for_resources = true;
        } else if (!app.observed.resources->volumes.contains(volume.name)) {
            plan.conditions.push_back(
                {"VolumeLost", "Removed",
                 fmt::format("podman has volume {} no longer: what it held is lost, and the next "
                             "start makes an empty one",
                             volume.name),
                 volume.part});
        }
    }
}

}  // namespace podreeve::plan
