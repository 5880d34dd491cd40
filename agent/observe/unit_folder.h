#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/observe/companions.h"
#include "quadlet/podman_release.h"
#include "quadlet/stamp.h"
#include "runtime/base/patience.h"
#include "runtime/base/result.h"

namespace podreeve::observe {

// The unit files that podreeve has installed: a folder of its own in Quadlet's directory, and in it
// one an app, so that a file that Quadlet cannot read takes no other app's units with it. A file is
// read again only when its stat has changed. One thread at a time; blocks on the disk, for as long
// as patience lasts.
class UnitFolder {
  public:
    explicit UnitFolder(
        std::filesystem::path folder,
        quadlet::StampOwner owner = {},
        std::shared_ptr<Patience> patience = std::make_shared<Patience>(std::chrono::seconds(2)));
    ~UnitFolder();

    // The same without links, as the last look that got an answer saw it.
    const std::filesystem::path& real_path() const { return real_; }

    // By app. A folder that is not there holds nothing; one that cannot be read, or whose file
    // system does not answer, is an error, since it would pass for absent.
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

    using Files = std::map<std::string, Known>;  // by path
    struct Look;

    std::filesystem::path folder_, real_;
    quadlet::StampOwner owner_;
    std::shared_ptr<Patience> patience_;
    std::shared_ptr<const Files> known_ = std::make_shared<const Files>();
    std::map<std::string, std::string> unreadable_;  // by app
    bool looked_ = false, changed_ = false;
};

// What of a text tells its installed state, apart from its time.
InstalledText read_installed(const std::string& text, const quadlet::StampOwner& owner = {});

}  // namespace podreeve::observe
