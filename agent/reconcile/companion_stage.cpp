#include "agent/reconcile/companion_stage.h"

#include <algorithm>

#include "agent/plan/removal.h"
#include "agent/plan/unit_decision.h"
#include "runtime/base/log.h"

namespace podreeve::reconcile {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

quadlet::Target target_of(const observe::Observed& observed, bool user) {
    const auto& version = observed.podman_version;
    return {{version.major, version.minor, version.patch}, user, {}};
}

bool has_type(const plan::CompanionViews& views, quadlet::UnitType type) {
    return std::any_of(views.by_part.begin(), views.by_part.end(),
                       [&](const auto& row) { return row.second.type == type; });
}

template <class Rows>
std::set<std::string> row_names(const Rows& rows) {
    std::set<std::string> out;
    for (const auto& row : rows) {
        out.insert(row.name);
    }
    return out;
}

}  // namespace

CompanionStage::CompanionStage(CompanionHost host, systemd::UnitWatch& watch, const Clock& clock)
    : host_(std::move(host)),
      watch_(watch),
      clock_(clock),
      folder_(host_.folder, host_.owner, std::make_shared<Patience>(host_.folder_patience)),
      trials_(host_.scratch, clock) {}

void CompanionStage::look(const manifests::Desired& desired,
                          observe::Observed& observed,
                          podman::Client& podman,
                          std::stop_token stop) {
    observe::Companions seen;
    const quadlet::Target target = target_of(observed, host_.user);
    wanted_ = plan::view_companions(desired.apps, target, host_.folder.string(), wanted_);
    auto installed = look_at_files(target.podman);
    const bool nothing_there = installed && installed->empty() && folder_.unreadable().empty();
    if (wanted_.by_part.empty() && nothing_there) {
        watch_.watch({});
        return;
    }
    seen.folder = host_.folder.string();
    seen.real_folder = folder_.real_path().string();
    seen.folder_error = installed ? "" : installed.error().message;
    seen.installed = installed ? std::move(*installed) : decltype(seen.installed){};
    seen.unreadable = folder_.unreadable();
    seen.reloads = host_.reloads != nullptr ? host_.reloads->count() : 0;
    for (const plan::CompanionViews* views : {&wanted_, &effective_}) {
        for (const auto& [part, view] : views->by_part) {
            seen.wanted.try_emplace(part, observe::WantedUnits{view.services, view.ends});
        }
    }
    auto found = host_.find_quadlet();
    if (const auto* none = std::get_if<systemd::NoQuadlet>(&found)) {
        seen.no_quadlet = none->why;
        generator_.reset();
    } else {
        generator_ = std::get<systemd::QuadletGenerator>(found);
    }
    if (seen.no_quadlet.empty()) {
        look_at_systemd(seen, stop);
        look_again(seen, target);
    }
    observed.companions = std::move(seen);
    if (observed.companions->units) {
        look_at_podman(observed, podman, stop);
    }
}

Result<std::map<std::string, observe::InstalledUnits>> CompanionStage::look_at_files(
    const quadlet::PodmanRelease& podman) {
    auto installed = folder_.look(podman);
    const SteadyTime now = clock_.steady_now();
    if (installed && folder_.has_changed()) {
        const bool goes_on = changed_at_ && now - *changed_at_ < kQuiet;
        changing_since_ = goes_on ? changing_since_ : now;
        changed_at_ = now;
    }
    return installed;
}

bool CompanionStage::is_changing() const {
    const SteadyTime now = clock_.steady_now();
    return changed_at_ && now - *changed_at_ < kQuiet && now - *changing_since_ < kLongestChange;
}

std::set<std::string> CompanionStage::services_to_watch(const observe::Companions& seen) const {
    std::set<std::string> names;
    for (const plan::CompanionViews* views : {&wanted_, &effective_}) {
        for (const auto& [part, view] : views->by_part) {
            names.insert(view.services.begin(), view.services.end());
        }
    }
    for (const auto& [app, units] : seen.installed) {
        for (const auto& [file, unit] : units) {
            for (std::string& service : plan::services_of(unit)) {
                names.insert(std::move(service));
            }
        }
    }
    return names;
}

