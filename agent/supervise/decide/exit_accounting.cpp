#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "agent/plan/steps.h"
#include "agent/supervise/decide/decider.h"

namespace podreeve::supervise {

void Decider::evaluate_part(const std::string& app,
                            const manifests::ContainerSpec& spec,
                            const podman::ContainerSummary& container,
                            AppMemory& memory,
                            plan::AppPolicy& policy) {
    if (carried_.stuck_watch.is_stuck(container, in_.steady, spec.stop_grace)) {
        recreate(container.name, container.id, spec.part, policy);
    }
    if (spec.role == manifests::ContainerRole::Init || !wants_start(spec.restart, container)) {
        return;
    }
    RestartRecord& record = memory.restarts[spec.part];
    note_exit(record, container, app + "/" + spec.part, in_.now);
    if (record.short_runs >= kCrashLoop) {
        found_.crash_loops.insert(app);
    }
    const std::string why = fmt::format("{} ended with {} after {} short runs in a row", spec.name,
                                        container.exit_code, record.short_runs);
    if (is_held(record, in_.now)) {
        policy.parts[spec.part] = {true,
                                   fmt::format("{}; next start at {}", why,
                                               to_rfc3339(carried_.clock.shown(record.until)))};
        keep_earliest(found_.next, record.until);
        found_.next_attempts.emplace(app, carried_.clock.shown(record.until));
    } else if (record.short_runs >= 2) {
        crash_starts_.push_back({record.until, app, spec.part, why});
    }
}

// By its labels; a name may be another app's.
bool Decider::is_of(const std::string& app,
                    const std::map<std::string, std::string>& labels) const {
    const auto own = observe::ownership(labels, in_.owner);
    return own && own->app == app;
}

// Unless the breaker holds it back.
void Decider::recreate(const std::string& name,
                       const std::string& id,
                       const std::string& part,
                       plan::AppPolicy& policy) {
    if (const auto open = carried_.stuck_watch.breaker(name, in_.steady, in_.now)) {
        policy.parts[part] = {true, *open};
        keep_earliest(
            found_.next,
            in_.now + carried_.stuck_watch.open_for(name, in_.steady).value_or(Duration{}));
    } else {
        policy.stuck.insert(id);
    }
}

// What no container of the manifest is, and what all of a pod's containers hang on.
void Decider::evaluate_infra(const manifests::AppSpec& spec, plan::AppPolicy& policy) {
    for (const manifests::PodSpec& pod : spec.pods) {
        const podman::PodSummary* seen = index_.pod(pod.name);
        if (seen == nullptr || !is_of(spec.name, seen->labels)) {
            continue;
        }
        const podman::ContainerSummary* infra = index_.container_by_id(seen->infra_id);
        const bool stuck = infra != nullptr && is_stuck_on_its_way_out(*infra);
        if (stuck || carried_.stuck_watch.cannot_start(pod.name, infra)) {
            recreate(pod.name, seen->id, pod.part, policy);
        }
    }
    for (const podman::ContainerSummary* service : index_.services_of(spec.name)) {
        if (is_stuck_on_its_way_out(*service)) {
            recreate(service->name, service->id, plan::kServicePart, policy);
        }
    }
}

// One that was only made waits for its pod's start.
bool Decider::is_stuck_on_its_way_out(const podman::ContainerSummary& container) {
    return (container.state == podman::ContainerState::Stopping ||
            container.state == podman::ContainerState::Removing) &&
           carried_.stuck_watch.is_stuck(container, in_.steady);
}

void Decider::evaluate_parts(const manifests::AppSpec& spec,
                             AppMemory& memory,
                             plan::AppPolicy& policy) {
    for (const manifests::ContainerSpec& container : spec.containers) {
        const podman::ContainerSummary* observed = index_.container(container.name);
        if (observed != nullptr && is_of(spec.name, observed->labels)) {
            evaluate_part(spec.name, container, *observed, memory, policy);
        }
    }
    evaluate_infra(spec, policy);
}

// What ended because it was stopped has not failed, and its next start is no restart.
void Decider::forgive_exits(const manifests::AppSpec& spec, AppMemory& memory) const {
    for (const manifests::ContainerSpec& container : spec.containers) {
        const podman::ContainerSummary* observed = index_.container(container.name);
        if (observed == nullptr || container.role == manifests::ContainerRole::Init ||
            !wants_start(container.restart, *observed)) {
            continue;
        }
        RestartRecord& record = memory.restarts[container.part];
        record.last_exit = exit_key(*observed);
        record.until = {};
    }
}

// In the order in which they fell due, so that none is overtaken for ever.
void Decider::govern() {
    std::sort(crash_starts_.begin(), crash_starts_.end(),
              [](const CrashStart& a, const CrashStart& b) {
                  return std::tie(a.due, a.app, a.part) < std::tie(b.due, b.app, b.part);
              });
    for (const CrashStart& start : crash_starts_) {
        plan::AppPolicy& app = policies()[start.app];
        if (!app.trouble.empty() || app.busy || app.stopped || app.hold_start ||
            carried_.governor.take(in_.steady)) {
            continue;
        }
        const WallTime until = in_.now + carried_.governor.until_next(in_.steady);
        app.parts[start.part] = {
            true, fmt::format("{}; many containers keep ending: next start at {}", start.why,
                              to_rfc3339(carried_.clock.shown(until)))};
        keep_earliest(found_.next, until);
        found_.next_attempts.emplace(start.app, carried_.clock.shown(until));
    }
}

}  // namespace podreeve::supervise
