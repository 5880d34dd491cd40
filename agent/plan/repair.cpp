#include <fmt/format.h>

#include "agent/plan/decision.h"

// When something that is there, but not as it should be, is set going again.
namespace podreeve::plan {
namespace {

using manifests::RestartPolicy;
using podman::ContainerState;

std::string exit_reason(const podman::ContainerSummary& container, WallTime now) {
    if (was_cut_off(container)) {
        return "did not survive a restart of the host or of podman";
    }
    if (!container.exited || now < *container.exited) {
        return fmt::format("exited with code {}", container.exit_code);
    }
    return fmt::format("exited with code {} {} ago", container.exit_code,
                       to_short_text(now - *container.exited));
}

bool is_to_run_again(const podman::ContainerSummary& container, RestartPolicy policy) {
    switch (policy) {
        case RestartPolicy::Always:
            return true;
        case RestartPolicy::OnFailure:
            return container.exit_code != 0 || was_cut_off(container);
        case RestartPolicy::Never:
            return false;
    }
    return false;
}

}  // namespace

bool was_cut_off(const podman::ContainerSummary& container) {
    return container.started && (!container.exited || *container.exited < *container.started);
}

Revival revival(const podman::ContainerSummary& container, RestartPolicy policy, WallTime now) {
    switch (container.state) {
        case ContainerState::Configured:
        case ContainerState::Created:
        case ContainerState::Initialized:
            return {true, false, "made, but never started"};
        case ContainerState::Stopped:
        case ContainerState::Exited: {
            const bool start = is_to_run_again(container, policy);
            return {start, !start, exit_reason(container, now)};
        }
        case ContainerState::Unknown:
        case ContainerState::Running:
        case ContainerState::Paused:
        case ContainerState::Removing:
        case ContainerState::Stopping:
            break;
    }
    return {};
}

bool is_between_states(ContainerState state) {
    return state == ContainerState::Stopping || state == ContainerState::Removing;
}

bool is_lost(const AppCase& app, const podman::ContainerSummary& container) {
    return container.state == ContainerState::Running && app.observed.lost.contains(container.id);
}

bool is_stuck(const AppPolicy& app, const podman::ContainerSummary& container) {
    switch (container.state) {
        case ContainerState::Running:
        case ContainerState::Stopped:
        case ContainerState::Exited:
        case ContainerState::Paused:
        case ContainerState::Unknown:
            return false;
        default:
            return app.stuck.contains(container.id) || app.stuck.contains(container.name);
    }
}

const PartPolicy* hold_of(const AppPolicy& app, const std::string& part) {
    const auto it = app.parts.find(part);
    return it == app.parts.end() || !it->second.hold_start ? nullptr : &it->second;
}

bool is_barred(const AppCase& app, const manifests::ContainerSpec& spec) {
    if (spec.pull != manifests::PullPolicy::Never || !app.observed.resources) {
        return false;
    }
    const auto it = app.observed.resources->images.find(spec.image);
    return it != app.observed.resources->images.end() && !it->second;
}

}  // namespace podreeve::plan
