#include "agent/plan/unit_decision.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/plan/companions.h"
#include "quadlet/names.h"
#include "runtime/base/utf8.h"

namespace podreeve::plan {
namespace {

using manifests::CompanionSpec;
using manifests::UnitRestart;
using observe::InstalledText;
using observe::InstalledUnit;
using quadlet::UnitType;
using systemd::UnitState;

enum class InstalledState { Same, Absent, Edited, Changed };

const InstalledText* installed_text(const InstalledUnit& unit, const std::string& drop_in) {
    if (drop_in.empty()) {
        return &unit.file;
    }
    const auto it = unit.drop_ins.find(drop_in);
    return it == unit.drop_ins.end() ? nullptr : &it->second;
}

// deployed: these files stood once, so that one that is missing was taken away.
InstalledState state_of(const CompanionView& view, const InstalledUnit* unit, bool deployed) {
    if (unit == nullptr) {
        return InstalledState::Absent;
    }
    InstalledState state = InstalledState::Same;
    for (const UnitFileView& file : view.files) {
        const InstalledText* text = installed_text(*unit, file.drop_in);
        const bool other = text != nullptr && !text->hash.empty() && text->hash != file.hash;
        if (other || (text == nullptr && !deployed)) {
            return InstalledState::Changed;
        }
        if (text == nullptr || !text->untouched) {
            state = InstalledState::Edited;
        }
    }
    for (const auto& [name, text] : unit->drop_ins) {
        const bool wanted =
            std::any_of(view.files.begin(), view.files.end(),
                        [&, &name = name](const auto& file) { return file.drop_in == name; });
        if (text.ours && !wanted) {
            return InstalledState::Changed;
        }
    }
    return state;
}

// Of the file on disk while it says the same as the manifest, whoever edited around it.
std::uint64_t generation_of(const UnitCase& app, InstalledState state, const InstalledUnit* unit) {
    const bool same = state == InstalledState::Same || state == InstalledState::Edited;
    return same && unit != nullptr && unit->file.generation > 0
               ? unit->file.generation
               : static_cast<std::uint64_t>(app.policy.generation);
}

bool is_known(const UnitState* state) {
    return state != nullptr && state->load_state != "not-found";
}

// A generator that is blind for long is not asked in each pass.
constexpr std::chrono::minutes kReloadAgain{1};

class UnitEvaluator {
  public:
    UnitEvaluator(const UnitCase& app,
                  const CompanionSpec& spec,
                  const CompanionView& view,
                  std::vector<Condition>& conditions)
        : app_(app), conditions_(conditions), found_(app.seen.find(app.name, spec.part)) {
        out_.spec = &spec;
        out_.view = &view;
    }

    UnitDecision evaluate() {
        if (has_conflict()) {
            return std::move(out_);
        }
        file_ = state_of(*out_.view, found_, app_.deployed);
        out_.generation = generation_of(app_, file_, found_);
        if (file_ != InstalledState::Same && may_install()) {
            install();
        }
        if (!out_.install && found_ == nullptr) {
            return std::move(out_);  // a condition says why
        }
        report_foreign_drop_ins();
        look_for_reload();
        for (const std::string& service : out_.view->services) {
            out_.services.push_back(evaluate_service(service));
        }
        return std::move(out_);
    }

  private:
    void complain(std::string type, std::string reason, std::string message) {
        conditions_.push_back(
            {std::move(type), std::move(reason), std::move(message), out_.spec->part});
    }

    bool has_conflict() {
        const std::string& part = out_.spec->part;
        if (found_ != nullptr && !found_->file.ours) {
            complain("Conflict", "UnitFileExists",
                     fmt::format("{} is there and was not installed by this agent; move it away",
                                 found_->path));
            return true;
        }
        for (const std::string& service : out_.view->services) {
            const UnitState* state = app_.seen.unit(service);
            if (is_known(state) && !state->is_masked() && !is_ours(app_, part, *state)) {
                const bool is_source = state->is_generated() && !state->source_path.empty();
                const std::string other =
                    (is_source ? state->source_path : state->fragment_path).string();
                read_again_if_outdated(service, *state);
                complain("Conflict", "UnitExists",
                         fmt::format("cannot install {}: the unit {} is that of {}; move it away, "
                                     "or give the companion another name",
                                     part, service, other));
                return true;
            }
        }
        return has_conflict_in_podman();
    }

    // What is in the way may be gone, and systemd not have noticed.
    void read_again_if_outdated(const std::string& service, const UnitState& state) {
        const Duration since_load = app_.observed.at - app_.seen.units->loaded_at;
        if (state.needs_reload && (since_load >= kReloadAgain || since_load < Duration{})) {
            out_.why_reload = fmt::format("systemd has not read the files of {} yet", service);
        }
    }

    // Quadlet starts its containers with --replace: what is in the way would be gone.
    bool has_conflict_in_podman() {
        const UnitType type = out_.view->type;
        if (type != UnitType::Container || out_.view->resource.empty() ||
            out_.view->services.size() != 1) {
            return false;
        }
        const auto* container = app_.observed.container_named(out_.view->resource);
        if (container == nullptr || unit_of_container(*container) == out_.view->services.front()) {
            return false;
        }
        complain("Conflict", "ContainerExists",
                 fmt::format("the container {} is there and is not that of {}, which would replace "
                             "it; rename or remove it",
                             container->name, out_.view->services.front()));
        return true;
    }

