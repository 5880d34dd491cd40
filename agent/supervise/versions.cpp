#include <algorithm>

#include "agent/supervise/core.h"
#include "runtime/base/log.h"

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

const std::string& Supervisor::Core::hash_of(const std::string& app, const SpecPointer& spec) {
    auto& [pointer, hash] = hashes[app];
    if (pointer != spec) {
        pointer = spec;
        hash = manifests::spec_hash(*spec);
    }
    return hash;
}

state::AppRecord Supervisor::Core::number(const std::string& app,
                                          const SpecPointer& spec,
                                          const ObservedIndex& index) {
    state::AppRecord record;
    if (const auto known = state.app(app)) {
        record = *known;
    } else {
        // No record but objects: the store was lost, and their labels know how far we had come.
        record.name = app;
        record.generation = highest_generation(index.containers_of(app), state.owner());
        record.generation = record.generation > 0 ? record.generation - 1 : 0;
        // What runs was started by a person, whose request went with the store.
        const PartCounts counts = count_parts(list_parts(app, spec.get(), index, {}), spec.get());
        record.stopped = !spec->autostart && !counts.any_running;
        AppMemory memory;
        memory.autostart_off = record.stopped;
        record.extra = to_extra(memory);
    }
    const std::string& hash = hash_of(app, spec);
    if (record.spec != hash) {
        record.spec = hash;
        ++record.generation;
    }
    return record;
}

SpecPointer Supervisor::Core::choose_version(const state::AppRecord& record,
                                             const SpecPointer& target) {
    if (record.deployed_spec.empty() || record.deployed_spec == record.spec) {
        return target;
    }
    const bool failed = failures.holds(record.name, record.spec, now());
    // No new version can be begun on a full disk: what runs is kept up meanwhile.
    if (!failed && !state.health().read_only) {
        return target;
    }
    SpecPointer former = accepted(record.name, record.deployed_spec);
    return former ? former : target;
}

void Supervisor::Core::remember_health(const manifests::AppSpec& spec,
                                       const ObservedIndex& index,
                                       AppMemory& memory,
                                       Prepared& prepared) const {
    std::map<std::string, RunHealth> runs;
    for (const manifests::ContainerSpec& container : spec.containers) {
        const podman::ContainerSummary* found = index.container(container.name);
        if (!readiness || container.health.empty() || found == nullptr ||
            found->state != podman::ContainerState::Running) {
            continue;
        }
        PartHealth now = readiness(spec.name, container, *found);
        const RunHealth* before = remembered(memory, container, *found);
        if (!now.word.empty()) {
            runs[container.part] = {found->id, found->pid, now.word,
                                    now.word == "unhealthy" ? std::move(now.message) : ""};
        } else if (before != nullptr) {
            runs[container.part] = *before;
        }
        if (const auto run = runs.find(container.part); run != runs.end()) {
            prepared.health[found->id] = run->second;
        }
    }
    memory.health = std::move(runs);
}

void Supervisor::Core::remember_version(const state::AppRecord& record, AppMemory& memory) {
    const std::string& spec = record.deployed_spec;
    if (spec.empty() || (!memory.ran.empty() && memory.ran.front().spec == spec)) {
        return;
    }
    const SpecPointer version = accepted(record.name, spec);
    note_ran(memory, {spec, spec == record.spec ? record.generation : 0, wall(),
                      version == nullptr || manifests::holds_secrets(*version)});
}

SpecPointer Supervisor::Core::evaluate_app(const std::string& name,
                                           const SpecPointer& spec,
                                           const ObservedIndex& index,
                                           Prepared& prepared) {
    plan::AppPolicy& policy = prepared.policy.apps[name];
    state::AppRecord record = number(name, spec, index);
    failures.forget_others(name, {record.spec, record.deployed_spec});
    SpecPointer version = choose_version(record, spec);
    policy.owner = state.owner();
    policy.generation = record.generation;
    policy.generation_spec = record.spec;
    policy.stopped = record.stopped;
    // Objects without a record of a deploy: the store was lost, and their labels tell what was
    // deployed.
    if (!record.deployed_spec.empty() || index.containers_of(name).empty()) {
        policy.deployed_spec = record.deployed_spec;
    }
    AppMemory memory = memory_from(record.extra);
    policy.request = memory.request;
    remember_version(record, memory);
    const bool was_stopped = policy.stopped || down.contains(name);
    if (!policy.busy && was_stopped) {
        forgive_exits(*version, index, memory);
    } else if (!policy.busy) {
        evaluate_parts(*version, index, memory, policy);
        evaluate_pods(*version, index, memory, policy);
    }
    remember_health(*version, index, memory, prepared);
    forget_parts({version.get(), spec.get()}, memory);
    record.extra = to_extra(memory);
    const auto edit = [&](state::AppRecord& stored) {
        stored.stopped = stored.generation == 0 ? record.stopped : stored.stopped;
        stored.generation = record.generation;
        stored.spec = record.spec;
        stored.extra = record.extra;
    };
    const Status kept = state.edit_app(name, edit, state::Unwritten::Kept);
    if (!kept) {
        log::warn("{}", kept.error().message);
    }
    return version;
}

}  // namespace podreeve::supervise
