#include <utility>

#include "agent/supervise/core.h"
#include "runtime/base/contained.h"

// What decide() is handed: all that is known at one moment.
namespace podreeve::supervise {

// What cannot be made of one app's is its trouble.
void Supervisor::Core::add_hashes(Inputs& inputs) const {
    for (const auto& [name, spec] : inputs.desired.apps) {
        if (inputs.aside.contains(name)) {
            continue;
        }
        auto thrown = contained_in_hand(name, [&, &name = name, &spec = spec] {
            auto& [pointer, hash] = hashes[name];
            if (pointer != spec) {
                hash = manifests::spec_hash(*spec);
                pointer = spec;
            }
            inputs.hashes[name] = hash;
        });
        if (thrown) {
            inputs.trouble[name] = std::move(*thrown);
        }
    }
}

void Supervisor::Core::look_up_versions(Inputs& inputs) const {
    for (const auto& [app, hash] : versions_to_look_up(inputs, memory)) {
        auto thrown = contained_in_hand(app, [&, &app = app, &hash = hash] {
            inputs.versions[{app, hash}] = accepted(app, hash);
        });
        if (thrown) {
            inputs.trouble[app] = std::move(*thrown);
        }
    }
}

StoredApps Supervisor::Core::stored() const {
    StoredApps apps;
    for (state::AppRecord& record : state.apps()) {
        AppMemory remembered = memory_from(record.extra);
        std::string name = record.name;
        apps.emplace(std::move(name), StoredApp{std::move(record), std::move(remembered)});
    }
    return apps;
}

ActiveChanges Supervisor::Core::active() const {
    ActiveChanges changes;
    for (state::ChangeView& change : state.active_changes()) {
        std::string subject = change.subject;
        changes.try_emplace(std::move(subject), std::move(change));
    }
    return changes;
}

Inputs Supervisor::Core::inputs(const manifests::Desired& desired,
                                const observe::Observed& observed,
                                const std::set<std::string>& busy_before,
                                const WorldFacts& facts,
                                AppsAside set_aside) const {
    Inputs made{.desired = desired,
                .observed = observed,
                .busy_before = busy_before,
                .facts = facts,
                .aside = std::move(set_aside),
                .index = ObservedIndex(observed, state.owner()),
                .stored = stored(),
                .active = active(),
                .read_only = state.health().read_only,
                .hashes = {},
                .versions = {},
                .trouble = {},
                .readiness = readiness(),
                .owner = state.owner(),
                .owner_file = state.owner_file().string(),
                .now = now(),
                .wall = wall(),
                .steady = clock.steady_now(),
                .shutting_down = shutting_down,
                .down_by = down_by};
    add_hashes(made);
    look_up_versions(made);
    return made;
}

}  // namespace podreeve::supervise
