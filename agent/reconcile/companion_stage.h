#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/handlers/companion_world.h"
#include "agent/observe/ended_jobs.h"
#include "agent/observe/observed.h"
#include "agent/observe/unit_folder.h"
#include "agent/plan/companions.h"
#include "agent/reconcile/unit_trials.h"
#include "agent/state/state.h"
#include "agent/supervise/supervisor.h"
#include "manifests/model.h"
#include "runtime/base/disk_directory.h"
#include "runtime/podman/client.h"
#include "runtime/systemd/quadlet_generator.h"
#include "runtime/systemd/unit_watch.h"

namespace podreeve::reconcile {

// Where companions are installed and who runs them.
struct CompanionHost {
    // podreeve's own folder in Quadlet's directory.
    std::filesystem::path folder;
    quadlet::StampOwner owner;
    // A folder of the agent's own, in which the generator is tried.
    DiskDirectory scratch;
    bool user = true;
    // As systemd::find_quadlet() answers; asked at each look, since podman can be installed later.
    std::function<std::variant<systemd::QuadletGenerator, systemd::NoQuadlet>()> find_quadlet;
    // Through which the agent makes its daemon-reloads; nullptr: it makes none.
    handlers::ReloadGate* reloads = nullptr;
    Duration look_within = std::chrono::seconds(2);      // at systemd's units: apps wait for it
    Duration folder_patience = std::chrono::seconds(2);  // with the file system of the folder
};

// The second stage of a pass (after the boot reconciler's companions): looks at what is installed
// and how systemd has it, tries new units with Quadlet's own generator, and plans. It runs after
// the changes of the first stage are committed, so that it holds up none of them. While no manifest
// has companions and none is installed it looks at nothing and asks nobody. One pass at a time;
// blocks on the disk, on systemd and, for new units, on the generator.
class CompanionStage {
  public:
    CompanionStage(CompanionHost host, systemd::UnitWatch& watch, const Clock& clock);

    // Into observed.companions; nothing when there are none.
    void look(const manifests::Desired& desired,
              observe::Observed& observed,
              podman::Client& podman,
              std::stop_token stop);

    // Into plan.companions. What is effective is looked at and watched from then on.
    void plan(const manifests::Desired& desired,
              const supervise::Prepared& prepared,
              const observe::Observed& observed,
              plan::Plan& plan,
              std::stop_token stop);
    // The same for who only asks: what is looked at and watched stays.
    void preview(const manifests::Desired& desired,
                 const supervise::Prepared& prepared,
                 const observe::Observed& observed,
                 plan::Plan& plan,
                 std::stop_token stop);

    // While it lives, daemon-reloads wait for what is committed meanwhile.
    handlers::ReloadGate::Committing committing() const {
        return handlers::ReloadGate::Committing(host_.reloads);
    }

    // Whether the installed files are being changed by somebody, as `rm -r` or rsync do it file by
    // file: what is seen is neither what was nor what will be. True until two looks a moment apart
    // agree, and for kLongestChange at most.
    bool is_changing() const;

    static constexpr std::chrono::milliseconds kQuiet{200};
    static constexpr std::chrono::seconds kLongestChange{5};

    // What is under way by now is what an earlier run of the agent had begun. Before the first
    // change of this run is committed; later calls say nothing new.
    void note_under_way(const state::State& state);
    // Whether plans may be carried out: not while what an earlier run of the agent had begun on
    // apps is being finished, for half an hour at most (the boot reconciler's wait for crash
    // recovery).
    bool may_act(const state::State& state);

    // While it may not: when to ask again.
    static constexpr std::chrono::seconds kAskAgain{5};
    static constexpr std::chrono::minutes kLongestWait{30};

  private:
    Result<std::map<std::string, observe::InstalledUnits>> look_at_files(
        const quadlet::PodmanRelease& podman);
    std::set<std::string> services_to_watch(const observe::Companions& seen) const;
    void look_at_systemd(observe::Companions& seen, std::stop_token stop);
    void look_again(observe::Companions& seen, const quadlet::Target& target);
    void look_at_podman(observe::Observed& observed, podman::Client& podman, std::stop_token stop);
    plan::CompanionViews views_of(const supervise::Prepared& prepared,
                                  const observe::Observed& observed) const;
    std::map<std::string, plan::AppPlan> plan_of(const plan::CompanionViews& views,
                                                 const manifests::Desired& desired,
                                                 const supervise::Prepared& prepared,
                                                 const observe::Observed& observed,
                                                 std::stop_token stop);
    const std::map<std::string, std::string>& try_units(const plan::CompanionViews& views,
                                                        const observe::Companions& seen,
                                                        std::stop_token stop);

    CompanionHost host_;
    systemd::UnitWatch& watch_;
    const Clock& clock_;
    observe::UnitFolder folder_;
    // Of the change of files that goes on: the look that saw its begin and the last that saw more.
    std::optional<SteadyTime> changing_since_, changed_at_;
    observe::EndedJobs ended_jobs_;
    plan::CompanionViews wanted_, effective_;
    std::optional<systemd::QuadletGenerator> generator_;
    UnitTrials trials_;
    std::optional<SteadyTime> waits_since_;
    std::set<state::ChangeId> recovering_;
};

}  // namespace podreeve::reconcile
