#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "agent/health/exec_probes.h"
#include "agent/health/monitor.h"
#include "agent/state/state.h"
#include "agent/supervise/decide/parts.h"
#include "runtime/podman/client.h"
#include "runtime/probe/client.h"

namespace podreeve::daemon {

// The monitor with those who ask for it. Belongs to the scheduler's thread, but for what Monitor
// says of itself.
class HealthProbing {
  public:
    // An empty program is the installed podreeve-probe.
    HealthProbing(podman::Client& podman,
                  const std::filesystem::path& program,
                  const Clock& clock,
                  Scheduler& scheduler,
                  health::Monitor::OnChange on_change);

    health::Monitor& monitor() { return monitor_; }

    // No command of a probe runs.
    bool idle() const { return exec_.idle(); }

    // Asks once, on the calling thread, which must not be the scheduler's; Unknown when there is no
    // answer a while after the probe's timeout, or when told to stop.
    probe::ProbeResult ask_once(const manifests::Probe& probe,
                                std::int64_t pid,
                                std::stop_token stop);

  private:
    struct Once;

    health::Probers probers();
    void take(const std::vector<probe::ProbeResult>& results);

    Scheduler& scheduler_;
    std::map<std::uint32_t, std::shared_ptr<Once>> once_;  // the scheduler's thread alone
    health::ExecProbes exec_;
    probe::ProberClient network_;
    health::Monitor monitor_;
};

// What is known of the readiness of a part, in the supervisor's words. Unknown counts as ready: it
// is said only of what was running before this agent, and nobody is taken down for that.
supervise::PartHealth part_health(const health::HealthSnapshot& snapshot,
                                  const manifests::ContainerSpec& spec,
                                  const podman::ContainerSummary& container,
                                  WallTime now);

// What a change is told people as; nothing: not worth telling.
std::optional<state::Event> event_of(const health::Change& change, WallTime now);

}  // namespace podreeve::daemon
