#include "agent/supervise/decide/start.h"

#include <utility>
#include <vector>

#include "agent/supervise/decide/app_view.h"
#include "agent/supervise/decide/pod_dependencies.h"

namespace podreeve::supervise {
namespace {

const manifests::PodSpec* pod_of(const manifests::AppSpec& spec, const std::string& part) {
    if (const manifests::PodSpec* pod = spec.find_pod(part)) {
        return pod;
    }
    const manifests::ContainerSpec* container = spec.find_container(part);
    return container == nullptr ? nullptr : spec.find_pod(container->pod);
}

ServiceState state_of(const PartCounts& counts, const std::vector<Failure>& failures) {
    Facts facts;
    take_counts(facts, counts);
    facts.failure = failures.empty() ? "" : failures.back().message;
    return derive_state(facts).state;
}

using Statuses = std::map<std::string, DependencyStatus>;

// How that one is by now.
void look_again_at(const std::string& app, const StartInputs& inputs, Statuses& statuses) {
    const PassMemory& memory = inputs.memory;
    const auto version = memory.effective.find(app);
    if (version == memory.effective.end()) {
        statuses.erase(app);
        return;
    }
    const manifests::AppSpec* spec = version->second.get();
    if (!spec->companions.empty()) {
        return;  // systemd was not looked at again
    }
    const PartCounts counts =
        count_parts(list_parts(app, spec, *inputs.index, {}, inputs.readiness), spec);
    DependencyStatus& status = statuses[app];
    status.state = memory.down.contains(app) ? ServiceState::Stopping
                                             : state_of(counts, memory.failures.of(app));
    status.healthy = counts.ready == counts.total;
    status.stopped = inputs.stopped.contains(app);
}

std::string waits_for_pods(const manifests::AppSpec& spec, const StartInputs& inputs) {
    const manifests::PodSpec* pod = pod_of(spec, inputs.part);
    return pod == nullptr
               ? std::string()
               : waits_within(spec, *pod,
                              list_parts(inputs.app, &spec, *inputs.index, {}, inputs.readiness));
}

// Whatever it depends on.
std::optional<StartDenial> why_none_may(const StartInputs& inputs) {
    if (inputs.shutting_down || inputs.stopped.contains(inputs.app)) {
        return StartDenial{inputs.shutting_down ? "the host goes down" : "stopped on request", true,
                           false};
    }
    if (const auto why = inputs.memory.down.find(inputs.app); why != inputs.memory.down.end()) {
        return StartDenial{why->second, true, false};
    }
    // A step that the last agent left behind may be taken up sooner. As long as for one's own pods,
    // since the first pass takes its time on a host that is just coming up.
    return inputs.has_evaluated
               ? std::nullopt
               : std::optional(StartDenial{"the agent has made no pass yet", false, true});
}

}  // namespace

std::set<std::string> asked_about(const manifests::AppSpec& spec, bool with_conditions) {
    std::vector<std::string> names;
    for (const manifests::Dependency& on : spec.depends_on) {
        names.push_back(on.app);
    }
    if (with_conditions) {
        collect_services(spec.conditions, names);
    }
    return {names.begin(), names.end()};
}

StartNeeds start_needs(const PassMemory& memory,
                       const std::string& app,
                       const std::string& part,
                       bool comes_up) {
    StartNeeds needs;
    const auto version = memory.effective.find(app);
    if (version == memory.effective.end()) {
        return needs;
    }
    const manifests::AppSpec& spec = *version->second;
    if (spec.find_companion(part) != nullptr) {
        return needs;  // evaluated by the pass
    }
    const manifests::PodSpec* pod = pod_of(spec, part);
    needs.observation =
        !asked_about(spec, comes_up).empty() || (pod != nullptr && !pod->depends_on.empty());
    if (comes_up) {
        std::map<LeafKey, const manifests::StartCondition*> leaves;
        collect_leaves(spec.conditions, leaves);
        for (const auto& [key, leaf] : leaves) {
            needs.leaves.emplace(key, *leaf);
        }
    }
    return needs;
}

std::optional<StartDenial> why_not_start(const StartInputs& inputs) {
    if (auto denial = why_none_may(inputs)) {
        return denial;
    }
    const auto version = inputs.memory.effective.find(inputs.app);
    if (version == inputs.memory.effective.end() ||
        version->second->find_companion(inputs.part) != nullptr) {
        return std::nullopt;
    }
    const manifests::AppSpec& spec = *version->second;
    Statuses statuses = inputs.found.dependency_statuses;
    if (inputs.index != nullptr) {
        for (const std::string& name : asked_about(spec, inputs.comes_up)) {
            look_again_at(name, inputs, statuses);
        }
        if (std::string within = waits_for_pods(spec, inputs); !within.empty()) {
            return StartDenial{std::move(within), false, true};
        }
    }
    std::string why = to_text(blockers_of(spec, statuses));
    if (why.empty() && inputs.comes_up && !spec.conditions.empty()) {
        why = assess(spec.conditions, inputs.facts, statuses, inputs.wall).pending;
    }
    return why.empty() ? std::nullopt : std::optional<StartDenial>(StartDenial{std::move(why)});
}

}  // namespace podreeve::supervise
