#include "agent/plan/companions.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/plan/hashes.h"
#include "agent/plan/step_graph.h"
#include "agent/plan/unit_decision.h"
#include "runtime/base/in_hand.h"

namespace podreeve::plan {
namespace {

using manifests::AppSpec;
using manifests::CompanionSpec;
using nlohmann::json;

// One app's companions while their steps are put together.
class CompanionSteps {
  public:
    CompanionSteps(const UnitCase& app, AppPlan& plan, bool deploy)
        : app_(app), plan_(plan), graph_(plan, deploy), deploy_(deploy) {}

    void bring_up(std::vector<UnitDecision> decisions,
                  const std::vector<const observe::InstalledUnit*>& surplus) {
        decisions_ = std::move(decisions);
        const bool files = !surplus.empty() || std::any_of(decisions_.begin(), decisions_.end(),
                                                           [](const auto& v) { return v.install; });
        if (deploy_ && files) {
            note(surplus);
        }
        for (const observe::InstalledUnit* unit : surplus) {
            take_away(*unit);
        }
        for (const UnitDecision& decision : decisions_) {
            install(decision);
        }
        reload();
        for (const observe::InstalledUnit* unit : surplus) {
            clear(*unit);
        }
        for (const UnitDecision& decision : decisions_) {
            start(decision);
        }
    }

    // Everything goes, in the reverse order of starting.
    void take_down(const std::vector<const observe::InstalledUnit*>& units) {
        note(units);
        std::vector<const observe::InstalledUnit*> order = units;
        std::reverse(order.begin(), order.end());
        After stopped;
        for (const observe::InstalledUnit* unit : order) {
            stopped = stopped + stop(*unit, noted_);
        }
        for (const observe::InstalledUnit* unit : order) {
            remove(*unit, noted_ + stopped);
        }
        reload();
        for (const observe::InstalledUnit* unit : order) {
            clear(*unit);
        }
    }

  private:
    void note(const std::vector<const observe::InstalledUnit*>& surplus) {
        json services = json::array();
        for (const UnitDecision& decision : decisions_) {
            for (const std::string& service : decision.view->services) {
                services.push_back(service);
            }
        }
        for (const observe::InstalledUnit* unit : surplus) {
            for (const std::string& service : services_of(*unit)) {
                services.push_back(service);
            }
        }
        noted_ = {graph_.add({StepKind::NoteUnits, "", plan_.app, "", "",
                              "has systemd read the former files and start what ran of them"},
                             {{"services", services}}, {})};
    }

    After stop(const observe::InstalledUnit& unit, const After& after) {
        After out;
        for (const std::string& service : services_of(unit)) {
            const systemd::UnitState* state = app_.seen.unit(service);
            if (state != nullptr && (state->is_down() || !may_stop(unit, *state))) {
                continue;
            }
            out.push_back(
                graph_.add({StepKind::StopUnit, file_of(unit), service, "", "unwanted", ""},
                           json::object(), after));
        }
        return out;
    }

    // Another's of the same name, which goes before ours, is left.
    bool may_stop(const observe::InstalledUnit& unit, const systemd::UnitState& state) const {
        return state.is_masked() || is_ours(app_, file_of(unit), state);
    }

    void remove(const observe::InstalledUnit& unit, const After& after) {
        changed_.push_back(graph_.add({StepKind::RemoveUnit, file_of(unit), file_of(unit), "",
                                       "unwanted", "writes the file as it was"},
                                      {{"folder", app_.name}}, after));
    }

    void take_away(const observe::InstalledUnit& unit) {
        remove(unit, noted_ + stop(unit, noted_));
    }

    void clear(const observe::InstalledUnit& unit) {
        for (const std::string& service : services_of(unit)) {
            const systemd::UnitState* state = app_.seen.unit(service);
            if (state != nullptr && !state->is_down() && !may_stop(unit, *state)) {
                continue;
            }
            graph_.add({StepKind::RemoveLeftover, file_of(unit), service, "", "", ""},
                       {{"container", unit.templated ? "" : unit.resource}}, reloaded_);
        }
    }

