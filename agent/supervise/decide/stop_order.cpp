#include <algorithm>
#include <utility>

#include "agent/supervise/decide/decider.h"
#include "agent/supervise/decide/stop_times.h"

namespace podreeve::supervise {

using plan::kWholeGrace;

namespace {

bool has_stop_failed(const Failure& failure) {
    return failure.until != kUntilChanged &&
           (failure.kind == "stop-app" || failure.kind == "remove-app");
}

}  // namespace

// What is being stopped still runs, its service container too. Podman can be stuck in that state
// for ever, which holds up nobody once no change of ours is at it.
bool Decider::is_being_stopped(const std::string& app,
                               const manifests::AppSpec* spec,
                               const std::vector<PartStatus>& parts) {
    return std::any_of(parts.begin(), parts.end(), [&](const PartStatus& part) {
        const podman::ContainerSummary* container =
            part.state == "stopping" ? index_.container(part.object) : nullptr;
        if (container == nullptr) {
            return false;
        }
        const auto* wanted = spec == nullptr ? nullptr : spec->find_container(part.name);
        const Duration grace = wanted == nullptr ? Duration::zero() : Duration(wanted->stop_grace);
        return !carried_.stuck_watch.is_stuck(*container, in_.steady, grace) || is_under_way(app);
    });
}

void Decider::fill_down_facts(const std::string& name,
                              const SpecPointer& spec,
                              bool wanted,
                              DownFacts& facts) {
    const StoredApp* known = find_stored(name);
    const AppMemory memory = memory_of(name);
    const auto parts = list_parts(name, spec.get(), index_, memory, in_.readiness);
    const PartCounts counts = count_parts(parts, spec.get());
    const StartTimes starts = spec ? start_times(*spec, index_, carried_.run_starts) : StartTimes{};
    facts.runs = counts.any_running || is_being_stopped(name, spec.get(), parts);
    facts.met_started = is_met(counts);
    // What is only not proved yet takes nobody down.
    facts.met_healthy = facts.met_started && !counts.unhealthy;
    facts.first_start = starts.first;
    facts.last_start = starts.last;
    facts.abandoned = std::ranges::any_of(carried_.failures.of(name), has_stop_failed);
    facts.depends_on = spec ? spec->depends_on : std::vector<manifests::Dependency>{};
    if (in_.shutting_down) {
        facts.asked = kHostGoesDown;
    } else if (!wanted) {
        facts.asked = "its manifest is gone";
        facts.with_dependents = false;  // their manifests tell what they want
    } else if (known != nullptr && known->record.stopped) {
        facts.asked = memory.autostart_off ? "autostart is off" : "stopped on request";
        facts.with_dependents = !memory.alone && !memory.autostart_off;
    } else if (memory.restart != 0) {
        facts.asked = "is restarted";
        facts.stays = true;
    }
}

DownTable Decider::down_table() {
    DownTable table;
    const auto fill = [&](const std::string& name, const SpecPointer& spec, bool wanted) {
        const bool filled =
            contain(name, [&] { fill_down_facts(name, spec, wanted, table[name]); });
        if (!filled) {
            table[name] = {};  // nobody goes down for its sake
        }
    };
    for (const auto& [name, spec] : prepared_.effective.apps) {
        fill(name, spec, true);
    }
    for (const std::string& name : index_.apps()) {
        if (!prepared_.effective.apps.contains(name)) {
            const auto thrown = in_.trouble.find(name);
            if (thrown != in_.trouble.end() && !in_.aside.contains(name)) {
                policies()[name].trouble = thrown->second;
            }
            const StoredApp* known = find_stored(name);
            const SpecPointer former =
                known == nullptr ? nullptr : accepted(name, known->record.deployed_spec);
            fill(name, former, false);
        }
    }
    return table;
}

void Decider::order_stops() {
    const DownTable table = down_table();
    carried_.down = going_down(table);
    const std::int64_t share = share_of_graces(table);
    std::set<std::string> names;
    for (const auto& [name, why] : carried_.down) {
        names.insert(name);
        plan::AppPolicy& policy = policies()[name];
        policy.stopped = true;
        policy.stop_why = why;
        policy.grace_share = share;
    }
    found_.stop_waits = stops_that_wait(table, names);
    for (const auto& [name, why] : found_.stop_waits) {
        policies()[name].hold_stop = true;
        policies()[name].stop_why = why;
    }
}

// A restart is over its first half once nothing runs any more; the rest is a start like any other.
void Decider::end_restarts() {
    for (const auto& [name, spec] : prepared_.effective.apps) {
        const auto policy = prepared_.policy.apps.find(name);
        if (policy != prepared_.policy.apps.end() && !policy->second.busy) {
            contain(name, [&, &name = name, &spec = spec] { end_restart(name, *spec); });
        }
    }
}

void Decider::end_restart(const std::string& app, const manifests::AppSpec& spec) {
    AppMemory memory = memory_of(app);
    if (memory.restart == 0) {
        return;
    }
    const std::vector<PartStatus> parts = list_parts(app, &spec, index_, memory);
    const bool unknown =
        std::ranges::any_of(parts, [](const PartStatus& part) { return part.state == "unknown"; });
    if (!unknown && !count_parts(parts, &spec).any_running) {
        memory.restart = 0;
        keep(app, std::move(memory));
    }
}

// In thousandths. What is given back by those that end sooner than they may is for the rest.
std::int64_t Decider::share_of_graces(const DownTable& table) const {
    if (!in_.shutting_down || !in_.down_by) {
        return kWholeGrace;
    }
    std::set<std::string> running;
    for (const auto& [name, facts] : table) {
        if (facts.runs && !facts.abandoned) {
            running.insert(name);
        }
    }
    const Duration needs = sum_of(level_times(carried_.effective, stop_levels(table, running)));
    const Duration left = std::max(*in_.down_by - in_.steady, Duration{});
    return needs <= left
               ? kWholeGrace
               : std::max<std::int64_t>(1, kWholeGrace * (left / std::chrono::milliseconds(1)) /
                                               (needs / std::chrono::milliseconds(1)));
}

}  // namespace podreeve::supervise
