#include "agent/supervise/supervisor.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/supervise/dependencies.h"
#include "agent/supervise/derive.h"
#include "agent/supervise/failures.h"
#include "agent/supervise/overview.h"
#include "agent/supervise/parts.h"
#include "agent/supervise/wedged.h"
#include "runtime/base/log.h"

namespace podreeve::supervise {
namespace {

using SpecPointer = std::shared_ptr<const manifests::AppSpec>;

struct ExitSeen {
    std::string key;
    WallTime at{};
};

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

// What an app without a usable name is shown as: its file.
std::string shown_name(const manifests::AppProblem& problem) {
    return problem.app.empty() ? problem.file : problem.app;
}

const manifests::AppProblem* problem_of(const manifests::Desired& desired, const std::string& app) {
    for (const manifests::AppProblem& problem : desired.problems) {
        if (shown_name(problem) == app) {
            return &problem;
        }
    }
    return nullptr;
}

std::set<std::string> ids_of(const observe::Observed& observed) {
    std::set<std::string> ids;
    for (const podman::ContainerSummary& container : observed.containers) {
        ids.insert(container.id);
    }
    return ids;
}

void keep_earliest(std::optional<WallTime>& next, std::optional<WallTime> candidate) {
    if (candidate && (!next || *candidate < *next)) {
        next = candidate;
    }
}

}  // namespace

struct Supervisor::Core {
    state::State& state;
    const Clock& clock;
    AcceptedSpecs accepted;

    mutable std::mutex mutex;
    Failures failures;
    WedgeWatch wedges;
    std::map<std::string, ExitSeen> exits;  // "app/part"
    // A spec's hash costs a canonical rendering; it is made once a version.
    std::unordered_map<std::string, std::pair<SpecPointer, std::string>> hashes;
    std::optional<WallTime> next;
    Overview last;

    const std::string& hash_of(const std::string& app, const SpecPointer& spec);
    state::AppRecord number(const std::string& app,
                            const SpecPointer& spec,
                            const ObservedIndex& index);
    SpecPointer choose_version(const state::AppRecord& record, const SpecPointer& target);
    void weigh_parts(const manifests::AppSpec& spec,
                     const ObservedIndex& index,
                     Memory& memory,
                     plan::AppPolicy& policy);
    void weigh_part(const std::string& app,
                    const manifests::ContainerSpec& spec,
                    const podman::ContainerSummary& container,
                    Memory& memory,
                    plan::AppPolicy& policy);
    SpecPointer weigh_app(const std::string& name,
                          const SpecPointer& spec,
                          const ObservedIndex& index,
                          plan::AppPolicy& policy);
    void hold_dependents(const manifests::Desired& desired,
                         const ObservedIndex& index,
                         Prepared& prepared);
    void forget_exits(const state::ChangeView& change);
    AppView view_of(const std::string& app,
                    const manifests::Desired& desired,
                    const manifests::Desired& in_force,
                    const ObservedIndex& index);
    void add_conditions(AppView& view, const plan::AppPlan* planned, const plan::AppPolicy* policy);
    std::set<std::string> all_apps(const manifests::Desired& desired,
                                   const ObservedIndex* index) const;
    Overview publish(Overview overview);

    WallTime now() const { return clock.system_now(); }
};

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
        record.stopped = !spec->autostart;
        record.extra = to_extra(Memory{{}, !spec->autostart});
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
    const Failure* failure = failures.find(record.name);
    const bool held = failure != nullptr && failure->spec == record.spec && now() < failure->until;
    if (!held || record.deployed_spec.empty() || record.deployed_spec == record.spec) {
        return target;
    }
    SpecPointer former = accepted(record.name, record.deployed_spec);
    return former ? former : target;
}

