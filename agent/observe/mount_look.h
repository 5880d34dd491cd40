#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/observe/observed.h"
#include "runtime/base/patience.h"

namespace podreeve::observe {

// Looks at what is mounted, and where the folders of podman's volumes are. One call at a time.
class MountLook {
  public:
    // proc: where the tables of this process are ("/proc"). patience: how long a file system may
    // take to say where a link leads.
    MountLook(std::filesystem::path proc, Duration patience);

    // Nothing, with a word in the log, when the table cannot be read.
    std::optional<Mounts> look(const HostResources& resources);

  private:
    std::string real_path(const std::string& folder);

    std::filesystem::path proc_;
    Patience patience_;
    std::string trouble_;  // told last
};

}  // namespace podreeve::observe
