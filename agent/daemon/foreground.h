#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/daemon/config.h"
#include "agent/reconcile/pass.h"
#include "runtime/base/result.h"

// `podreeved --run FILE`: the app of one file for as long as the process lives, as a unit of
// systemd wants it (podreeve-kube@.service). It is an agent of its own with an owner id of its own,
// so the user's agent and it leave each other's objects alone.
namespace podreeve::daemon {

// How the exit codes of containers become that of the process (podman's
// --service-exit-code-propagation).
enum class Propagation { None, Any, All };

std::optional<Propagation> propagation_from(const std::string& word);

// A run's place is called by so many digits of a hash of its file's path.
inline constexpr std::size_t kRunKeyDigits = 12;

// Gives the agent a state directory and a manifest directory of their own, the latter with nothing
// but a link to file in it. The link's path; taking it away takes the app down and away.
Result<std::filesystem::path> stage_manifest(const std::filesystem::path& file, Config& config);

// How far the app is, from the report of a pass.
struct ForegroundView {
    bool up = false;               // every part of it is ready
    bool gone = false;             // nothing of it is left, and nothing is under way
    std::optional<int> exit_code;  // it has ended: by itself, or it cannot be brought up
    std::string message;           // why, when it cannot
};

ForegroundView view_of(const reconcile::PassReport& report, Propagation propagation);

}  // namespace podreeve::daemon
