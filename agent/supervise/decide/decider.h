#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/supervise/decide/app_view.h"
#include "agent/supervise/decide/decide.h"
#include "agent/supervise/decide/inputs.h"
#include "agent/supervise/decide/shutdown_order.h"
#include "runtime/base/in_hand.h"

namespace podreeve::supervise {

// A crash-looping container whose backoff has ended: the governor says whether it is its turn.
struct CrashStart {
    WallTime due{};
    std::string app, part, why;
};

// The inside of decide(), for its own files: it builds the decisions up, step by step, from inputs
// that stay as they are. One call of decide() makes one.
class Decider {
  public:
    Decider(const Inputs& inputs, PassMemory memory)
        : in_(inputs), index_(inputs.index), carried_(std::move(memory)), stored_(inputs.stored) {}

    Decisions decide();

  private:
    // Runs what is about one app, unless that is set aside. What it throws is that app's trouble:
    // nothing of it is planned in this pass, and no other app is the worse for it. False: it did
    // not come to its end.
    template <class Act>
    bool contain(const std::string& app, Act act) {
        if (in_.aside.contains(app)) {
            return false;
        }
        if (auto thrown = contained_in_hand(app, act)) {
            policies()[app].trouble = std::move(*thrown);
            return false;
        }
        return true;
    }

    std::map<std::string, plan::AppPolicy>& policies() { return prepared_.policy.apps; }

    bool is_under_way(const std::string& subject) const { return in_.active.contains(subject); }

    bool is_busy(const std::string& app) const;
    const StoredApp* find_stored(const std::string& app) const;
    AppMemory memory_of(const std::string& app) const;
    // Null: it is not kept any more.
    SpecPointer accepted(const std::string& app, const std::string& hash) const;
    std::string hash_of(const std::string& app, const SpecPointer& spec) const;
    // What is to be remembered of an app.
    void keep(const std::string& app, AppMemory memory);
    void keep_number(const StoredApp& app);

    // decide.cpp
    void begin();
    void evaluate_apps();
    void add_known_apps();
    void forget_gone();
    void keep_next();
    // When runs that were not seen before were started. What podman says of one stays as it is,
    // however the clock is set afterwards.
    void note_run_starts();
    std::optional<WallTime> start_by_now(WallTime said) const;

    // versions.cpp: which version of an app is in force
    void take_autostart(const manifests::AppSpec& spec, StoredApp& app) const;
    bool was_stopped_before(const manifests::AppSpec& spec) const;
    StoredApp number(const std::string& app, const SpecPointer& spec) const;
    SpecPointer choose_version(const state::AppRecord& record, const SpecPointer& target) const;
    SpecPointer evaluate_app(const std::string& name, const SpecPointer& spec);
    void remember_version(const state::AppRecord& record, AppMemory& memory) const;
    void remember_health(const manifests::AppSpec& spec, AppMemory& memory);

    // exit_accounting.cpp: what has ended, and when it is started again
    void evaluate_parts(const manifests::AppSpec& spec, AppMemory& memory, plan::AppPolicy& policy);
    void evaluate_part(const std::string& app,
                       const manifests::ContainerSpec& spec,
                       const podman::ContainerSummary& container,
                       AppMemory& memory,
                       plan::AppPolicy& policy);
    bool is_of(const std::string& app, const std::map<std::string, std::string>& labels) const;
    void evaluate_infra(const manifests::AppSpec& spec, plan::AppPolicy& policy);
    bool is_stuck_on_its_way_out(const podman::ContainerSummary& container);
    void recreate(const std::string& name,
                  const std::string& id,
                  const std::string& part,
                  plan::AppPolicy& policy);
    void forgive_exits(const manifests::AppSpec& spec, AppMemory& memory) const;
    void govern();
    // pod_dependencies.cpp
    void evaluate_pods(const manifests::AppSpec& spec,
                       const AppMemory& memory,
                       plan::AppPolicy& policy) const;

    // dependency_order.cpp: who may start, and who first
    void evaluate_dependencies();
    void evaluate_dependency(const std::string& name);
    void add_part_statuses(const AppView& view);
    void hold_starts();
    void hold_start(const std::string& name,
                    const manifests::AppSpec& spec,
                    plan::AppPolicy& policy);
    // Of an app whose conditions are not met.
    void keep_next_look(const manifests::AppSpec& spec);

    // stop_order.cpp: who goes down, and who first
    DownTable down_table();
    void fill_down_facts(const std::string& name,
                         const SpecPointer& spec,
                         bool wanted,
                         DownFacts& facts);
    bool is_being_stopped(const std::string& app,
                          const manifests::AppSpec* spec,
                          const std::vector<PartStatus>& parts);
    void order_stops();
    void end_restarts();
    void end_restart(const std::string& app, const manifests::AppSpec& spec);
    // How much of their graces those that still run may use, while the host goes down.
    std::int64_t share_of_graces(const DownTable& table) const;

    // companions.cpp
    SpecPointer choose_companions(const std::string& name,
                                  const SpecPointer& target,
                                  const AppMemory& memory);
    void evaluate_companions();
    void evaluate_companions_of(const std::string& name, const SpecPointer& target);
    void evaluate_units(const manifests::AppSpec& spec,
                        bool stopped,
                        AppMemory& memory,
                        plan::CompanionPolicy& policy);
    void note_foreign_run(const std::string& app,
                          const std::string& part,
                          const std::string& service,
                          AppMemory& memory,
                          plan::CompanionPolicy& policy) const;
    void rest_unit(const std::string& app,
                   const std::string& service,
                   const RestartRecord& record,
                   plan::CompanionPolicy& policy);
    void count_end(const std::string& app,
                   const std::string& service,
                   const systemd::UnitState& unit,
                   bool stopped,
                   RestartRecord& record);
    void hold_companions(const manifests::AppSpec& spec, plan::CompanionPolicy& policy) const;

    const Inputs& in_;
    const ObservedIndex& index_;
    PassMemory carried_;
    PassFindings found_;
    Prepared prepared_;
    StoredApps stored_;  // as they will be
    std::map<std::string, RecordEdit> edits_;
    std::vector<CrashStart> crash_starts_;
};

}  // namespace podreeve::supervise
