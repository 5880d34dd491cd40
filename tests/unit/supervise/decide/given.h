#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/plan/plan.h"
#include "agent/supervise/decide/decide.h"

namespace podreeve::supervise {

inline constexpr const char* kOwner = "0123456789abcdef";

// What is given to decide(), written down by hand: no state, no clock, no podman.
struct Given {
    // An app of one container that is called as the app is.
    static manifests::AppSpec app(const std::string& name, const std::string& image = "image:1") {
        manifests::AppSpec spec;
        spec.name = name;
        manifests::ContainerSpec container;
        container.part = container.name = name;
        container.image = image;
        spec.containers.push_back(container);
        return spec;
    }

    SpecPointer wants(manifests::AppSpec spec) {
        const auto pointer = std::make_shared<const manifests::AppSpec>(std::move(spec));
        desired.apps[pointer->name] = pointer;
        return pointer;
    }

    podman::ContainerSummary& has(const std::string& app, podman::ContainerState state) {
        podman::ContainerSummary container;
        container.id = "id-" + app;
        container.name = app;
        container.state = state;
        container.labels = {
            {observe::kLabelApp, app}, {observe::kLabelPart, app}, {observe::kLabelOwner, kOwner}};
        return observed.containers.emplace_back(container);
    }

    StoredApp& remembers(const std::string& app) {
        StoredApp& known = stored[app];
        known.record.name = app;
        return known;
    }

    Inputs inputs() const {
        Inputs made{.desired = desired,
                    .observed = observed,
                    .busy_before = busy,
                    .facts = facts,
                    .aside = aside,
                    .index = ObservedIndex(observed, kOwner),
                    .stored = stored,
                    .active = active,
                    .read_only = read_only,
                    .hashes = {},
                    .versions = versions,
                    .trouble = trouble,
                    .readiness = readiness,
                    .owner = kOwner,
                    .owner_file = "",
                    .now = now,
                    .wall = now,
                    .steady = steady,
                    .shutting_down = shutting_down,
                    .down_by = {}};
        for (const auto& [name, spec] : desired.apps) {
            made.hashes[name] = manifests::spec_hash(*spec);
        }
        return made;
    }

    Decisions decisions() const { return decide(inputs(), memory); }

    manifests::Desired desired = {};
    observe::Observed observed = {};
    std::set<std::string> busy = {};
    WorldFacts facts = {};
    AppsAside aside = {};
    StoredApps stored = {};
    ActiveChanges active = {};
    bool read_only = false;
    LookedUpVersions versions = {};
    std::map<std::string, std::string> trouble = {};
    PartReadiness readiness = nullptr;
    WallTime now = WallTime(std::chrono::hours(500'000));
    SteadyTime steady = SteadyTime(std::chrono::hours(1));
    bool shutting_down = false;
    PassMemory memory = {};
};

}  // namespace podreeve::supervise
