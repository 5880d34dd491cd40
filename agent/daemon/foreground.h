#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/daemon/config.h"
#include "agent/reconcile/pass.h"
#include "runtime/base/clock.h"
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

// Of a run that is being stopped: for how long podman has been out of reach, in which nothing of
// the app can be stopped. It gives up before systemd's TimeoutStopSec= kills it without a word.
class PodmanAway {
  public:
    enum class Step { GoOn, Report, GiveUp };

    // Since the stop was asked for: a pass that hangs is a part of the time.
    explicit PodmanAway(SteadyTime begin) : since_(begin) {}

    // After each pass. error: why podman could not be read; empty: it was.
    Step step(const std::string& error, SteadyTime now);

    static constexpr std::chrono::seconds kPatience{40};

  private:
    SteadyTime since_;
    bool is_reported_ = false;
};

}  // namespace podreeve::daemon
