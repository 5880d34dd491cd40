#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "agent/observe/companions.h"
#include "quadlet/podman_release.h"
#include "runtime/base/result.h"

namespace podreeve::observe {

// The unit files that podreeve has installed: a folder of its own in Quadlet's directory, and in it
// one an app, so that a file that Quadlet cannot read takes no other app's units with it. A file is
// read again only when its stat has changed. One thread at a time; blocks on the disk.
class UnitFolder {
  public:
    explicit UnitFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

    const std::filesystem::path& path() const { return folder_; }

    // By app. A folder that is not there holds nothing; one that cannot be read is an error, since
    // it would pass for absent.
    Result<std::map<std::string, InstalledUnits>> look(const quadlet::PodmanRelease& podman);

    // Of the last look: the apps with a file that cannot be read, and why. They are not in its
    // answer.
    const std::map<std::string, std::string>& unreadable() const { return unreadable_; }

    // Whether the last look found another folder than the one before it, files and their times; at
    // the first look it is as it always was.
    bool has_changed() const { return changed_; }

  private:
    struct Known {
        std::string stamp;  // of the stat
        InstalledText text;
        std::string service;
        std::string resource;
        std::vector<std::string> instances;
    };

    Result<InstalledUnits> look_at_app(const std::filesystem::path& folder,
                                       const quadlet::PodmanRelease& podman);
    Result<Known> read(const std::filesystem::path& path, const quadlet::PodmanRelease& podman);

    std::filesystem::path folder_;
    std::map<std::string, Known> known_;             // by path
    std::map<std::string, Known> seen_;              // in this look
    std::map<std::string, std::string> unreadable_;  // by app
    bool looked_ = false, changed_ = false;
};

// What of a text tells its installed state, apart from its time.
InstalledText read_installed(const std::string& text);

}  // namespace podreeve::observe