void Supervisor::Core::weigh_part(const std::string& app,
                                  const manifests::ContainerSpec& spec,
                                  const podman::ContainerSummary& container,
                                  Memory& memory,
                                  plan::AppPolicy& policy) {
    if (wedges.is_wedged(container, now())) {
        if (const auto open = wedges.breaker(container.name, now())) {
            policy.parts[spec.part] = {true, *open};
        } else {
            policy.wedged.insert(container.id);
        }
    }
    if (spec.role == manifests::ContainerRole::Init || !wants_start(spec.restart, container)) {
        return;
    }
    RestartRecord& record = memory.restarts[spec.part];
    const bool fresh = note_exit(record, container);
    ExitSeen& seen = exits[app + "/" + spec.part];
    if (fresh || seen.key != record.last_exit) {
        seen = {record.last_exit, now()};
    }
    const WallTime until = seen.at + backoff(record.short_runs, app + "/" + spec.part);
    if (now() < until) {
        policy.parts[spec.part] = {
            true,
            fmt::format("{} ended with {} after {} short runs in a row; next start at {}",
                        spec.name, container.exit_code, record.short_runs, to_rfc3339(until))};
        keep_earliest(next, until);
    }
}

void Supervisor::Core::weigh_parts(const manifests::AppSpec& spec,
                                   const ObservedIndex& index,
                                   Memory& memory,
                                   plan::AppPolicy& policy) {
    for (const manifests::ContainerSpec& container : spec.containers) {
        const podman::ContainerSummary* observed = index.container(container.name);
        if (observed != nullptr && observe::ownership(observed->labels, state.owner())) {
            weigh_part(spec.name, container, *observed, memory, policy);
        }
    }
}

// podman's list tells exits by the second. What was started since the last one was counted has
// ended anew when it is seen ended again, also within the same second.
void Supervisor::Core::forget_exits(const state::ChangeView& change) {
    const auto record = state.app(change.subject);
    if (!record) {
        return;
    }
    Memory memory = memory_from(record->extra);
    const Memory before = memory;
    for (const state::TaskView& task : change.tasks) {
        if (task.kind == "start-container" && task.status == state::TaskStatus::Done) {
            const nlohmann::json data = nlohmann::json::parse(task.data, nullptr, false);
            const auto known = memory.restarts.find(data.is_object() ? data.value("part", "") : "");
            if (known != memory.restarts.end()) {
                known->second.last_exit.clear();
            }
        }
    }
    if (memory.restarts == before.restarts) {
        return;
    }
    const Status kept = state.edit_app(
        change.subject, [&](state::AppRecord& stored) { stored.extra = to_extra(memory); });
    if (!kept) {
        log::warn("{}", kept.error().message);
    }
}

SpecPointer Supervisor::Core::weigh_app(const std::string& name,
                                        const SpecPointer& spec,
                                        const ObservedIndex& index,
                                        plan::AppPolicy& policy) {
    state::AppRecord record = number(name, spec, index);
    if (const Failure* failure = failures.find(name); failure != nullptr &&
                                                      failure->spec != record.spec &&
                                                      failure->spec != record.deployed_spec) {
        failures.forget(name);  // of a version that nobody wants any more
    }
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
    Memory memory = memory_from(record.extra);
    if (!policy.busy && !policy.stopped) {
        weigh_parts(*version, index, memory, policy);
    }
    record.extra = to_extra(memory);
    const Status kept = state.edit_app(name, [&](state::AppRecord& stored) {
        stored.stopped = stored.generation == 0 ? record.stopped : stored.stopped;
        stored.generation = record.generation;
        stored.spec = record.spec;
        stored.extra = record.extra;
    });
    if (!kept) {
        log::warn("{}", kept.error().message);
    }
    return version;
}

void Supervisor::Core::hold_dependents(const manifests::Desired& desired,
                                       const ObservedIndex& index,
                                       Prepared& prepared) {
    std::map<std::string, Standing> standings;
    for (const auto& [name, spec] : prepared.in_force.apps) {
        const AppView view = view_of(name, desired, prepared.in_force, index);
        const Verdict verdict = derive_state(view.facts);
        standings[name] = {verdict.state, verdict.message, view.record.stopped};
    }
    for (const auto& [name, spec] : prepared.in_force.apps) {
        if (const auto why = unmet(*spec, standings)) {
            prepared.policy.apps[name].hold_start = true;
            prepared.policy.apps[name].why = *why;
        }
    }
}

