#include <algorithm>
#include <set>

#include "agent/plan/decision.h"
#include "agent/plan/labels.h"
#include "agent/plan/steps.h"

// Which object stands for which part of the spec, and which stand for none.
namespace podreeve::plan {
namespace {

using podman::ContainerState;
using podman::ContainerSummary;
using podman::PodSummary;

struct ByPart {
    bool operator()(const auto* row, std::string_view part) const {
        return label(row->labels, kPart) < part;
    }

    bool operator()(std::string_view part, const auto* row) const {
        return part < label(row->labels, kPart);
    }
};

// Of several pods of one part, the one with the right name; else the first by id.
const PodSummary* pick_pod(const manifests::PodSpec& spec, auto begin, auto end) {
    const auto named =
        std::find_if(begin, end, [&](const auto* pod) { return pod->name == spec.name; });
    return named != end ? *named : begin != end ? *begin : nullptr;
}

// The right name before any other, the running before the dead.
int rank(const manifests::ContainerSpec& spec, const ContainerSummary& container) {
    return (container.name == spec.name ? 2 : 0) +
           (container.state == ContainerState::Running ? 1 : 0);
}

const ContainerSummary* pick_container(const manifests::ContainerSpec& spec,
                                       std::string_view pod_id,
                                       auto begin,
                                       auto end) {
    const ContainerSummary* best = nullptr;
    for (auto it = begin; it != end; ++it) {
        const ContainerSummary& candidate = **it;
        if (candidate.pod_id == pod_id && !is_retained(candidate.name) &&
            (best == nullptr || rank(spec, candidate) > rank(spec, *best))) {
            best = &candidate;
        }
    }
    return best;
}

void match_pods(const AppCase& app, Matches& matches) {
    std::set<const PodSummary*> taken;
    std::set<std::string_view> parts;
    for (const manifests::PodSpec& spec : app.spec.pods) {
        const auto [begin, end] = std::equal_range(app.held.pods.begin(), app.held.pods.end(),
                                                   std::string_view(spec.part), ByPart());
        matches.pods.push_back(pick_pod(spec, begin, end));
        taken.insert(matches.pods.back());
        parts.insert(spec.part);
    }
    for (const PodSummary* pod : app.held.pods) {
        if (!taken.contains(pod) && unknown_member(app, *pod).empty()) {
            const std::string_view part = label(pod->labels, kPart);
            matches.surplus_pods.push_back({pod, part == kStubPart      ? "stub"
                                                 : parts.contains(part) ? "duplicate"
                                                                        : "unwanted"});
        }
    }
}

// The id of the pod that a container has to be in; nullopt: that pod is not there.
std::optional<std::string_view> place_of(const AppCase& app,
                                         const Matches& matches,
                                         const manifests::ContainerSpec& spec) {
    if (spec.pod.empty()) {
        return std::string_view();
    }
    for (std::size_t i = 0; i < app.spec.pods.size(); ++i) {
        if (app.spec.pods[i].part == spec.pod) {
            return matches.pods[i] == nullptr
                       ? std::nullopt
                       : std::optional<std::string_view>(matches.pods[i]->id);
        }
    }
    return std::nullopt;
}

void match_containers(const AppCase& app, Matches& matches, std::set<std::string_view>& parts) {
    const auto& rows = app.held.containers;
    for (const manifests::ContainerSpec& spec : app.spec.containers) {
        const auto [begin, end] =
            std::equal_range(rows.begin(), rows.end(), std::string_view(spec.part), ByPart());
        const auto place = place_of(app, matches, spec);
        matches.containers.push_back(place ? pick_container(spec, *place, begin, end) : nullptr);
        parts.insert(spec.part);
    }
}

std::string why_surplus(const ContainerSummary& container,
                        const std::set<std::string_view>& parts) {
    if (is_retained(container.name)) {
        return "retained";
    }
    return parts.contains(label(container.labels, kPart)) ? "duplicate" : "unwanted";
}

// What podman cannot name the state of, or is already removing, is left to a later pass; what
// somebody paused goes when a manifest says so, and not to tidy up.
bool is_to_be_cleared(const AppCase& app, const ContainerSummary& container, bool wanted_part) {
    if (container.state == ContainerState::Paused) {
        return !wanted_part;
    }
    return is_stuck(app.app, container) || (container.state != ContainerState::Unknown &&
                                            container.state != ContainerState::Removing);
}

}  // namespace

Matches match_parts(const AppCase& app) {
    Matches matches;
    match_pods(app, matches);
    std::set<std::string_view> parts;
    match_containers(app, matches, parts);
    if (app.held.containers.size() == 0) {
        return matches;
    }
    const std::set<const ContainerSummary*> taken(matches.containers.begin(),
                                                  matches.containers.end());
    for (const ContainerSummary* container : app.held.containers) {
        const bool wanted_part = parts.contains(label(container->labels, kPart));
        if (!taken.contains(container) && is_to_be_cleared(app, *container, wanted_part)) {
            matches.surplus.push_back({container, why_surplus(*container, parts)});
        }
    }
    return matches;
}

}  // namespace podreeve::plan
