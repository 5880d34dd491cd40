#pragma once

#include <filesystem>
#include <optional>

#include "agent/health/exec_probes.h"
#include "agent/health/monitor.h"
#include "agent/state/state.h"
#include "agent/supervise/parts.h"
#include "runtime/podman/client.h"
#include "runtime/probe/client.h"

namespace podreeve::daemon {

// The monitor with those who ask for it. Belongs to the scheduler's thread, but for what Monitor
// says of itself.
class Health {
  public:
    // An empty program is the installed podreeve-probe.
    Health(podman::Client& podman,
           const std::filesystem::path& program,
           const Clock& clock,
           Scheduler& scheduler,
           health::Monitor::OnChange on_change);

    health::Monitor& monitor() { return monitor_; }

  private:
    health::Askers askers();

    health::ExecProbes exec_;
    probe::Client network_;
    health::Monitor monitor_;
};

// What is known of the readiness of a part, in the supervisor's words. Unknown counts as ready: it
// is said only of what was running before this agent, and nobody is taken down for that.
supervise::PartHealth part_health(const health::Verdicts& verdicts,
                                  const manifests::ContainerSpec& spec,
                                  const podman::ContainerSummary& container,
                                  WallTime now);

// What a change is told people as; nothing: not worth telling.
std::optional<state::Event> event_of(const health::Change& change, WallTime now);

}  // namespace podreeve::daemon
