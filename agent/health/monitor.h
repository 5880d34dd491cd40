#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/health/container_health.h"
#include "agent/health/exec_probes.h"
#include "agent/health/health_status.h"
#include "agent/observe/observed.h"
#include "manifests/model.h"
#include "runtime/base/clock.h"
#include "runtime/base/mutex.h"
#include "runtime/probe/probe_spec.h"
#include "runtime/probe/wire.h"

namespace podreeve::health {

// One run of a container whose health is followed.
struct Watched {
    std::string app, part, name;
    std::string id;
    std::int64_t pid = 0;
    WallTime started{};  // the latest it can have been: podman tells whole seconds, rounded down
    std::shared_ptr<const manifests::Health> health;
    std::optional<Before> before = {};                    // as an earlier agent left it
    std::shared_ptr<const manifests::AppSpec> spec = {};  // its secrets are told nobody
};

// The running workloads of the apps in force that are ours.
std::vector<Watched> watched(const manifests::Desired& effective,
                             const observe::Observed& observed,
                             const std::string& owner);

// What podreeve-probe is told of a probe that is no command.
probe::ProbeSpec probe_spec_of(const manifests::Probe& probe, std::int64_t pid);

// Those who ask: each question gets a number, and an answer for every asking, later, given to
// Monitor::take on the scheduler's thread. probe::Client and ExecProbes in the agent.
struct Probers {
    std::function<std::uint32_t(const probe::ProbeSpec&)> add_network;
    std::function<void(std::uint32_t)> remove_network;
    std::function<void(const std::vector<std::uint32_t>&)> ask_network;
    // These go on without us, until the first answer that is no success, which is told.
    std::function<void(const std::vector<probe::wire::Keep>&)> keep_network;
    std::function<std::uint32_t(const ExecProbe&)> add_exec;
    std::function<void(std::uint32_t)> remove_exec;
    std::function<void(const std::vector<std::uint32_t>&)> ask_exec;
};

enum class ProbeChannel { Network, Exec };

// What is now told of a container otherwise than before.
struct Change {
    Watched of;
    HealthStatus before, after;
};

// One that stays unhealthy for another reason than was told is told again: once in a minute, the
// next time doubling to an hour, since some answer otherwise each time.
inline constexpr std::chrono::minutes kReasonPause{1};
inline constexpr std::chrono::hours kLongestReasonPause{1};

// Keeps the health of all containers: asks when it is time, many at once (times are rounded up to
// 100 ms, so that hundreds of probes are a few wake-ups a second), and tells what has changed. The
// probes over the network of those that are well are left to the prober, so that a host on which
// all is well wakes nobody here.
// follow() and health() may be called from any thread; all the rest belongs to the scheduler's.
class Monitor {
  public:
    using OnChange = std::function<void(const std::vector<Change>&)>;

    // clock and scheduler must outlive it.
    Monitor(Probers probers, const Clock& clock, Scheduler& scheduler, OnChange on_change);
    ~Monitor();
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;

    // From now on these, and no others. A run that is known already goes on as it was, unless its
    // probes are others now.
    void follow(std::vector<Watched> runs);
    void take(ProbeChannel channel, const std::vector<probe::ProbeResult>& results);

    std::shared_ptr<const HealthSnapshot> snapshot() const;

  private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace podreeve::health
