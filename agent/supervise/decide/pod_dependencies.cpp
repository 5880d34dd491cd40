#include "agent/supervise/decide/pod_dependencies.h"

#include <fmt/format.h>

#include "agent/supervise/decide/decider.h"

namespace podreeve::supervise {
namespace {

bool is_ready(const PartStatus& part, manifests::DependencyKind is) {
    using manifests::DependencyKind;
    switch (is) {
        case DependencyKind::Started:
            return part.up;
        case DependencyKind::Healthy:
            return part.ready && part.state == "running";
        case DependencyKind::Finished:
            return part.state == "exited" && part.exit_code == 0;
        case DependencyKind::Failed:
            return part.state == "exited" && part.exit_code != 0;
    }
    return false;
}

// What the parts of one pod say.
PartCounts counts_of(const manifests::AppSpec& spec,
                     const std::string& pod,
                     const std::vector<PartStatus>& parts) {
    std::vector<PartStatus> members;
    for (const PartStatus& part : parts) {
        const manifests::ContainerSpec* container = spec.find_container(part.name);
        if (container != nullptr && container->pod == pod) {
            members.push_back(part);
        }
    }
    return count_parts(members, &spec);
}

}  // namespace

std::string waits_within(const manifests::AppSpec& spec,
                         const manifests::PodSpec& pod,
                         const std::vector<PartStatus>& parts) {
    for (const manifests::Dependency& on : pod.depends_on) {
        for (const PartStatus& part : parts) {
            const manifests::ContainerSpec* container = spec.find_container(part.name);
            if (container == nullptr || container->pod != on.app || part.kind != "container" ||
                is_ready(part, on.is)) {
                continue;
            }
            return fmt::format("waits for pod {} to be {} ({} is {}{}{})", on.app, to_string(on.is),
                               part.object, part.state, part.health_message.empty() ? "" : ": ",
                               part.health_message);
        }
    }
    return {};
}

DownTable pod_table(const manifests::AppSpec& spec,
                    const std::vector<PartStatus>& parts,
                    const ObservedIndex& index,
                    const RunStarts& run_starts) {
    DownTable table;
    for (const manifests::PodSpec& pod : spec.pods) {
        const PartCounts counts = counts_of(spec, pod.part, parts);
        const StartTimes starts = start_times(spec, index, run_starts, pod.part);
        DownFacts& facts = table[pod.part];
        facts.runs = counts.any_running;
        facts.met_started = is_met(counts);
        facts.met_healthy = facts.met_started && !counts.unhealthy;
        facts.first_start = starts.first;
        facts.last_start = starts.last;
        facts.depends_on = pod.depends_on;
    }
    return table;
}

void Decider::evaluate_pods(const manifests::AppSpec& spec,
                            const AppMemory& memory,
                            plan::AppPolicy& policy) const {
    const bool any = std::any_of(spec.pods.begin(), spec.pods.end(),
                                 [](const auto& pod) { return !pod.depends_on.empty(); });
    if (!any) {
        return;
    }
    const std::vector<PartStatus> parts =
        list_parts(spec.name, &spec, index_, memory, in_.readiness);
    const DownTable table = pod_table(spec, parts, index_, carried_.run_starts);
    const std::map<std::string, std::string> lost = going_down(table);
    std::set<std::string> names;
    for (const auto& [pod, why] : lost) {
        names.insert(pod);
    }
    const auto waits = stops_that_wait(table, names);
    for (const PartStatus& part : parts) {
        const manifests::ContainerSpec* container = spec.find_container(part.name);
        const auto why = lost.find(container == nullptr ? "" : container->pod);
        if (part.state == "running" && why != lost.end() && !waits.contains(container->pod)) {
            policy.unhealthy.emplace(part.id, plan::AppPolicy::Unhealthy{why->second, {}});
        }
    }
    for (const manifests::PodSpec& pod : spec.pods) {
        const std::string why = index_.pod(pod.name) == nullptr || table.at(pod.part).runs
                                    ? std::string()
                                    : waits_within(spec, pod, parts);
        if (why.empty()) {
            continue;
        }
        policy.parts[pod.part] = {true, why};
        for (const manifests::ContainerSpec& container : spec.containers) {
            if (container.pod == pod.part) {
                policy.parts[container.part] = {true, why};
            }
        }
    }
}

}  // namespace podreeve::supervise