void CompanionStage::look_at_systemd(observe::Companions& seen, std::stop_token stop) {
    watch_.watch(services_to_watch(seen));
    Result<systemd::UnitTable> units = watch_.look({host_.look_within, std::move(stop)});
    if (units) {
        seen.units = std::move(*units);
        ended_jobs_.recall(seen);
    } else {
        seen.units_error = units.error().message;
    }
}

// A file that went between the two looks would be read anew by systemd, and be missed after that.
void CompanionStage::look_again(observe::Companions& seen, const quadlet::Target& target) {
    const bool changed =
        seen.units && std::any_of(seen.units->units.begin(), seen.units->units.end(),
                                  [](const auto& row) { return row.second.needs_reload; });
    if (!changed || !seen.folder_error.empty()) {
        return;
    }
    if (auto installed = look_at_files(target.podman)) {
        seen.installed = std::move(*installed);
        seen.unreadable = folder_.unreadable();
    }
}

// A list that fails leaves its names unknown: then nothing counts as gone.
void CompanionStage::look_at_podman(observe::Observed& observed,
                                    podman::Client& podman,
                                    std::stop_token stop) {
    podman::CallOptions call;
    call.stop = std::move(stop);
    if (has_type(wanted_, quadlet::UnitType::Volume)) {
        if (const auto volumes = podman.list_volumes(call)) {
            observed.companions->volumes = row_names(*volumes);
        }
    }
    if (has_type(wanted_, quadlet::UnitType::Network)) {
        if (const auto networks = podman.list_networks(call)) {
            observed.companions->networks = row_names(*networks);
        }
    }
}

void CompanionStage::plan(const manifests::Desired& desired,
                          const supervise::Prepared& prepared,
                          const observe::Observed& observed,
                          plan::Plan& plan,
                          std::stop_token stop) {
    if (observed.companions) {
        effective_ = views_of(prepared, observed);
        plan.companions = plan_of(effective_, desired, prepared, observed, std::move(stop));
    }
}

void CompanionStage::preview(const manifests::Desired& desired,
                             const supervise::Prepared& prepared,
                             const observe::Observed& observed,
                             plan::Plan& plan,
                             std::stop_token stop) {
    if (observed.companions) {
        plan.companions =
            plan_of(views_of(prepared, observed), desired, prepared, observed, std::move(stop));
    }
}

plan::CompanionViews CompanionStage::views_of(const supervise::Prepared& prepared,
                                              const observe::Observed& observed) const {
    return plan::view_companions(prepared.companions, target_of(observed, host_.user),
                                 host_.folder.string(), effective_);
}

std::map<std::string, plan::AppPlan> CompanionStage::plan_of(const plan::CompanionViews& views,
                                                             const manifests::Desired& desired,
                                                             const supervise::Prepared& prepared,
                                                             const observe::Observed& observed,
                                                             std::stop_token stop) {
    std::set<std::string> broken;
    for (const manifests::AppProblem& problem : desired.problems) {
        broken.insert(problem.app);
    }
    return plan::plan_companions({prepared.companions, views, observed, prepared.policy,
                                  try_units(views, *observed.companions, std::move(stop)),
                                  plan::removal_limits(desired, prepared.policy),
                                  std::move(broken)});
}

const std::map<std::string, std::string>& CompanionStage::try_units(
    const plan::CompanionViews& views, const observe::Companions& seen, std::stop_token stop) {
    return generator_ && seen.units ? trials_.refused(views, *generator_, std::move(stop))
                                    : trials_.refused();
}

void CompanionStage::note_under_way(const state::State& state) {
    if (waits_since_) {
        return;
    }
    waits_since_ = clock_.steady_now();
    for (const state::AppRecord& record : state.apps()) {
        if (const auto change = state.active_change_of(record.name)) {
            recovering_.insert(change->id);
        }
    }
}

bool CompanionStage::may_act(const state::State& state) {
    note_under_way(state);
    std::erase_if(recovering_, [&](state::ChangeId id) {
        const auto change = state.change(id);
        return !change || change->is_ready;
    });
    if (!recovering_.empty() && clock_.steady_now() - *waits_since_ >= kLongestWait) {
        log::warn(
            "what was under way when the agent started has not ended within 30 minutes: companions "
            "are kept all the same");
        recovering_.clear();
    }
    return recovering_.empty();
}

}  // namespace podreeve::reconcile