    void install(const UnitDecision& decision) {
        if (!decision.install) {
            return;
        }
        json details = {{"folder", app_.name},
                        {"generation", decision.generation},
                        {"own_drop_in", decision.view->own_drop_in}};
        if (decision.since) {
            details["since"] = decision.since->time_since_epoch().count();
        }
        changed_.push_back(
            graph_.add({StepKind::InstallUnit, decision.spec->part, decision.spec->part, "",
                        decision.why_install, "writes the file as it was"},
                       std::move(details), noted_));
    }

    void reload() {
        const auto stale = std::find_if(decisions_.begin(), decisions_.end(),
                                        [](const auto& v) { return !v.why_reload.empty(); });
        if (changed_.empty() && stale == decisions_.end()) {
            return;
        }
        const std::string why =
            changed_.empty() ? stale->why_reload : std::string("unit files have changed");
        reloaded_ = {graph_.add({StepKind::ReloadUnits, "", plan_.app, "", why, ""},
                                {{"reloads", app_.seen.reloads}}, changed_)};
    }

    // Of the other units of this app that it uses or waits for.
    After started_before(const UnitDecision& decision) const {
        After after;
        for (const UnitDecision& other : decisions_) {
            const std::string& part = other.spec->part;
            const auto& uses = decision.view->uses;
            const auto& waits = decision.spec->depends_on;
            const bool first = std::find(uses.begin(), uses.end(), part) != uses.end() ||
                               std::any_of(waits.begin(), waits.end(),
                                           [&](const auto& on) { return on.companion == part; });
            const auto steps = starts_.find(part);
            if (first && steps != starts_.end()) {
                after = after + steps->second;
            }
        }
        return after;
    }

    void start(const UnitDecision& decision) {
        const After before = reloaded_ + started_before(decision);
        for (const UnitServiceDecision& service : decision.services) {
            if (service.act == UnitAct::Leave) {
                continue;
            }
            After after = before;
            if (service.act == UnitAct::ResetAndStart) {
                after = {graph_.add({StepKind::ResetFailed, decision.spec->part, service.name, "",
                                     service.reason, ""},
                                    json::object(), after)};
            }
            const bool again = service.act == UnitAct::Restart;
            starts_[decision.spec->part].push_back(graph_.add(
                {again ? StepKind::RestartUnit : StepKind::StartUnit, decision.spec->part,
                 service.name, "", service.reason, again ? "" : "stops it"},
                {{"spec_part", decision.spec->part}}, std::move(after)));
        }
    }

    const UnitCase& app_;
    AppPlan& plan_;
    StepGraph graph_;
    bool deploy_;
    std::vector<UnitDecision> decisions_;
    After noted_, changed_, reloaded_;
    std::map<std::string, After> starts_;  // by part
};

// The files that it names and those that it waits for.
std::vector<std::string> used_by(const CompanionSpec& companion, const CompanionViews& views) {
    const CompanionView* view = views.find(companion.part);
    std::vector<std::string> used = view == nullptr ? std::vector<std::string>() : view->uses;
    for (const manifests::Dependency& on : companion.depends_on) {
        used.push_back(on.companion);
    }
    return used;
}

// Those that others use first.
std::vector<const CompanionSpec*> in_order(const AppSpec& spec, const CompanionViews& views) {
    std::vector<const CompanionSpec*> out;
    std::set<std::string> seen;
    const auto visit = [&](const auto& self, const CompanionSpec& companion) -> void {
        if (!seen.insert(companion.part).second) {
            return;
        }
        for (const std::string& part : used_by(companion, views)) {
            if (const CompanionSpec* other = spec.find_companion(part)) {
                self(self, *other);
            }
        }
        out.push_back(&companion);
    };
    for (const CompanionSpec& companion : spec.companions) {
        visit(visit, companion);
    }
    return out;
}

class AppCompanions {
  public:
    AppCompanions(const CompanionInputs& in, const std::string& name) : in_(in), name_(name) {
        plan_.app = name;
        plan_.companions = true;
        const auto spec = in.specs.find(name);
        spec_ = spec == in.specs.end() ? nullptr : spec->second;
        const auto policy = in.policy.apps.find(name);
        policy_ = policy == in.policy.apps.end() ? AppPolicy() : policy->second;
        if (spec_) {
            plan_.spec = hashes_of(spec_)->app;
            plan_.generation = policy_.generation;
        }
    }