AppView Supervisor::Core::view_of(const std::string& app,
                                  const manifests::Desired& desired,
                                  const manifests::Desired& in_force,
                                  const ObservedIndex& index) {
    AppView view;
    view.name = app;
    const auto it = in_force.apps.find(app);
    view.spec = it == in_force.apps.end() ? nullptr : it->second.get();
    view.problem = problem_of(desired, app);
    if (const auto record = state.app(app)) {
        view.record = *record;
    }
    view.memory = memory_from(view.record.extra);
    view.facts.has_spec = view.spec != nullptr;
    view.facts.desired = view.spec != nullptr || view.problem != nullptr;
    view.facts.stopped = view.record.stopped;
    view.facts.autostart_off = view.record.stopped && view.memory.autostart_off;
    view.facts.manifest_error = view.problem == nullptr ? "" : first_error(*view.problem);
    view.facts.change = state.active_change_of(app);
    take_census(view, index);
    return view;
}

void Supervisor::Core::add_conditions(AppView& view,
                                      const plan::AppPlan* planned,
                                      const plan::AppPolicy* policy) {
    if (planned != nullptr) {
        view.conditions = planned->conditions;
        for (const plan::Condition& condition : planned->conditions) {
            if (condition.type == "Conflict" && view.facts.conflict.empty()) {
                view.facts.conflict = condition.message;
            }
        }
    }
    if (policy != nullptr && policy->hold_start) {
        view.facts.hold = policy->why;
    }
    for (const auto& [part, held] :
         policy == nullptr ? std::map<std::string, plan::PartPolicy>{} : policy->parts) {
        view.facts.backing_off = held.hold_start ? held.why : view.facts.backing_off;
    }
    if (const Failure* failure = failures.find(view.name)) {
        view.facts.failure =
            failure->until == kUntilChanged
                ? fmt::format("{}; change the manifest, or `podreeve reconcile` deploys it again",
                              failure->message)
                : fmt::format("{}; next try at {}", failure->message, to_rfc3339(failure->until));
        view.conditions.push_back({"DeployFailed", "ChangeFailed", view.facts.failure, ""});
    }
}

std::set<std::string> Supervisor::Core::all_apps(const manifests::Desired& desired,
                                                 const ObservedIndex* index) const {
    std::set<std::string> names;
    for (const auto& [name, spec] : desired.apps) {
        names.insert(name);
    }
    for (const manifests::AppProblem& problem : desired.problems) {
        names.insert(shown_name(problem));
    }
    if (index != nullptr) {
        for (const std::string& name : index->apps()) {
            names.insert(name);
        }
    }
    return names;
}

Overview Supervisor::Core::publish(Overview overview) {
    for (state::Event& event : events_between(last, overview)) {
        if (Status kept = state.append_event(event); !kept) {
            log::warn("{}", kept.error().message);
        }
        log::info("{}: {} {}", event.app, event.state, event.message);
    }
    last = overview;
    return overview;
}

Supervisor::Supervisor(state::State& state, const Clock& clock, AcceptedSpecs accepted)
    : core_(new Core{state, clock, std::move(accepted), {}, {}, {}, {}, {}, {}, {}}) {}

Supervisor::~Supervisor() = default;

std::set<std::string> Supervisor::busy(const manifests::Desired& desired) const {
    std::set<std::string> names;
    const auto note = [&](const std::string& name) {
        if (core_->state.active_change_of(name)) {
            names.insert(name);
        }
    };
    for (const auto& [name, spec] : desired.apps) {
        note(name);
    }
    for (const state::AppRecord& record : core_->state.apps()) {
        note(record.name);
    }
    return names;
}

