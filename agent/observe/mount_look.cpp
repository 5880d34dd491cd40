#include "agent/observe/mount_look.h"

#include <memory>

#include "runtime/base/log.h"
#include "runtime/base/mount_table.h"

namespace podreeve::observe {

namespace fs = std::filesystem;

namespace {

// ".../volumes" of ".../volumes/data/_data"
std::string folder_of(const podman::VolumeDetails& volume) {
    return volume.mountpoint.empty()
               ? ""
               : fs::path(volume.mountpoint).parent_path().parent_path().string();
}

}  // namespace

MountLook::MountLook(fs::path proc, Duration patience)
    : proc_(std::move(proc)), patience_(patience) {}

std::optional<Mounts> MountLook::look(const HostResources& resources) {
    Result<std::string> table = read_mountinfo(proc_ / "self");
    const std::string trouble = table ? "" : table.error().message;
    if (!table && trouble != trouble_) {
        log::warn("cannot know whether podman's storage is mounted: {}", trouble);
    }
    trouble_ = trouble;
    if (!table) {
        return std::nullopt;
    }
    Mounts mounts{mount_points(*table)};
    std::map<std::string, std::string> real_paths;
    for (const auto& [name, volume] : resources.volumes) {
        const std::string folder = folder_of(volume);
        const auto [real, is_new] = real_paths.emplace(folder, "");
        if (is_new && !folder.empty()) {
            real->second = real_path(folder);
        }
        if (!real->second.empty()) {
            mounts.volume_folders[name] = real->second;
        }
    }
    return mounts;
}

// "" when it is not there or its file system does not answer.
std::string MountLook::real_path(const std::string& folder) {
    const auto real = std::make_shared<std::string>();
    const bool replied = patience_.run(folder, [real, folder] {
        std::error_code error;
        *real = fs::canonical(folder, error).string();
    });
    return replied ? *real : "";
}

}  // namespace podreeve::observe
