#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "agent/observe/unit_folder.h"
#include "agent/plan/companions.h"
#include "manifests/companions.h"
#include "manifests/source.h"
#include "quadlet/naming.h"
#include "quadlet/stamp.h"

namespace podreeve::plan::companion_host {

inline constexpr const char* kFolder = "/q/podreeve";
inline const std::string kProxy = "[Container]\nImage=localhost/proxy\n";
inline const WallTime kNow{std::chrono::hours(500'000)};

// A host on which everything is as it should be, for a test to spoil.
class HostPicture {
  public:
    HostPicture() {
        seen.folder = kFolder;
        seen.units.emplace();
        seen.units->loaded_at = kNow - std::chrono::seconds(100);
        observed.at = kNow;
    }

    void want(const std::string& yaml) {
        const manifests::Compiled compiled = manifests::compile("/m/app.yaml", yaml);
        for (const Diagnostic& diagnostic : compiled.diagnostics) {
            ADD_FAILURE() << to_text(diagnostic);
        }
        specs[compiled.app->name] = compiled.app;
        policy.apps[compiled.app->name].generation = 3;
    }

    void want_bare(const std::string& file, const std::string& text) {
        const manifests::Compiled compiled =
            manifests::compile({"/m/" + file, "", {}, {{"/m/" + file, text, {}}}});
        ASSERT_TRUE(compiled.app) << to_text(compiled.diagnostics.at(0));
        specs[compiled.app->name] = compiled.app;
        policy.apps[compiled.app->name].generation = 3;
    }

    // Installs all that is wanted, and starts it.
    void bring_up() {
        for (const auto& [name, spec] : specs) {
            policy.apps[name].companions.deployed = manifests::companions_hash(*spec);
            for (const manifests::CompanionSpec& companion : spec->companions) {
                install(name, companion.part, companion.text);
                policy.apps[name].companions.deployed_parts.insert(companion.part);
            }
        }
        for (const auto& [part, view] : views().by_part) {
            for (const std::string& service : view.services) {
                run(service, fmt::format("{}/{}/{}", kFolder, view.app, part));
                if (view.type == quadlet::UnitType::Container) {
                    podman::ContainerSummary container;
                    container.id = container.name = "systemd-" + service;
                    container.labels[observe::kLabelSystemdUnit] = service;
                    observed.containers.push_back(container);
                }
            }
            if (!view.own_drop_in.empty()) {
                installed(view.app, part).drop_ins[quadlet::kOwnDropIn] =
                    text_of(view.own_drop_in, view.app);
            }
        }
    }

    static observe::InstalledText text_of(const std::string& text, const std::string& app) {
        observe::InstalledText out = observe::read_installed(*quadlet::stamped(text, app, 3));
        out.modified = kNow - std::chrono::seconds(200);
        return out;
    }

    void install(const std::string& app, const std::string& part, const std::string& text) {
        observe::InstalledUnit unit;
        unit.file = text_of(text, app);
        unit.path = fmt::format("{}/{}/{}", kFolder, app, part);
        const auto read = quadlet::Unit::read({unit.path, text}).unit;
        unit.service = quadlet::service_name(*read, quadlet::kNewestRelease);
        unit.templated = read->name().templated && read->name().instance.empty();
        seen.installed[app][part] = unit;
    }

    void run(const std::string& service, const std::string& source) {
        systemd::UnitState& state = seen.units->units[service];
        state.id = service;
        state.load_state = "loaded";
        state.active_state = "active";
        state.source_path = source;
        state.active_since = kNow - std::chrono::seconds(90);
        state.result = "success";
    }

    observe::InstalledUnit& installed(const std::string& app, const std::string& part) {
        return seen.installed.at(app).at(part);
    }

    systemd::UnitState& unit(const std::string& service) { return seen.units->units[service]; }

    CompanionViews views() const { return view_companions(specs, {}, kFolder); }

    std::map<std::string, AppPlan> plan() {
        observed.companions = seen;
        const CompanionViews all = views();
        return plan_companions({specs, all, observed, policy, refused, removals, broken});
    }

    // "repair: install-unit web.container, reload-units web; Masked"
    std::string reported(const std::string& app = "web") {
        const auto plans = plan();
        const auto it = plans.find(app);
        if (it == plans.end()) {
            return "none";
        }
        std::vector<std::string> steps, conditions;
        for (const Step& step : it->second.steps) {
            steps.push_back(fmt::format("{} {}", to_string(step.kind), step.object));
        }
        for (const Condition& condition : it->second.conditions) {
            conditions.push_back(condition.type);
            last_message = condition.message;
        }
        return fmt::format("{}: {}{}{}", to_string(it->second.action), fmt::join(steps, ", "),
                           conditions.empty() ? "" : "; ", fmt::join(conditions, " "));
    }

    AppSpecs specs;
    observe::Companions seen;
    observe::Observed observed;
    Policy policy;
    std::map<std::string, std::string> refused;
    std::string last_message;
    RemovalLimits removals;
    std::set<std::string> broken;
};

}  // namespace podreeve::plan::companion_host
