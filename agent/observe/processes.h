#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "agent/observe/observed.h"
#include "runtime/base/mutex.h"
#include "runtime/base/result.h"
#include "runtime/process/identity.h"

namespace podreeve::observe {

// podman learns of an end from conmon. When that was killed together with the process, podman says
// "running" for ever. Here it is looked at whether what podman says runs is there: a process is
// known by its identity, taken when it is first seen under a container's id and found to be that
// container's. Gone counts only together with the conmon, of which podman is asked then: one that
// lives tells the end itself. What cannot be seen from here (another pid namespace, hidepid, an
// unreadable file) is not gone. Any thread may ask.
class ProcessWatch {
  public:
    using Inspect = std::function<Result<podman::ContainerDetails>(const std::string& id)>;

    explicit ProcessWatch(std::filesystem::path proc = "/proc") : proc_(std::move(proc)) {}

    // The ids for Observed::lost. Of the owner's containers, infra and service containers alone.
    std::set<std::string> lost(const Observed& observed,
                               const std::string& owner,
                               const Inspect& inspect);

  private:
    struct Known {
        std::map<std::string, process::Identity> runs;  // by container id
        bool sees = false;     // one of podman's processes was found where podman says it is
        std::size_t turn = 0;  // whose identity is compared in whole
    };

    process::Presence look_at(const podman::ContainerSummary& container, Known& known, bool whole);
    bool is_lost(const podman::ContainerSummary& container, const Inspect& inspect) const;

    std::filesystem::path proc_;
    Guarded<Known> known_;
};

}  // namespace podreeve::observe