    AppPlan plan() {
        if (!in_.observed.companions || policy_.companions.busy) {
            return std::move(plan_);
        }
        if (!policy_.set_aside.empty()) {
            plan_.conditions.push_back(set_aside(policy_.set_aside));
            return std::move(plan_);
        }
        if (!policy_.trouble.empty()) {
            plan_.conditions.push_back(internal_error(policy_.trouble));
            return std::move(plan_);
        }
        const observe::Companions& seen = *in_.observed.companions;
        if (!seen.no_quadlet.empty()) {
            complain("NoQuadlet", "CannotRunHere", seen.no_quadlet);
        } else if (!seen.folder_error.empty()) {
            complain("Unknown", "UnitFilesUnknown", seen.folder_error);
        } else if (const auto why = seen.unreadable.find(name_); why != seen.unreadable.end()) {
            complain("Unknown", "UnitFilesUnknown",
                     why->second + "; make it readable, or remove it");
        } else if (!seen.units) {
            complain("Unknown", "SystemdUnknown", seen.units_error);
        } else {
            plan_known(seen);
        }
        return std::move(plan_);
    }

  private:
    void complain(std::string type,
                  std::string reason,
                  std::string message,
                  std::string part = {}) {
        plan_.conditions.push_back(
            {std::move(type), std::move(reason), std::move(message), std::move(part)});
    }

    std::vector<const observe::InstalledUnit*> installed(const observe::Companions& seen,
                                                         bool surplus_only) const {
        std::vector<const observe::InstalledUnit*> out;
        const auto units = seen.installed.find(name_);
        if (units == seen.installed.end()) {
            return out;
        }
        for (const auto& [part, unit] : units->second) {
            const bool wanted = spec_ && spec_->find_companion(part) != nullptr;
            if (unit.file.ours && !(surplus_only && wanted)) {
                out.push_back(&unit);
            }
        }
        return out;
    }

    void plan_known(const observe::Companions& seen) {
        const bool deployed =
            spec_ && policy_.companions.deployed == manifests::companions_hash(*spec_);
        const UnitCase app{name_, seen, in_.observed, policy_, in_.refused, deployed};
        if (!spec_ || spec_->companions.empty()) {
            plan_removal(app, installed(seen, false));
        } else if (policy_.stopped) {
            plan_stop(app);
        } else {
            plan_up(app, installed(seen, true));
        }
    }

    void plan_removal(const UnitCase& app,
                      const std::vector<const observe::InstalledUnit*>& units) {
        if (units.empty() || in_.broken.contains(name_)) {
            return;
        }
        if (const std::string why = spec_ ? "" : in_.removals.why_waits(name_); !why.empty()) {
            complain("RemovalHeld", "ManifestsUnknown", why);
            return;
        }
        CompanionSteps graph(app, plan_, true);
        graph.take_down(units);
        plan_.action = AppAction::Remove;
        hold_stop();
    }

    void plan_stop(const UnitCase& app) {
        StepGraph graph(plan_, false);
        After after;
        std::vector<const CompanionSpec*> order = in_order(*spec_, in_.views);
        std::reverse(order.begin(), order.end());
        for (const CompanionSpec* companion : order) {
            const observe::InstalledUnit* found = app.seen.find(name_, companion->part);
            if (found != nullptr && !found->file.ours) {
                continue;  // another agent keeps it
            }
            const CompanionView* view = in_.views.find(companion->part);
            for (const std::string& service :
                 view == nullptr ? std::vector<std::string>() : view->services) {
                const systemd::UnitState* state = app.seen.unit(service);
                if (state != nullptr && !state->is_down() &&
                    is_ours(app, companion->part, *state)) {
                    after = {graph.add(
                        {StepKind::StopUnit, companion->part, service, "", policy_.stop_why, ""},
                        json::object(), after)};
                }
            }
        }
        plan_.action = AppAction::Stop;
        hold_stop();
    }

