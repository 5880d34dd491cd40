#pragma once

#include <optional>
#include <string_view>

namespace podreeve::supervise {

// The life of one app, in Talos' words (service_runner.go), plus Unknown.
//
//   Initialized  known, nothing done yet
//   Waiting      held back: a dependency, a backoff, a person's stop that has not been lifted
//   Preparing    pulls images, writes volumes and secrets
//   Starting     makes and starts its parts, or repairs them
//   Running      every part that should run runs
//   Stopping     on its way down
//   Finished     ended well, or stopped on request
//   Failed       cannot be brought up; the message says why and when it is tried again
//   Skipped      autostart is off and nobody has started it
//   CrashLoop    a container keeps ending after short runs; the message says when it is tried next
//   Unknown      podman cannot be read: nothing is known, nothing is done
//
// The state is derived anew from desired, observed and the change under way in each pass
// (derive_state); it is never the cause of an act. Only the transitions are events.
enum class ServiceState {
    Initialized,
    Waiting,
    Preparing,
    Starting,
    Running,
    Stopping,
    Finished,
    Failed,
    Skipped,
    Unknown,
    CrashLoop,
};

// Running, Finished or Skipped: as its manifest and the people want it.
bool is_up(ServiceState state);

std::string_view to_string(ServiceState state);
std::optional<ServiceState> service_state_from(std::string_view word);

}  // namespace podreeve::supervise
