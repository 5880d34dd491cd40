#include "agent/supervise/decide/decide.h"

#include <utility>

#include "agent/plan/heirs.h"
#include "agent/supervise/decide/decider.h"

namespace podreeve::supervise {
namespace {

std::set<std::string> ids_of(const observe::Observed& observed) {
    std::set<std::string> ids;
    for (const podman::ContainerSummary& container : observed.containers) {
        ids.insert(container.id);
    }
    return ids;
}

std::set<std::string> pod_names(const observe::Observed& observed) {
    std::set<std::string> names;
    for (const podman::PodSummary& pod : observed.pods) {
        names.insert(pod.name);
    }
    return names;
}

}  // namespace

Decisions decide(const Inputs& inputs, PassMemory memory) {
    return Decider(inputs, std::move(memory)).decide();
}

void keep_earliest(std::optional<WallTime>& next, std::optional<WallTime> candidate) {
    if (candidate && (!next || *candidate < *next)) {
        next = candidate;
    }
}

Decisions Decider::decide() {
    begin();
    evaluate_apps();
    end_restarts();
    order_stops();
    evaluate_dependencies();
    hold_starts();
    evaluate_companions();
    add_known_apps();
    forget_gone();
    govern();
    keep_next();
    return {std::move(prepared_), std::move(carried_), std::move(found_), std::move(edits_)};
}

void Decider::begin() {
    carried_.clock.note(in_.wall, in_.now);
    note_run_starts();
    for (const auto& [name, why] : in_.aside) {
        policies()[name].set_aside = why.why;
    }
    prepared_.effective = in_.desired;
    prepared_.policy.owner = in_.owner;
    prepared_.policy.owner_file = in_.owner_file;
    prepared_.policy.now = in_.wall;
    prepared_.policy.empty_dirs = plan::find_empty_dirs(in_.desired);
    prepared_.policy.removals_allowed = in_.desired.complete;
}

// The clock may have been set since the start: it began after the last look, by whichever clock.
std::optional<WallTime> Decider::start_by_now(WallTime said) const {
    for (const WallTime start : {carried_.clock.as_shown(said), said - carried_.clock.before}) {
        if (carried_.runs_noted_at && start >= *carried_.runs_noted_at - std::chrono::seconds(1) &&
            start <= in_.now + std::chrono::seconds(1)) {
            return start;
        }
    }
    const bool ahead = said > in_.wall + std::chrono::seconds(1);
    return ahead ? std::nullopt : std::optional(carried_.clock.as_shown(said));
}

void Decider::note_run_starts() {
    RunStarts seen;
    for (const podman::ContainerSummary& container : in_.observed.containers) {
        if (!container.started) {
            continue;
        }
        const WallTime said = *container.started;
        const auto before = carried_.run_starts.find(container.id);
        if (before != carried_.run_starts.end() && before->second.said == said) {
            seen.insert(*before);
        } else {
            seen[container.id] = {said, start_by_now(said)};
        }
    }
    carried_.run_starts = std::move(seen);
    carried_.runs_noted_at = in_.now;
}

bool Decider::is_busy(const std::string& app) const {
    return in_.busy_before.contains(app) || in_.observed.in_motion.contains(app) ||
           is_under_way(app);
}

const StoredApp* Decider::find_stored(const std::string& app) const {
    const auto known = stored_.find(app);
    return known == stored_.end() ? nullptr : &known->second;
}

AppMemory Decider::memory_of(const std::string& app) const {
    const StoredApp* known = find_stored(app);
    return known == nullptr ? AppMemory{} : known->memory;
}

SpecPointer Decider::accepted(const std::string& app, const std::string& hash) const {
    const auto version = in_.versions.find({app, hash});
    return version == in_.versions.end() ? nullptr : version->second;
}

void Decider::keep(const std::string& app, AppMemory memory) {
    StoredApp& kept = stored_[app];
    kept.record.name = app;
    kept.memory = std::move(memory);
    edits_[app].app = kept;
}

void Decider::keep_number(const StoredApp& app) {
    stored_[app.record.name] = app;
    edits_[app.record.name] = {app, true};
}

void Decider::evaluate_apps() {
    for (const auto& [name, spec] : in_.desired.apps) {
        plan::AppPolicy& policy = policies()[name];
        policy.busy = is_busy(name);
        policy.companions.busy = in_.busy_before.contains(plan::companions_of(name));
        if (const auto thrown = in_.trouble.find(name); thrown != in_.trouble.end()) {
            policy.trouble = thrown->second;
        } else {
            contain(name, [&, &name = name, &spec = spec] {
                prepared_.effective.apps[name] = evaluate_app(name, spec);
            });
        }
        const auto before = carried_.effective.find(name);
        if (!policy.trouble.empty() && before != carried_.effective.end()) {
            prepared_.effective.apps[name] = before->second;
        }
    }
    carried_.effective = prepared_.effective.apps;
}

// Also those that are only left over: as objects, or as a record of which volumes and secrets may
// be left.
void Decider::add_known_apps() {
    const std::vector<std::string> observed = index_.apps();
    std::set<std::string> names(observed.begin(), observed.end());
    for (const auto& [name, known] : in_.stored) {
        names.insert(name);
    }
    for (const std::string& name : names) {
        if (!in_.desired.apps.contains(name)) {
            plan::AppPolicy& policy = policies()[name];
            const std::string companions = plan::companions_of(name);
            policy.companions.busy =
                in_.busy_before.contains(companions) || is_under_way(companions);
            policy.busy = is_busy(name);
            policy.owner = in_.owner;
            policy.former = memory_of(name).former;
        }
    }
}

// An app of the same name that comes one day is another.
void Decider::forget_gone() {
    std::set<std::string> names;
    for (const auto& [name, app] : policies()) {
        names.insert(name);
    }
    carried_.failures.keep_only(names);
    std::erase_if(carried_.asked_to_start,
                  [&](const auto& row) { return !names.contains(row.first); });
}

void Decider::keep_next() {
    carried_.stuck_watch.keep_only(ids_of(in_.observed), pod_names(in_.observed), in_.steady);
    keep_earliest(found_.next, carried_.failures.next_after(in_.now));
    if (const auto stuck = carried_.stuck_watch.next_after(in_.steady)) {
        keep_earliest(found_.next, in_.now + *stuck);
    }
}

}  // namespace podreeve::supervise
