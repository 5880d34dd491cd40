#include "agent/supervise/supervisor.h"

#include <algorithm>
#include <utility>

#include "agent/plan/steps.h"
#include "agent/supervise/core.h"
#include "runtime/base/contained.h"
#include "runtime/base/in_hand.h"
#include "runtime/base/log.h"

namespace podreeve::supervise {
namespace {

// Whether it could not be seen yet if a person had it started; seldom, and read in each pass.
bool is_unseen(const state::AppRecord& record) {
    return record.extra.find("unseen") != std::string::npos && memory_from(record.extra).unseen;
}

}  // namespace

Supervisor::Supervisor(state::State& state, const Clock& clock, AcceptedSpecs accepted)
    : core_(new Core{state, clock, std::move(accepted)}) {
    core_->recall();
}

Supervisor::~Supervisor() = default;

void Supervisor::set_readiness(ReadinessNow readiness) {
    const std::lock_guard lock(core_->mutex);
    core_->readiness_now = std::move(readiness);
}

void Supervisor::set_aside(AppsAside aside) {
    const std::lock_guard lock(core_->mutex);
    core_->aside = std::move(aside);
}

Subscriptions& Supervisor::subscriptions() const {
    return *core_->subscriptions;
}

std::set<std::string> Supervisor::busy(const manifests::Desired& desired) const {
    std::set<std::string> names;
    const auto note = [&](const std::string& name) {
        for (const std::string& subject : {name, plan::companions_of(name)}) {
            if (core_->state.active_change_of(subject)) {
                names.insert(subject);
            }
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

bool Supervisor::Core::was_up(const std::string& app) const {
    const AppStatus* status = last.find(app);
    return status != nullptr && last.passes > 0 && status->state == ServiceState::Running;
}

std::map<LeafKey, manifests::StartCondition> Supervisor::leaves_to_look_at(
    const manifests::Desired& desired, const observe::Observed& observed) const {
    const std::lock_guard lock(core_->mutex);
    const ObservedIndex index(observed, core_->state.owner());
    std::map<LeafKey, const manifests::StartCondition*> found;
    for (const auto& [name, spec] : desired.apps) {
        // One that has just died would wait for the next pass, were its conditions not known in
        // this.
        const bool runs = std::ranges::any_of(index.containers_of(name), [](const auto* container) {
            return container->state == podman::ContainerState::Running;
        });
        if (!core_->was_up(name) || !runs) {
            collect_leaves(spec->conditions, found);
            // While the newest version fails, the one before is held by its own conditions.
            const auto version = core_->memory.effective.find(name);
            if (version != core_->memory.effective.end()) {
                collect_leaves(version->second->conditions, found);
            }
        }
    }
    std::map<LeafKey, manifests::StartCondition> leaves;
    for (const auto& [key, leaf] : found) {
        leaves.emplace(key, *leaf);
    }
    return leaves;
}

// What others have changed meanwhile stays: whether a person wants it stopped, what is deployed.
void Supervisor::Core::write(const std::map<std::string, RecordEdit>& edits) {
    for (const auto& [name, edit] : edits) {
        const state::AppRecord& record = edit.app.record;
        const auto change = [&, &edit = edit](state::AppRecord& kept) {
            if (edit.numbered) {
                const bool is_open = kept.generation == 0 || is_unseen(kept);
                kept.stopped = is_open ? record.stopped : kept.stopped;
                kept.generation = record.generation;
                kept.spec = record.spec;
            }
            kept.extra = to_extra(edit.app.memory);
        };
        // What throws is that app's trouble, and is decided again by the next pass.
        const InHand in_hand(name);
        contained_or_logged("keeping what is remembered of an app", [&, &name = name] {
            if (const Status kept = state.edit_app(name, change, state::Unwritten::Kept); !kept) {
                log::warn("{}", kept.error().message);
            }
        });
    }
}

Prepared Supervisor::prepare(const manifests::Desired& desired,
                             const observe::Observed& observed,
                             const std::set<std::string>& busy_before,
                             const WorldFacts& facts) {
    const std::lock_guard lock(core_->mutex);
    Core& core = *core_;
    Decisions decided =
        decide(core.inputs(desired, observed, busy_before, facts, core.aside), core.memory);
    core.memory = std::move(decided.memory);
    core.found = std::move(decided.found);
    core.has_evaluated = true;
    const auto& known = decided.prepared.policy.apps;
    std::erase_if(core.hashes, [&](const auto& row) { return !known.contains(row.first); });
    core.write(decided.edits);
    return std::move(decided.prepared);
}

Prepared Supervisor::preview(const manifests::Desired& desired,
                             const observe::Observed& observed,
                             const std::set<std::string>& busy_before,
                             const WorldFacts& facts,
                             AppsAside aside) const {
    const std::lock_guard lock(core_->mutex);
    const Core& core = *core_;
    return decide(core.inputs(desired, observed, busy_before, facts, std::move(aside)), core.memory)
        .prepared;
}

std::set<std::string> Supervisor::Core::breaker_names(const std::string& app) const {
    std::set<std::string> names;
    if (const auto spec = memory.effective.find(app); spec != memory.effective.end()) {
        for (const manifests::PodSpec& pod : spec->second->pods) {
            names.insert(pod.name);
        }
        for (const manifests::ContainerSpec& container : spec->second->containers) {
            names.insert(container.name);
        }
        names.insert(plan::service_name(app, state.owner()));
    }
    return names;
}

void Supervisor::forget_failures(const std::optional<std::string>& app) {
    const std::lock_guard lock(core_->mutex);
    core_->memory.failures.forget(app);
    core_->memory.stuck_watch.reset(app ? std::optional(core_->breaker_names(*app)) : std::nullopt);
    if (app) {
        core_->memory.failures.forget(plan::companions_of(*app));
    }
}

bool Supervisor::has_taken_over(const std::string& app, const std::string& former) const {
    const auto record = core_->state.app(app);
    return record && memory_from(record->extra).former.contains(former);
}

void Supervisor::let_volumes_go(const std::set<std::string>& apps) {
    const std::lock_guard lock(core_->mutex);
    for (const std::string& app : apps) {
        if (const auto record = core_->state.app(app)) {
            AppMemory remembered = memory_from(record->extra);
            remembered.volumes = {};
            core_->keep(app, remembered);
        }
    }
}

std::optional<WallTime> Supervisor::next_decision() const {
    const std::lock_guard lock(core_->mutex);
    return core_->found.next ? std::optional(core_->wall() + (*core_->found.next - core_->now()))
                             : std::nullopt;
}

}  // namespace podreeve::supervise