    void hold_stop() {
        if (policy_.hold_stop && !plan_.steps.empty()) {
            plan_.steps.clear();
            complain("Blocked", "StopWaits", policy_.stop_why);
        }
        if (plan_.steps.empty()) {
            plan_.action = AppAction::None;
        }
    }

    // Why a companion of this app is not to be started just now; empty: it may be, or runs.
    std::string why_held(const observe::Companions& seen, const std::string& part) const {
        const CompanionView* view = in_.views.find(part);
        std::string why;
        for (const std::string& service :
             view == nullptr ? std::vector<std::string>() : view->services) {
            const systemd::UnitState* state = seen.unit(service);
            if (state != nullptr && state->is_active()) {
                return "";
            }
            const auto resting = policy_.companions.resting.find(service);
            why = resting == policy_.companions.resting.end() ? why : resting->second;
        }
        const auto hold = policy_.companions.parts.find(part);
        const bool held = hold != policy_.companions.parts.end() && hold->second.hold_start;
        return held ? fmt::format("{} {}", part, hold->second.why) : why;
    }

    // systemd starts with a unit what that requires, so that who uses a companion that is held is
    // held too.
    void hold_users(const observe::Companions& seen) {
        for (const CompanionSpec* companion : in_order(*spec_, in_.views)) {
            for (const std::string& part : used_by(*companion, in_.views)) {
                const std::string why =
                    spec_->find_companion(part) == nullptr ? "" : why_held(seen, part);
                if (!why.empty()) {
                    PartPolicy& own = policy_.companions.parts[companion->part];
                    own.why += (own.hold_start ? "; " : "") + why;
                    own.hold_start = true;
                }
            }
        }
    }

    void plan_up(const UnitCase& app, const std::vector<const observe::InstalledUnit*>& surplus) {
        hold_users(app.seen);
        std::vector<UnitDecision> decisions;
        bool changes = !surplus.empty();
        for (const CompanionSpec* companion : in_order(*spec_, in_.views)) {
            if (const CompanionView* view = in_.views.find(companion->part)) {
                UnitDecision decision = evaluate_unit(app, *companion, *view, plan_.conditions);
                changes = changes || decision.install;
                decisions.push_back(std::move(decision));
            }
        }
        // A file that is gone, or that somebody has edited, is mended; another version is deployed.
        const bool deploy = changes && !app.deployed;
        plan_.action = deploy ? AppAction::Deploy : AppAction::Repair;
        CompanionSteps(app, plan_, deploy).bring_up(std::move(decisions), surplus);
        if (plan_.steps.empty()) {
            plan_.action = AppAction::None;
        }
    }

    const CompanionInputs& in_;
    std::string name_;
    std::shared_ptr<const AppSpec> spec_;
    AppPolicy policy_;
    AppPlan plan_;
};

}  // namespace

std::map<std::string, AppPlan> plan_companions(const CompanionInputs& in) {
    std::set<std::string> names;
    for (const auto& [name, spec] : in.specs) {
        if (!spec->companions.empty()) {
            names.insert(name);
        }
    }
    if (in.observed.companions) {
        for (const auto& [name, units] : in.observed.companions->installed) {
            names.insert(name);
        }
        for (const auto& [name, why] : in.observed.companions->unreadable) {
            names.insert(name);
        }
    }
    std::map<std::string, AppPlan> out;
    for (const std::string& name : names) {
        AppPlan plan;
        if (const auto thrown =
                contained_in_hand(name, [&] { plan = AppCompanions(in, name).plan(); })) {
            plan = {};
            plan.app = name;
            plan.companions = true;
            plan.conditions.push_back(internal_error(*thrown));
        }
        out.emplace(name, std::move(plan));
    }
    return out;
}

}  // namespace podreeve::plan
