#include "agent/supervise/decide/parts.h"

#include <algorithm>

#include "agent/plan/steps.h"

namespace podreeve::supervise {
namespace {

using manifests::ContainerRole;
using manifests::RestartPolicy;
using podman::ContainerState;

bool ended_well(RestartPolicy policy, const podman::ContainerSummary& container) {
    return policy != RestartPolicy::Always && container.exit_code == 0 &&
           container.state == ContainerState::Exited;
}

void fill(PartStatus& part, const podman::ContainerSummary& container) {
    part.id = container.id;
    part.state = to_string(container.state);
    part.exit_code = container.exit_code;
}

// Of which this agent knows nothing yet: as the one before it left it.
PartHealth health_of(PartHealth known,
                     const manifests::ContainerSpec& spec,
                     const AppMemory& memory,
                     const podman::ContainerSummary& container) {
    const RunHealth* before = remembered(memory, spec, container);
    if (!known.word.empty() || before == nullptr) {
        return known;
    }
    return {before->word == "healthy", before->word, before->message};
}

PartStatus of_container(const std::string& app,
                        const manifests::ContainerSpec& spec,
                        const ObservedIndex& index,
                        const AppMemory& memory,
                        const PartReadiness& readiness) {
    PartStatus part;
    part.name = spec.part;
    part.kind = spec.role == ContainerRole::Init ? "init" : "container";
    part.object = spec.name;
    part.image = spec.image;
    part.state = "absent";
    if (const auto it = memory.restarts.find(spec.part); it != memory.restarts.end()) {
        part.restarts = it->second.restarts;
    }
    if (const podman::ContainerSummary* container = index.container(spec.name)) {
        fill(part, *container);
        part.up =
            container->state == ContainerState::Running || ended_well(spec.restart, *container);
        part.ready = part.up;
        if (readiness && container->state == ContainerState::Running) {
            PartHealth health =
                health_of(readiness(app, spec, *container), spec, memory, *container);
            part.ready = health.ready;
            part.health = std::move(health.word);
            part.health_message = std::move(health.message);
        }
    }
    return part;
}

PartStatus of_pod(const manifests::PodSpec& spec, const ObservedIndex& index) {
    PartStatus part;
    part.name = spec.part;
    part.kind = "pod";
    part.object = spec.name;
    part.state = "absent";
    if (const podman::PodSummary* pod = index.pod(spec.name)) {
        part.id = pod->id;
        part.state = to_string(pod->status);
        part.up = part.ready = pod->status == podman::PodStatus::Running;
    }
    return part;
}

PartStatus of_service(const std::string& app, const ObservedIndex& index) {
    PartStatus part;
    part.name = "service";
    part.kind = "service";
    part.state = "absent";
    const auto& found = index.services_of(app);
    if (found.empty()) {
        part.object = plan::service_name(app, index.owner());
    } else {
        part.object = found.front()->name;
        fill(part, *found.front());
        part.up = part.ready = found.front()->state == ContainerState::Running;
    }
    return part;
}

// The unit behind a companion, in systemd's words.
PartStatus of_unit(const std::string& app,
                   const std::string& part,
                   const std::string& service,
                   const ObservedIndex& index,
                   bool one_shot) {
    const observe::Companions* seen = index.companions();
    PartStatus out;
    out.name = part;
    out.kind = "companion";
    out.object = service;
    out.state = seen == nullptr || !seen->units ? "unknown" : "absent";
    const systemd::UnitState* unit = seen == nullptr ? nullptr : seen->unit(service);
    if (unit == nullptr || (unit->load_state == "not-found" && !unit->is_active())) {
        return out;
    }
    // Somebody else's of the same name says nothing of ours.
    if (unit->load_state == "loaded" && !seen->is_made_from(app, part, *unit)) {
        return out;
    }
    out.state = unit->is_masked() && unit->is_down() ? "masked" : unit->active_state;
    out.up = out.ready = unit->is_active() || (one_shot && unit->has_ended_well());
    out.exit_code = unit->exit_status;
    out.restarts = unit->restarts;
    out.health_message = unit->active_state == "failed" ? "failed: " + unit->result : "";
    if (const podman::ContainerSummary* paused = index.paused_of(service)) {
        out.state = "paused";
        out.ready = false;
        out.health_message =
            fmt::format("{0} is paused; 'podman unpause {0}' lets it go on", paused->name);
    }
    return out;
}

// Of a template without instances nothing runs by itself: it is there for other units.
constexpr const char* kTemplate = "template";

PartStatus of_template(const std::string& app,
                       const std::string& part,
                       const observe::Companions& seen) {
    const observe::InstalledUnit* unit = seen.find(app, part);
    PartStatus out;
    out.name = out.object = part;
    out.kind = "companion";
    out.up = out.ready = unit != nullptr && unit->file.ours;
    out.state = out.up ? kTemplate : "absent";
    return out;
}

std::vector<PartStatus> of_companion(const std::string& app,
                                     const manifests::CompanionSpec& spec,
                                     const ObservedIndex& index) {
    std::vector<PartStatus> out;
    const observe::Companions* seen = index.companions();
    const observe::WantedUnits* wanted = seen == nullptr ? nullptr : seen->find_wanted(spec.part);
    if (wanted == nullptr) {
        PartStatus unknown = of_unit(app, spec.part, "", index, false);
        unknown.state = "unknown";
        return {unknown};
    }
    if (wanted->services.empty()) {
        return {of_template(app, spec.part, *seen)};
    }
    for (const std::string& service : wanted->services) {
        out.push_back(of_unit(app, spec.part, service, index, wanted->ends));
    }
    return out;
}

PartStatus of_leftover(const podman::ContainerSummary& container) {
    PartStatus part;
    part.name = container.name;
    part.kind = container.is_infra ? "pod" : "container";
    part.object = container.name;
    part.image = container.image;
    fill(part, container);
    return part;
}

}  // namespace

const RunHealth* remembered(const AppMemory& memory,
                            const manifests::ContainerSpec& spec,
                            const podman::ContainerSummary& container) {
    const auto found = memory.health.find(spec.part);
    const bool same_run = found != memory.health.end() && !spec.health.empty() &&
                          found->second.id == container.id && found->second.pid == container.pid;
    return same_run ? &found->second : nullptr;
}

void ObservedIndex::note_paused(const podman::ContainerSummary& container) {
    const auto unit = container.labels.find(observe::kLabelSystemdUnit);
    if (unit != container.labels.end() && container.state == ContainerState::Paused) {
        paused_.emplace(unit->second, &container);
    }
}

const podman::ContainerSummary* ObservedIndex::paused_of(const std::string& service) const {
    const auto found = paused_.find(service);
    return found == paused_.end() ? nullptr : found->second;
}

// A foreign container that has the name of ours is in its way, and says nothing of how ours is.
ObservedIndex::ObservedIndex(const observe::Observed& observed, const std::string& owner)
    : observed_(&observed), owner_(owner) {
    for (const podman::ContainerSummary& container : observed.containers) {
        note_paused(container);
        const auto mine = observe::ownership(container.labels, owner);
        if (mine) {
            by_app_[mine->app].push_back(&container);
            apps_[mine->app] = true;
        }
        if (mine || observed.services.contains(container.id)) {
            containers_.emplace(container.name, &container);
        }
    }
    for (const podman::PodSummary& pod : observed.pods) {
        if (const auto mine = observe::ownership(pod.labels, owner)) {
            pods_.emplace(pod.name, &pod);
            apps_[mine->app] = true;
        }
    }
    for (const auto& [id, app] : observed.services) {
        if (const podman::ContainerSummary* service = observed.container_by_id(id)) {
            services_[app].push_back(service);
        }
    }
    companions_ = observed.companions ? &*observed.companions : nullptr;
    if (companions_ != nullptr) {
        for (const auto& [app, why] : companions_->unreadable) {
            apps_[app] = true;
        }
        for (const auto& [app, units] : companions_->installed) {
            const bool ours = std::any_of(units.begin(), units.end(),
                                          [](const auto& row) { return row.second.file.ours; });
            if (ours) {
                apps_[app] = true;
            }
        }
    }
}

const podman::ContainerSummary* ObservedIndex::container(const std::string& name) const {
    const auto it = containers_.find(name);
    return it == containers_.end() ? nullptr : it->second;
}

const podman::ContainerSummary* ObservedIndex::container_by_id(const std::string& id) const {
    return observed_->container_by_id(id);
}

const std::vector<const podman::ContainerSummary*>& ObservedIndex::services_of(
    const std::string& app) const {
    static const std::vector<const podman::ContainerSummary*> kNone;
    const auto it = services_.find(app);
    return it == services_.end() ? kNone : it->second;
}

const podman::PodSummary* ObservedIndex::pod(const std::string& name) const {
    const auto it = pods_.find(name);
    return it == pods_.end() ? nullptr : it->second;
}

const std::vector<const podman::ContainerSummary*>& ObservedIndex::containers_of(
    const std::string& app) const {
    static const std::vector<const podman::ContainerSummary*> kNone;
    const auto it = by_app_.find(app);
    return it == by_app_.end() ? kNone : it->second;
}

std::vector<std::string> ObservedIndex::apps() const {
    std::vector<std::string> names;
    for (const auto& [name, present] : apps_) {
        names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<PartStatus> list_parts(const std::string& app,
                                   const manifests::AppSpec* spec,
                                   const ObservedIndex& index,
                                   const AppMemory& memory,
                                   const PartReadiness& readiness) {
    std::vector<PartStatus> parts;
    if (spec == nullptr) {
        for (const podman::ContainerSummary* container : index.containers_of(app)) {
            parts.push_back(of_leftover(*container));
        }
        const observe::Companions* seen = index.companions();
        if (seen != nullptr && seen->installed.contains(app)) {
            for (const auto& [file, unit] : seen->installed.at(app)) {
                if (unit.file.ours) {
                    parts.push_back(of_unit(app, file, unit.service, index, false));
                }
            }
        }
        return parts;
    }
    if (!spec->pods.empty()) {
        parts.push_back(of_service(app, index));
    }
    for (const manifests::PodSpec& pod : spec->pods) {
        parts.push_back(of_pod(pod, index));
    }
    for (const manifests::ContainerSpec& container : spec->containers) {
        PartStatus part = of_container(app, container, index, memory, readiness);
        // An init container that ran once is gone afterwards; that says nothing.
        if (part.kind != "init" || !part.id.empty()) {
            parts.push_back(std::move(part));
        }
    }
    for (const manifests::CompanionSpec& companion : spec->companions) {
        for (PartStatus& part : of_companion(app, companion, index)) {
            parts.push_back(std::move(part));
        }
    }
    return parts;
}

StartTimes start_times(const manifests::AppSpec& spec,
                       const ObservedIndex& index,
                       const RunStarts& starts,
                       const std::optional<std::string>& pod) {
    StartTimes times;
    for (const manifests::ContainerSpec& container : spec.containers) {
        const podman::ContainerSummary* found = index.container(container.name);
        if (found == nullptr || container.role == ContainerRole::Init ||
            (pod && container.pod != *pod)) {
            continue;
        }
        const auto start = starts.find(found->id);
        if (start == starts.end() || !start->second.known) {
            continue;
        }
        const auto at = std::chrono::duration_cast<std::chrono::seconds>(
                            start->second.known->time_since_epoch())
                            .count();
        times.last = std::max<std::int64_t>(times.last, at);
        if (found->state == ContainerState::Running && (times.first == 0 || at < times.first)) {
            times.first = at;
        }
    }
    return times;
}

PartCounts count_parts(const std::vector<PartStatus>& parts, const manifests::AppSpec* spec) {
    PartCounts counts;
    for (const PartStatus& part : parts) {
        const bool unit = part.kind == "companion";
        const bool running = part.state == "running" ||
                             (unit && (part.state == "active" || part.state == "reloading" ||
                                       part.state == "activating" || part.state == "deactivating"));
        counts.any_running = counts.any_running || running || part.state == "paused";
        if (part.kind != "container" && !unit) {
            continue;
        }
        ++counts.total;
        counts.up += part.up ? 1 : 0;
        counts.unknown += part.state == "unknown" ? 1 : 0;
        counts.ready += part.ready ? 1 : 0;
        counts.finished_well += part.up && !running && part.state != kTemplate ? 1 : 0;
        counts.unhealthy = counts.unhealthy || part.health == "unhealthy";
        if (part.up && !part.ready) {
            counts.not_ready += counts.not_ready.empty() ? "" : "; ";
            counts.not_ready += part.object + " is not ready";
            counts.not_ready += part.health_message.empty() ? "" : ": " + part.health_message;
        }
        const manifests::ContainerSpec* container =
            spec == nullptr ? nullptr : spec->find_container(part.name);
        const bool never =
            container != nullptr && container->restart == manifests::RestartPolicy::Never;
        counts.failed_for_good += never && part.state == "exited" && part.exit_code != 0 ? 1 : 0;
    }
    return counts;
}

bool is_met(const PartCounts& counts) {
    return counts.total > 0 && counts.up + counts.unknown == counts.total;
}

}  // namespace podreeve::supervise