    static std::string unit_of_container(const podman::ContainerSummary& container) {
        const auto it = container.labels.find(observe::kLabelSystemdUnit);
        return it == container.labels.end() ? std::string() : it->second;
    }

    bool may_install() {
        if (!out_.view->wrong.empty()) {
            complain("UnitRefused", "NotForThisPodman", out_.view->wrong.front() + former());
            return false;
        }
        const auto refused = app_.refused.find(out_.spec->part);
        if (refused != app_.refused.end()) {
            complain("UnitRefused", "GeneratorRefuses", refused->second + former());
            return false;
        }
        return true;
    }

    std::string former() const { return found_ == nullptr ? "" : "; the version before stays"; }

    void install() {
        out_.install = true;
        switch (file_) {
            case InstalledState::Absent:
                out_.why_install = "absent";
                break;
            case InstalledState::Edited:
                out_.why_install = "somebody has changed it";
                break;
            default:
                out_.why_install = "the manifest says otherwise";
        }
        keep_time();
    }

    // What runs since before the file was edited, or taken away, runs the text that is put back:
    // its file must not look younger than it is.
    void keep_time() {
        const bool same_text = file_ == InstalledState::Edited ||
                               (file_ == InstalledState::Absent && app_.deployed &&
                                app_.policy.companions.deployed_parts.contains(out_.spec->part));
        if (!same_text || out_.view->services.empty()) {
            return;
        }
        std::optional<WallTime> first;
        for (const std::string& service : out_.view->services) {
            const UnitState* state = app_.seen.unit(service);
            if (state == nullptr || !state->is_active() ||
                (found_ != nullptr && state->active_since > found_->modified())) {
                return;
            }
            first = first ? std::min(*first, state->active_since) : state->active_since;
        }
        out_.since = first;
    }

    // Left where they are, but what runs is not only what the manifest says.
    void report_foreign_drop_ins() {
        if (found_ == nullptr) {
            return;
        }
        for (const auto& [name, text] : found_->drop_ins) {
            if (!text.ours) {
                complain("ForeignDropIn", "DropInExists",
                         fmt::format("{}.d/{} is not podreeve's and changes what runs; put it "
                                     "beside the manifest, or remove it",
                                     found_->path, clean_text(name)));
            }
        }
    }

    // A time in the future tells nothing: whatever comes after would be older until then.
    bool is_file_newer_than(WallTime time) const {
        const WallTime modified = found_->modified();
        return modified > time && modified <= app_.observed.at;
    }

    void look_for_reload() {
        // Nobody was asked when nothing of all companions runs by itself.
        const WallTime loaded_at = app_.seen.units->loaded_at;
        if (found_ != nullptr && !out_.install && loaded_at != WallTime{} &&
            is_file_newer_than(loaded_at)) {
            out_.why_reload = fmt::format("systemd has not read {} yet", out_.spec->part);
        }
        for (const std::string& service : out_.view->services) {
            const UnitState* state = app_.seen.unit(service);
            if (state != nullptr && state->needs_reload) {
                out_.why_reload = fmt::format("systemd has not read the files of {} yet", service);
            }
            if (out_.why_reload.empty() && has_lost(state, loaded_at)) {
                out_.why_reload = fmt::format("systemd has lost {}", service);
                is_lost_ = true;
            }
        }
    }

    // Somebody's reload while Quadlet's generator could not run, or read the folder, as in the
    // midst of an upgrade of podman, leaves systemd without units that it had.
    bool has_lost(const UnitState* state, WallTime loaded_at) const {
        const Duration since_load = app_.observed.at - loaded_at;
        return app_.deployed && file_ == InstalledState::Same && !is_known(state) &&
               !app_.refused.contains(out_.spec->part) &&
               (since_load >= kReloadAgain || since_load < Duration{});
    }

    UnitServiceDecision evaluate_service(const std::string& service) {
        UnitServiceDecision out{service, UnitAct::Leave, ""};
        const UnitState* state = app_.seen.unit(service);
        // Whether a unit that was lost is there after the reload, the next pass sees.
        const bool will_load = out_.install || (!out_.why_reload.empty() && !is_lost_);
        if (state != nullptr && state->is_masked()) {
            complain(
                "Masked", "UnitMasked",
                fmt::format("{} is masked: unmask it, or `podreeve stop {}`", service, app_.name));
        } else if (!is_known(state) && (state == nullptr || state->is_down()) && !will_load) {
            complain("UnitRefused", "NotGenerated", not_generated(service));
        } else if (is_known(state) && state->load_state != "loaded" && !will_load) {
            complain("UnitRefused", "NotLoaded",
                     fmt::format("systemd cannot load {}: {}", service, state->load_error));
        } else if (state == nullptr || state->is_down()) {
            start(state, out);
        } else if (state->is_active() && !state->has_job) {
            evaluate_active(*state, out);
        }
        return out;
    }