Supervisor::Prepared Supervisor::prepare(const manifests::Desired& desired,
                                         const observe::Observed& observed,
                                         const std::set<std::string>& busy_before) {
    const std::lock_guard lock(core_->mutex);
    Core& core = *core_;
    const ObservedIndex index(observed, core.state.owner());
    Prepared prepared;
    prepared.in_force = desired;
    prepared.policy.owner = core.state.owner();
    prepared.policy.now = core.now();
    prepared.policy.removals_allowed = desired.complete;
    core.next.reset();
    const auto is_busy = [&](const std::string& name) {
        return busy_before.contains(name) || observed.in_motion.contains(name) ||
               core.state.active_change_of(name).has_value();
    };

    for (const auto& [name, spec] : desired.apps) {
        plan::AppPolicy& policy = prepared.policy.apps[name];
        policy.busy = is_busy(name);
        prepared.in_force.apps[name] = core.weigh_app(name, spec, index, policy);
    }
    core.hold_dependents(desired, index, prepared);
    // Those that are only left over: as objects, or as a record of which volumes and secrets may be
    // left.
    std::vector<std::string> left_over = index.apps();
    for (const state::AppRecord& record : core.state.apps()) {
        left_over.push_back(record.name);
    }
    for (const std::string& name : left_over) {
        if (!prepared.policy.apps.contains(name)) {
            prepared.policy.apps[name].busy = is_busy(name);
            prepared.policy.apps[name].owner = core.state.owner();
        }
    }
    core.wedges.keep_only(ids_of(observed));
    keep_earliest(core.next, core.failures.next_after(core.now()));
    keep_earliest(core.next, core.wedges.next_after(core.now()));
    return prepared;
}

std::vector<const plan::AppPlan*> Supervisor::admit(const plan::Plan& plan) const {
    const std::lock_guard lock(core_->mutex);
    std::vector<const plan::AppPlan*> admitted;
    for (const auto& [name, planned] : plan.apps) {
        if (planned.empty() || core_->failures.holds(planned, core_->now())) {
            continue;
        }
        for (const plan::Step& step : planned.steps) {
            if (step.kind == plan::StepKind::RemoveContainer &&
                planned.action == plan::AppAction::Repair) {
                core_->wedges.note_recreated(step.object, core_->now());
            }
        }
        admitted.push_back(&planned);
    }
    return admitted;
}

Overview Supervisor::conclude(const manifests::Desired& desired,
                              const Prepared& prepared,
                              const observe::Observed& observed,
                              const plan::Plan& plan) {
    const std::lock_guard lock(core_->mutex);
    Core& core = *core_;
    const ObservedIndex index(observed, core.state.owner());
    Overview overview;
    overview.podman_reachable = true;
    overview.podman_version =
        fmt::format("{}.{}.{}", observed.podman_version.major, observed.podman_version.minor,
                    observed.podman_version.patch);
    overview.passes = core.last.passes + 1;
    overview.last_pass = core.now();
    for (const std::string& name : core.all_apps(desired, &index)) {
        AppView view = core.view_of(name, desired, prepared.in_force, index);
        const auto planned = plan.apps.find(name);
        const auto policy = prepared.policy.apps.find(name);
        core.add_conditions(view, planned == plan.apps.end() ? nullptr : &planned->second,
                            policy == prepared.policy.apps.end() ? nullptr : &policy->second);
        overview.apps.push_back(make_status(view, core.last.find(name), core.now()));
    }
    return core.publish(std::move(overview));
}

Overview Supervisor::podman_lost(const manifests::Desired& desired, const Error& why) {
    const std::lock_guard lock(core_->mutex);
    Core& core = *core_;
    Overview overview = core.last;
    overview.podman_reachable = false;
    overview.podman_error = why.message;
    overview.passes = core.last.passes + 1;
    overview.last_pass = core.now();
    overview.apps.clear();
    for (const std::string& name : core.all_apps(desired, nullptr)) {
        const AppStatus* before = core.last.find(name);
        AppView view = core.view_of(name, desired, desired, ObservedIndex({}, core.state.owner()));
        view.facts.podman_known = false;
        view.facts.podman_error = why.message;
        AppStatus status = make_status(view, before, core.now());
        for (PartStatus& part : status.parts) {
            part.state = "unknown";
        }
        overview.apps.push_back(std::move(status));
    }
    return core.publish(std::move(overview));
}

void Supervisor::change_ended(const state::ChangeView& change) {
    const std::lock_guard lock(core_->mutex);
    core_->failures.note(change, core_->now());
    core_->forget_exits(change);
}

void Supervisor::forget_failures(const std::optional<std::string>& app) {
    const std::lock_guard lock(core_->mutex);
    core_->failures.forget(app);
}

std::optional<WallTime> Supervisor::next_decision() const {
    const std::lock_guard lock(core_->mutex);
    return core_->next;
}

}  // namespace podreeve::supervise
