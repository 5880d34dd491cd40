#pragma once

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
};

std::string_view to_string(ServiceState state);

}  // namespace podreeve::supervise