    std::string not_generated(const std::string& service) const {
        const auto refused = app_.refused.find(out_.spec->part);
        return refused != app_.refused.end()
                   ? refused->second
                   : fmt::format("Quadlet has made no {} of {}: see the journal of its generator",
                                 service, out_.spec->part);
    }

    void start(const UnitState* state, UnitServiceDecision& out) {
        const bool ran_well = state != nullptr && out_.view->ends && state->has_ended_well();
        if ((state != nullptr && state->has_job) || (ran_well && !out_.install) || is_held() ||
            is_resting(out.name)) {
            return;
        }
        const bool failed = state != nullptr && state->active_state == "failed";
        const bool limit = failed && state->result == "start-limit-hit";
        out.act = limit ? UnitAct::ResetAndStart : UnitAct::Start;
        out.reason = failed ? fmt::format("failed: {}", state->result) : "not active";
    }

    bool is_held() {
        const CompanionPolicy& own = app_.policy.companions;
        const auto part = own.parts.find(out_.spec->part);
        const PartPolicy* hold = part == own.parts.end() ? nullptr : &part->second;
        if (hold != nullptr && hold->hold_start) {
            complain("Blocked", "Waiting", hold->why);
            return true;
        }
        return false;
    }

    // Another version may be what mends it.
    bool is_resting(const std::string& service) {
        const auto& resting = app_.policy.companions.resting;
        const auto why = resting.find(service);
        if (out_.install || why == resting.end()) {
            return false;
        }
        complain("Blocked", "BackingOff", why->second);
        return true;
    }

    void evaluate_active(const UnitState& state, UnitServiceDecision& out) {
        const std::string gone = what_is_gone(state, out.name);
        if (!gone.empty() && !is_held()) {
            out = {out.name, UnitAct::Restart, gone};
            return;
        }
        const auto& foreign = app_.policy.companions.foreign_runs;
        const bool is_foreign = foreign.contains(out.name);
        const bool changed = out_.install ? !out_.since : is_file_newer_than(state.active_since);
        if (!changed && !is_foreign) {
            return;
        }
        switch (out_.spec->restart) {
            case UnitRestart::Now:
                if (!is_held()) {
                    out = {out.name, UnitAct::Restart,
                           is_foreign ? "it runs what another unit file says"
                                      : "its unit file is newer than it"};
                }
                return;
            case UnitRestart::OnNextStart:
                return;
            case UnitRestart::Report:
                complain("RestartPending", "UnitFileIsNewer",
                         fmt::format("{} runs {} version of {}; `podreeve restart {}` starts "
                                     "the new one",
                                     out.name, is_foreign ? "another" : "an older", out_.spec->part,
                                     app_.name));
                return;
        }
    }

    // What an active unit should have made in podman, and is not there.
    std::string what_is_gone(const UnitState& state, const std::string& service) const {
        if (state.active_since + kConverged > app_.observed.at) {
            return {};
        }
        const std::string& name = out_.view->resource;
        const auto& volumes = app_.seen.volumes;
        const auto& networks = app_.seen.networks;
        switch (out_.view->type) {
            case UnitType::Volume:
                return volumes && !name.empty() && !volumes->contains(name)
                           ? fmt::format("the volume {} is gone", name)
                           : "";
            case UnitType::Network:
                return networks && !name.empty() && !networks->contains(name)
                           ? fmt::format("the network {} is gone", name)
                           : "";
            case UnitType::Container:
                break;
            default:
                return {};
        }
        const auto& containers = app_.observed.containers;
        const bool there =
            out_.view->one_shot || std::any_of(containers.begin(), containers.end(),
                                               [&](const podman::ContainerSummary& container) {
                                                   return unit_of_container(container) == service;
                                               });
        return there ? "" : "its container is gone";
    }

    const UnitCase& app_;
    std::vector<Condition>& conditions_;
    const InstalledUnit* found_;
    InstalledState file_ = InstalledState::Same;
    bool is_lost_ = false;  // systemd had the unit, and knows of none now
    UnitDecision out_;
};

}  // namespace

UnitDecision evaluate_unit(const UnitCase& app,
                           const CompanionSpec& companion,
                           const CompanionView& view,
                           std::vector<Condition>& conditions) {
    return UnitEvaluator(app, companion, view, conditions).evaluate();
}

std::vector<std::string> services_of(const InstalledUnit& unit) {
    if (unit.service.empty()) {
        return {};
    }
    if (!unit.templated) {
        return {unit.service};
    }
    std::vector<std::string> out;
    for (const std::string& instance : unit.instances) {
        if (auto service = quadlet::instance_of(unit.service, instance)) {
            out.push_back(std::move(*service));
        }
    }
    return out;
}

std::string file_of(const InstalledUnit& unit) {
    return unit.path.substr(unit.path.rfind('/') + 1);
}

bool is_ours(const UnitCase& app, const std::string& file_name, const UnitState& state) {
    return state.load_state == "not-found" || app.seen.is_made_from(app.name, file_name, state);
}

}  // namespace podreeve::plan
