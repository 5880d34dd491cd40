#include <algorithm>

#include "agent/supervise/decide/decider.h"

namespace podreeve::supervise {
namespace {

// Counters of parts that no version has any more. Those of companions go by their services, of
// which only systemd's side of them tells (companions.cpp), so long as there are any.
void forget_parts(std::initializer_list<const manifests::AppSpec*> versions, AppMemory& memory) {
    const bool has_units =
        !memory.companions.empty() ||
        std::ranges::any_of(versions, [](const auto* each) { return !each->companions.empty(); });
    std::erase_if(memory.restarts, [&](const auto& row) {
        const bool is_unit = has_units && row.first.ends_with(".service");
        return !is_unit && std::ranges::none_of(versions, [&](const manifests::AppSpec* version) {
            return version->find_container(row.first) != nullptr;
        });
    });
}

// Whether a unit of it may run that nobody sees: its file is installed, or may be.
bool may_run_unseen(const manifests::AppSpec& spec,
                    const observe::Companions* seen,
                    const std::vector<PartStatus>& parts) {
    if (spec.companions.empty()) {
        return false;
    }
    if (seen == nullptr || !seen->folder_error.empty() || seen->unreadable.contains(spec.name)) {
        return true;
    }
    return seen->installed.contains(spec.name) &&
           std::ranges::any_of(parts,
                               [](const PartStatus& part) { return part.state == "unknown"; });
}

std::int64_t highest_generation(const std::vector<const podman::ContainerSummary*>& containers,
                                const std::string& owner) {
    std::int64_t highest = 0;
    for (const podman::ContainerSummary* container : containers) {
        if (const auto mine = observe::ownership(container->labels, owner)) {
            highest = std::max(highest, mine->generation);
        }
    }
    return highest;
}

}  // namespace

std::string Decider::hash_of(const std::string& app, const SpecPointer& spec) const {
    const auto wanted = in_.desired.apps.find(app);
    const auto hash = in_.hashes.find(app);
    const bool is_known =
        wanted != in_.desired.apps.end() && wanted->second == spec && hash != in_.hashes.end();
    return is_known ? hash->second : manifests::spec_hash(*spec);
}

// What runs was started by a person, whose request went with the store.
void Decider::take_autostart(const manifests::AppSpec& spec, StoredApp& app) const {
    const auto parts = list_parts(app.record.name, &spec, index_, {});
    const bool runs = count_parts(parts, &spec).any_running;
    app.record.stopped = !spec.autostart && !runs;
    app.memory.autostart_off = app.record.stopped;
    app.memory.unseen = app.record.stopped && may_run_unseen(spec, index_.companions(), parts);
}

// A Kubernetes file under another name is another app with the same pods: that a person stopped
// them holds on.
bool Decider::was_stopped_before(const manifests::AppSpec& spec) const {
    const auto was_stopped = [&](const auto* object) {
        const auto owned =
            object == nullptr ? std::nullopt : observe::ownership(object->labels, in_.owner);
        if (!owned || owned->app == spec.name || in_.desired.apps.contains(owned->app)) {
            return false;
        }
        const StoredApp* former = find_stored(owned->app);
        return former != nullptr && former->record.stopped && !former->memory.autostart_off;
    };
    return std::ranges::any_of(
               spec.pods, [&](const auto& pod) { return was_stopped(index_.pod(pod.name)); }) ||
           std::ranges::any_of(spec.containers, [&](const auto& container) {
               return was_stopped(index_.container(container.name));
           });
}

StoredApp Decider::number(const std::string& app, const SpecPointer& spec) const {
    StoredApp numbered;
    state::AppRecord& record = numbered.record;
    const StoredApp* known = find_stored(app);
    if (known != nullptr) {
        numbered = *known;
    } else {
        // No record but objects: the store was lost, and their labels know how far we had come.
        record.name = app;
        record.generation = highest_generation(index_.containers_of(app), in_.owner);
        record.generation = record.generation > 0 ? record.generation - 1 : 0;
    }
    if (known == nullptr || known->memory.unseen) {
        take_autostart(*spec, numbered);
    }
    if (known == nullptr && was_stopped_before(*spec)) {
        record.stopped = true;
        numbered.memory.autostart_off = numbered.memory.unseen = false;
    }
    const std::string hash = hash_of(app, spec);
    if (record.spec != hash) {
        record.spec = hash;
        ++record.generation;
    }
    return numbered;
}

SpecPointer Decider::choose_version(const state::AppRecord& record,
                                    const SpecPointer& target) const {
    if (record.deployed_spec.empty() || record.deployed_spec == record.spec) {
        return target;
    }
    const bool failed = carried_.failures.holds(record.name, record.spec, in_.now);
    // No new version can be begun on a full disk: what runs is kept up meanwhile.
    if (!failed && !in_.read_only) {
        return target;
    }
    SpecPointer former = accepted(record.name, record.deployed_spec);
    return former ? former : target;
}

void Decider::remember_health(const manifests::AppSpec& spec, AppMemory& memory) {
    std::map<std::string, RunHealth> runs;
    for (const manifests::ContainerSpec& container : spec.containers) {
        const podman::ContainerSummary* seen = index_.container(container.name);
        if (!in_.readiness || container.health.empty() || seen == nullptr ||
            seen->state != podman::ContainerState::Running) {
            continue;
        }
        PartHealth now = in_.readiness(spec.name, container, *seen);
        const RunHealth* before = remembered(memory, container, *seen);
        if (!now.word.empty()) {
            runs[container.part] = {seen->id, seen->pid, now.word,
                                    now.word == "unhealthy" ? std::move(now.message) : ""};
        } else if (before != nullptr) {
            runs[container.part] = *before;
        }
        if (const auto run = runs.find(container.part); run != runs.end()) {
            prepared_.health[seen->id] = run->second;
        }
    }
    memory.health = std::move(runs);
}

void Decider::remember_version(const state::AppRecord& record, AppMemory& memory) const {
    const std::string& spec = record.deployed_spec;
    if (spec.empty() || (!memory.ran.empty() && memory.ran.front().spec == spec)) {
        return;
    }
    const SpecPointer version = accepted(record.name, spec);
    note_ran(memory, {spec, spec == record.spec ? record.generation : 0, in_.wall,
                      version == nullptr || manifests::holds_secrets(*version)});
}

SpecPointer Decider::evaluate_app(const std::string& name, const SpecPointer& spec) {
    plan::AppPolicy& policy = policies()[name];
    StoredApp app = number(name, spec);
    const state::AppRecord& record = app.record;
    AppMemory& memory = app.memory;
    carried_.failures.forget_others(name, {record.spec, record.deployed_spec});
    SpecPointer version = choose_version(record, spec);
    policy.owner = in_.owner;
    policy.generation = record.generation;
    policy.generation_spec = record.spec;
    policy.kept_volumes = memory.volumes;
    policy.former = memory.former;
    policy.stopped = record.stopped;
    // Objects without a record of a deploy: the store was lost, and their labels tell what was
    // deployed.
    if (!record.deployed_spec.empty() || index_.containers_of(name).empty()) {
        policy.deployed_spec = record.deployed_spec;
    }
    policy.request = memory.request;
    remember_version(record, memory);
    const bool was_stopped = policy.stopped || carried_.down.contains(name);
    if (!policy.busy && was_stopped) {
        forgive_exits(*version, memory);
    } else if (!policy.busy) {
        evaluate_parts(*version, memory, policy);
        evaluate_pods(*version, memory, policy);
    }
    remember_health(*version, memory);
    forget_parts({version.get(), spec.get()}, memory);
    keep_number(app);
    return version;
}

// The versions before, while the newest is not to be tried, and those that ran before it was noted.
std::set<std::pair<std::string, std::string>> versions_to_look_up(const Inputs& inputs,
                                                                  const PassMemory& memory) {
    std::set<std::pair<std::string, std::string>> wanted;
    for (const auto& [name, app] : inputs.stored) {
        const std::string& deployed = app.record.deployed_spec;
        const std::vector<RanVersion>& ran = app.memory.ran;
        const auto hash = inputs.hashes.find(name);
        const bool falls_back =
            hash != inputs.hashes.end() && hash->second != deployed &&
            (inputs.read_only || memory.failures.holds(name, hash->second, inputs.now));
        const bool is_news = ran.empty() || ran.front().spec != deployed;
        if (falls_back || is_news || !inputs.desired.apps.contains(name)) {
            wanted.emplace(name, deployed);
        }
        wanted.emplace(name, app.memory.companions);
    }
    std::erase_if(wanted, [&](const auto& row) {
        return row.second.empty() || inputs.aside.contains(row.first);
    });
    return wanted;
}

}  // namespace podreeve::supervise
