#pragma once

#include <filesystem>
#include <stop_token>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/podman/client.h"

// What `podreeve run` keeps of its app, run/KEY in the state directory, holds manifests with their
// secrets: it goes with the app, and where the run was killed, once podman has nothing of it left.
namespace podreeve::daemon {

// Held while a place is made and while one is cleared. wait: for whoever has it.
Result<UniqueFd> lock_runs(const std::filesystem::path& runs, bool wait);

// Clears the places of runs. One stays as it is while an agent is at it, while podman has
// containers, pods or secrets of it or units, the folder of companions, has a file of it, and while
// either cannot tell. Where only volumes are left, so
// does the owner's id alone, by which the next run knows them as its own. To be called under
// lock_runs; blocks on podman, for seconds at most.
void clear_runs(const std::vector<std::filesystem::path>& places,
                podman::Client& podman,
                const std::filesystem::path& units,
                std::stop_token stop);

// The same for all there are. Not while another makes or clears one.
void clear_ended_runs(const std::filesystem::path& runs,
                      podman::Client& podman,
                      const std::filesystem::path& units,
                      std::stop_token stop);

}  // namespace podreeve::daemon
