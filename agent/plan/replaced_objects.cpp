#include "agent/plan/replaced_objects.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "agent/plan/labels.h"
#include "agent/plan/steps.h"

namespace podreeve::plan {
namespace {

using nlohmann::json;
using podman::ContainerState;
using podman::ContainerSummary;
using podman::PodSummary;

std::string reason_for(const std::string& why) {
    if (why == "retained") {
        return "was kept until its successor ran";
    }
    if (why == "stub") {
        return "left over from making the service container";
    }
    return why == "duplicate" ? "a second one of the same part" : "not in the manifest any more";
}

std::int64_t generation_of(const PodSummary& pod) {
    const std::string_view text = label(pod.labels, kGeneration);
    std::int64_t generation = 0;
    std::from_chars(text.data(), text.data() + text.size(), generation);
    return generation;
}

std::string part_of(const auto& object) {
    return std::string(label(object.labels, kPart));
}

json grace_of(const AppCase& app, const std::string& pod_part) {
    std::int64_t longest = 0;
    for (const manifests::ContainerSpec& container : app.spec.containers) {
        if (container.pod == pod_part) {
            longest = std::max<std::int64_t>(longest, container.stop_grace.count());
        }
    }
    return longest == 0 ? json::object() : json{{"grace", longest}};
}

}  // namespace

bool is_up(const ContainerSummary& container) {
    return container.state == ContainerState::Running || container.state == ContainerState::Paused;
}

bool is_up(const PodSummary& pod) {
    return std::any_of(pod.members.begin(), pod.members.end(), [](const auto& member) {
        return member.state == ContainerState::Running || member.state == ContainerState::Paused;
    });
}

std::size_t remove_volume(const podman::VolumeDetails& volume,
                          const std::string& reason,
                          StepGraph& graph,
                          const After& after) {
    // The role without its "volume-".
    const std::string_view role = label(volume.labels, kRole);
    const std::string origin(role.substr(std::min(role.size(), std::size_t{7})));
    return graph.add({StepKind::RemoveVolume, part_of(volume), volume.name, "", reason},
                     {{"origin", origin}}, after);
}

std::size_t remove_secret(const podman::SecretDetails& secret,
                          const std::string& reason,
                          StepGraph& graph,
                          const After& after) {
    return graph.add({StepKind::RemoveSecret, part_of(secret), secret.name, secret.id, reason},
                     json::object(), after);
}

After OldObjects::cleared(const std::string& part) const {
    const auto it = cleared_.find(part);
    return it == cleared_.end() ? After{} : it->second;
}

After OldObjects::freed(const std::string& name) const {
    const auto it = freed_.find(name);
    return it == freed_.end() ? After{} : it->second;
}

After OldObjects::before(const manifests::ContainerSpec* spec) const {
    if (deploy_) {
        return ready_.gate();
    }
    return spec == nullptr ? After{} : ready_.before(*spec);
}

void OldObjects::collect_names() {
    const auto take = [this](const ContainerDecision& container) {
        if (container.makes()) {
            needed_.insert(container.spec->name);
        }
    };
    for (const PodDecision& pod : decision_.pods) {
        if (pod.makes()) {
            needed_.insert(pod.spec->name);
        }
        std::for_each(pod.members.begin(), pod.members.end(), take);
    }
    std::for_each(decision_.alone.begin(), decision_.alone.end(), take);
}

bool OldObjects::is_in_the_way(const PodSummary& pod) const {
    return needed_.contains(pod.name) ||
           std::any_of(pod.members.begin(), pod.members.end(),
                       [this](const auto& member) { return needed_.contains(member.name); });
}

std::size_t OldObjects::stop_pod(const PodDecision& pod, const std::string& reason) {
    const After after = deploy_ ? ready_.gate() : pod.makes() ? ready_.before(*pod.spec) : After{};
    return graph_.add({StepKind::StopPod, pod.spec->part, pod.found->name, pod.found->id, reason,
                       "start the pod"},
                      grace_of(app_, pod.spec->part), after);
}

std::size_t OldObjects::remove(const PodSummary& pod,
                               const std::string& part,
                               const std::string& why,
                               const std::string& reason,
                               const After& after) {
    const std::size_t step =
        graph_.add({StepKind::RemovePod, part, pod.name, pod.id, reason, "make the old pod again"},
                   {{"why", why},
                    {"force", true},
                    {"old_spec", label(pod.labels, kSpec)},
                    {"old_generation", generation_of(pod)},
                    {"service", service_of(app_, decision_.service)},
                    {"held", decision_.service.held}},
                   after);
    freed_[pod.name].push_back(step);
    for (const PodSummary::Member& member : pod.members) {
        freed_[member.name].push_back(step);
    }
    removed_pods_.push_back(step);
    return step;
}

void OldObjects::take_down(const PodDecision& pod) {
    if (!pod.unmakes()) {
        return;
    }
    After after = deploy_ ? ready_.gate() : ready_.before(*pod.spec);
    // A stuck one would only let the stop run into its deadline.
    if (is_up(*pod.found) && pod.why != "stuck") {
        after = {stop_pod(pod, pod.reason)};
    }
    cleared_[pod.spec->part] = {remove(*pod.found, pod.spec->part, pod.why, pod.reason, after)};
}

void OldObjects::take_down(const SurplusPod& row) {
    After after = before(nullptr);
    const std::string part = part_of(*row.pod);
    if (is_up(*row.pod)) {
        after = {graph_.add({StepKind::StopPod, part, row.pod->name, row.pod->id,
                             reason_for(row.why), "start the pod"},
                            json::object(), after)};
    }
    if (is_in_the_way(*row.pod)) {
        remove(*row.pod, part, row.why, reason_for(row.why), after);
    } else {
        pending_pods_.push_back({&row, after});
    }
}

std::size_t OldObjects::remove(const ContainerSummary& container,
                               const std::string& name,
                               const std::string& part,
                               const std::string& why,
                               const std::string& reason,
                               const After& after) {
    return graph_.add({StepKind::RemoveContainer, part, name, container.id, reason},
                      {{"force", true}, {"why", why}}, after);
}

// Stops it and takes its name away, but keeps it.
void OldObjects::retire(const ContainerSummary& container,
                        const manifests::ContainerSpec* spec,
                        Pending pending) {
    After after = before(spec);
    if (is_up(container)) {
        json details = {{"role", label(container.labels, kRole)}};
        if (spec != nullptr) {
            details["grace"] = spec->stop_grace.count();
        }
        after = {graph_.add({StepKind::StopContainer, pending.part, container.name, container.id,
                             pending.reason, "start it"},
                            std::move(details), after)};
    }
    if (needed_.contains(container.name)) {
        pending.name = retained_name(container.name, container.id);
        after = {graph_.add({StepKind::RetainContainer, pending.part, container.name, container.id,
                             "kept until its successor runs", "give it its name back"},
                            {{"retained", pending.name}}, after)};
        freed_[container.name].push_back(after.front());
    }
    pending.after = after;
    pending_.push_back(std::move(pending));
}

void OldObjects::take_down(const ContainerDecision& container) {
    if (container.found == nullptr) {
        return;
    }
    const ContainerSummary& found = *container.found;
    const std::string& part = container.spec->part;
    if (container.decision == Decision::Replace) {
        retire(found, container.spec, {&found, found.name, "replaced", container.reason, part, {}});
        cleared_[part] = pending_.back().after;
    } else if (container.decision == Decision::Recreate) {
        const std::size_t step =
            remove(found, found.name, part, "stuck", container.reason, before(container.spec));
        cleared_[part] = {step};
        freed_[found.name].push_back(step);
    }
}

void OldObjects::take_down(const SurplusContainer& row) {
    const std::string part = part_of(*row.container);
    retire(*row.container, nullptr,
           {row.container, row.container->name, row.why, reason_for(row.why), part, {}});
    // One of two with the same part gives way before the other is made or started.
    After& cleared = cleared_[part];
    cleared = cleared + pending_.back().after;
}

void OldObjects::take_down() {
    collect_names();
    for (const PodDecision& pod : decision_.pods) {
        take_down(pod);
    }
    for (const SurplusPod& row : decision_.surplus_pods) {
        take_down(row);
    }
    for (const PodDecision& pod : decision_.pods) {
        for (const ContainerDecision& member : pod.members) {
            take_down(member);
        }
    }
    for (const ContainerDecision& container : decision_.alone) {
        take_down(container);
    }
    for (const SurplusContainer& row : decision_.surplus) {
        take_down(row);
    }
}

void OldObjects::clear_away(const After& after) {
    for (const Pending& old : pending_) {
        const auto started = started_.find(old.part);
        const After own = started == started_.end() ? After{} : started->second;
        remove(*old.container, old.name, old.part, old.why, old.reason, old.after + own + after);
    }
    for (const PendingPod& old : pending_pods_) {
        remove(*old.row->pod, part_of(*old.row->pod), old.row->why, reason_for(old.row->why),
               old.after + after);
    }
}

}  // namespace podreeve::plan
