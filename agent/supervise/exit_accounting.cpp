#include <algorithm>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/plan/steps.h"
#include "agent/supervise/core.h"
#include "runtime/base/json_text.h"

namespace podreeve::supervise {

void Supervisor::Core::evaluate_part(const std::string& app,
                                     const manifests::ContainerSpec& spec,
                                     const podman::ContainerSummary& container,
                                     AppMemory& memory,
                                     plan::AppPolicy& policy) {
    if (stuck_watch.is_stuck(container, clock.steady_now(), spec.stop_grace)) {
        recreate(container.name, container.id, spec.part, policy);
    }
    if (spec.role == manifests::ContainerRole::Init || !wants_start(spec.restart, container)) {
        return;
    }
    RestartRecord& record = memory.restarts[spec.part];
    note_exit(record, container, app + "/" + spec.part, now());
    if (record.short_runs >= kCrashLoop) {
        crash_loops.insert(app);
    }
    const std::string why = fmt::format("{} ended with {} after {} short runs in a row", spec.name,
                                        container.exit_code, record.short_runs);
    if (is_held(record, now())) {
        policy.parts[spec.part] = {
            true, fmt::format("{}; next start at {}", why, to_rfc3339(shown(record.until)))};
        keep_earliest(next, record.until);
        next_attempts.emplace(app, shown(record.until));
    } else if (record.short_runs >= 2) {
        crash_starts.push_back({record.until, app, spec.part, why});
    }
}

// By its labels; a name may be another app's.
bool Supervisor::Core::is_of(const std::string& app,
                             const std::map<std::string, std::string>& labels) const {
    const auto own = observe::ownership(labels, state.owner());
    return own && own->app == app;
}

// Unless the breaker holds it back.
void Supervisor::Core::recreate(const std::string& name,
                                const std::string& id,
                                const std::string& part,
                                plan::AppPolicy& policy) {
    const SteadyTime steady = clock.steady_now();
    if (const auto open = stuck_watch.breaker(name, steady, now())) {
        policy.parts[part] = {true, *open};
        keep_earliest(next, now() + stuck_watch.open_for(name, steady).value_or(Duration{}));
    } else {
        policy.stuck.insert(id);
    }
}

// What no container of the manifest is, and what all of a pod's containers hang on.
void Supervisor::Core::evaluate_infra(const manifests::AppSpec& spec,
                                      const ObservedIndex& index,
                                      plan::AppPolicy& policy) {
    for (const manifests::PodSpec& pod : spec.pods) {
        const podman::PodSummary* found = index.pod(pod.name);
        if (found == nullptr || !is_of(spec.name, found->labels)) {
            continue;
        }
        const podman::ContainerSummary* infra = index.container_by_id(found->infra_id);
        const bool stuck = infra != nullptr && is_stuck_on_its_way_out(*infra);
        if (stuck || stuck_watch.cannot_start(pod.name, infra)) {
            recreate(pod.name, found->id, pod.part, policy);
        }
    }
    for (const podman::ContainerSummary* service : index.services_of(spec.name)) {
        if (is_stuck_on_its_way_out(*service)) {
            recreate(service->name, service->id, plan::kServicePart, policy);
        }
    }
}

// One that was only made waits for its pod's start.
bool Supervisor::Core::is_stuck_on_its_way_out(const podman::ContainerSummary& container) {
    return (container.state == podman::ContainerState::Stopping ||
            container.state == podman::ContainerState::Removing) &&
           stuck_watch.is_stuck(container, clock.steady_now());
}

void Supervisor::Core::evaluate_parts(const manifests::AppSpec& spec,
                                      const ObservedIndex& index,
                                      AppMemory& memory,
                                      plan::AppPolicy& policy) {
    for (const manifests::ContainerSpec& container : spec.containers) {
        const podman::ContainerSummary* observed = index.container(container.name);
        if (observed != nullptr && is_of(spec.name, observed->labels)) {
            evaluate_part(spec.name, container, *observed, memory, policy);
        }
    }
    evaluate_infra(spec, index, policy);
}

// What ended because it was stopped has not failed, and its next start is no restart.
void Supervisor::Core::forgive_exits(const manifests::AppSpec& spec,
                                     const ObservedIndex& index,
                                     AppMemory& memory) const {
    for (const manifests::ContainerSpec& container : spec.containers) {
        const podman::ContainerSummary* observed = index.container(container.name);
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
void Supervisor::Core::govern(plan::Policy& policy) {
    std::sort(crash_starts.begin(), crash_starts.end(),
              [](const CrashStart& a, const CrashStart& b) {
                  return std::tie(a.due, a.app, a.part) < std::tie(b.due, b.app, b.part);
              });
    for (const CrashStart& start : crash_starts) {
        plan::AppPolicy& app = policy.apps[start.app];
        if (!app.trouble.empty() || app.busy || app.stopped || app.hold_start ||
            governor.take(clock.steady_now())) {
            continue;
        }
        const WallTime until = now() + governor.until_next(clock.steady_now());
        app.parts[start.part] = {
            true, fmt::format("{}; many containers keep ending: next start at {}", start.why,
                              to_rfc3339(shown(until)))};
        keep_earliest(next, until);
        next_attempts.emplace(start.app, shown(until));
    }
}

// podman's list tells exits by the second. What was started since the last one was counted has
// ended anew when it is seen ended again, also within the same second.
void Supervisor::Core::forget_exits(const state::ChangeView& change) {
    const auto record = state.app(change.subject);
    if (!record) {
        return;
    }
    AppMemory memory = memory_from(record->extra);
    const AppMemory before = memory;
    for (const state::TaskView& task : change.tasks) {
        if (task.kind == "start-container" && task.status == state::TaskStatus::Done) {
            const auto known = memory.restarts.find(text_in(json_object_from(task.data), "part"));
            // A pass may have come before this and counted the new one already.
            if (known != memory.restarts.end() && had_ended(known->second, task.created)) {
                known->second.last_exit.clear();
            }
        }
    }
    if (memory.restarts == before.restarts) {
        return;
    }
    keep(change.subject, memory);
}

}  // namespace podreeve::supervise
