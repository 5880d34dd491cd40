#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/supervise/failures.h"
#include "agent/supervise/governor.h"
#include "agent/supervise/overview.h"
#include "agent/supervise/shutdown_order.h"
#include "agent/supervise/stuck.h"
#include "agent/supervise/supervisor.h"
#include "runtime/base/in_hand.h"

// The inside of the supervisor, for its own files: versions.cpp, exits.cpp, order.cpp, views.cpp,
// starting.cpp. Everything below is under the mutex.
namespace podreeve::supervise {

using SpecPointer = std::shared_ptr<const manifests::AppSpec>;

// The app of a level that takes longest to stop.
struct LevelTime {
    std::string app;
    Duration takes{};
};

// A crash-looping container whose backoff has ended: the governor says whether it is its turn.
struct CrashStart {
    WallTime due{};
    std::string app, part, why;
};

struct Supervisor::Core {
    state::State& state;
    const Clock& clock;
    AcceptedSpecs accepted;
    PartReadiness readiness = nullptr;

    mutable std::mutex mutex = {};
    Failures failures = {};
    StuckWatch stuck_watch = {};
    Governor governor = Governor();
    // A spec's hash costs a canonical rendering; it is made once a version.
    std::unordered_map<std::string, std::pair<SpecPointer, std::string>> hashes = {};
    std::optional<WallTime> next = {};
    Overview last = {};
    bool has_evaluated = false;  // a pass has said what is in force
    bool shutting_down = false;
    std::optional<SteadyTime> down_by = {};   // until when all has to be down then
    std::optional<Duration> host_gives = {};  // to stop all apps, when it goes down
    std::vector<LevelTime> end_levels = {};   // what that takes, of these versions:
    std::map<std::string, SpecPointer> evaluated_for_end = {};
    std::map<std::string, StatusCondition> of_agent = {};  // by type
    WallTime began = clock.system_now();
    SteadyTime began_steady = clock.steady_now();
    Duration set_by{};      // how far the wall clock was set since, as of this pass
    Duration set_before{};  // the same before it was set last
    RunStarts run_starts = {};
    std::optional<WallTime> runs_noted_at = {};
    // Changes that were called off for what a person asked: they have not failed.
    std::set<state::ChangeId> called_off = {};
    std::shared_ptr<Subscriptions> subscriptions = std::make_shared<Subscriptions>();

    // Of the pass that is being made, or was made last.
    std::map<std::string, SpecPointer> effective = {};
    std::map<std::string, DependencyStatus> dependency_statuses = {};
    std::map<std::string, std::string> down = {};        // wanted down, and why
    std::map<std::string, std::string> stop_waits = {};  // of those: whom they wait for
    std::map<std::string, std::vector<Blocker>> blockers = {};
    std::map<std::string, Assessment> pending = {};  // start conditions
    std::map<std::string, WallTime> next_attempts = {};
    std::set<std::string> crash_loops = {};
    std::vector<CrashStart> crash_starts = {};
    AppsAside aside = {};
    // The units that were told to start and were not seen active since, by app.
    std::map<std::string, std::set<std::string>> asked_to_start = {};

    // What decides: it begins as the wall clock does and goes on evenly, however that is set.
    WallTime now() const { return began + (clock.steady_now() - began_steady); }

    // What is told to people, and asked for by conditions.
    WallTime wall() const { return clock.system_now(); }

    // A time of now(), as the wall clock will show it.
    WallTime shown(WallTime time) const { return time == kUntilChanged ? time : time + set_by; }

    // A time of the wall clock, as now() will tell it.
    WallTime as_shown(WallTime time) const { return time - set_by; }

    // Finds out whether the clock was set; what drifts is no news.
    void note_clock();

    // When runs that were not seen before were started. What podman says of one stays as it is,
    // however the clock is set afterwards.
    void begin_pass(const observe::Observed& observed);
    void note_run_starts(const observe::Observed& observed);
    std::optional<WallTime> start_by_now(WallTime said) const;

    // Runs what is about one app, unless that is set aside. What it throws is that app's trouble:
    // nothing of it is planned in this pass, and no other app is the worse for it. False: it did
    // not come to its end.
    template <class Act>
    bool contain(const std::string& app, plan::Policy& policy, Act act) {
        if (aside.contains(app)) {
            return false;
        }
        if (auto thrown = contained_in_hand(app, act)) {
            policy.apps[app].trouble = std::move(*thrown);
            return false;
        }
        return true;
    }

    // versions.cpp: which version of an app is in force
    const std::string& hash_of(const std::string& app, const SpecPointer& spec);
    state::AppRecord number(const std::string& app,
                            const SpecPointer& spec,
                            const ObservedIndex& index);
    SpecPointer choose_version(const state::AppRecord& record, const SpecPointer& target);
    SpecPointer evaluate_app(const std::string& name,
                             const SpecPointer& spec,
                             const ObservedIndex& index,
                             Prepared& prepared);
    void remember_version(const state::AppRecord& record, AppMemory& memory);
    void remember_health(const manifests::AppSpec& spec,
                         const ObservedIndex& index,
                         AppMemory& memory,
                         Prepared& prepared) const;

    void forget_gone(const plan::Policy& policy);

    // exits.cpp: what has ended, and when it is started again
    void evaluate_parts(const manifests::AppSpec& spec,
                        const ObservedIndex& index,
                        AppMemory& memory,
                        plan::AppPolicy& policy);
    void evaluate_part(const std::string& app,
                       const manifests::ContainerSpec& spec,
                       const podman::ContainerSummary& container,
                       AppMemory& memory,
                       plan::AppPolicy& policy);
    bool is_of(const std::string& app, const std::map<std::string, std::string>& labels) const;
    void evaluate_infra(const manifests::AppSpec& spec,
                        const ObservedIndex& index,
                        plan::AppPolicy& policy);
    bool is_stuck_on_its_way_out(const podman::ContainerSummary& container);
    void recreate(const std::string& name,
                  const std::string& id,
                  const std::string& part,
                  plan::AppPolicy& policy);
    // The names that the breaker knows an app's things by.
    std::set<std::string> breaker_names(const std::string& app) const;
    void note_conflict(const plan::AppPlan& planned);
    void note_recreations(const plan::AppPlan& planned);
    void report_lost_volumes(const plan::AppPlan& planned);
    void note_pod_starts(const state::ChangeView& change);
    // pods_within.cpp
    void evaluate_pods(const manifests::AppSpec& spec,
                       const ObservedIndex& index,
                       const AppMemory& memory,
                       plan::AppPolicy& policy) const;
    void forgive_exits(const manifests::AppSpec& spec,
                       const ObservedIndex& index,
                       AppMemory& memory) const;
    void govern(plan::Policy& policy);
    void forget_exits(const state::ChangeView& change);

    // order.cpp, starting.cpp: who may start, who goes down, and who first
    void evaluate_dependencies(const manifests::Desired& desired,
                               Prepared& prepared,
                               const ObservedIndex& index);
    void evaluate_dependency(const std::string& name,
                             const manifests::Desired& desired,
                             const Prepared& prepared,
                             const ObservedIndex& index);
    void hold_starts(Prepared& prepared, const WorldFacts& facts);
    void hold_start(const std::string& name,
                    const manifests::AppSpec& spec,
                    const WorldFacts& facts,
                    plan::AppPolicy& policy);
    // Of an app whose conditions are not met.
    void keep_next_look(const manifests::AppSpec& spec);
    DownTable down_table(Prepared& prepared, const ObservedIndex& index);
    void fill_down_facts(const std::string& name,
                         const SpecPointer& spec,
                         bool wanted,
                         const ObservedIndex& index,
                         DownFacts& facts);
    bool is_being_stopped(const std::string& app,
                          const manifests::AppSpec* spec,
                          const std::vector<PartStatus>& parts,
                          const ObservedIndex& index);
    void order_stops(Prepared& prepared, const ObservedIndex& index);
    bool comes_up(const std::string& app) const;
    // host_end.cpp: the time that the host gives
    const std::vector<LevelTime>& time_to_stop_all();
    void report_host_end(Overview& overview);
    // How much of their graces those that still run may use, while the host goes down.
    std::int64_t share_of_graces(const DownTable& table) const;
    // How that one stands by now.
    void look_again_at(const std::string& app,
                       const ObservedIndex& index,
                       std::map<std::string, DependencyStatus>& statuses_now) const;
    void call_off(const std::string& app);
    RequestReport report_stop(std::set<std::string> names,
                              bool dependents_too,
                              std::int64_t number);
    void end_restarts(Prepared& prepared, const ObservedIndex& index);
    void end_restart(const std::string& app,
                     const manifests::AppSpec& spec,
                     const ObservedIndex& index);

    // companions.cpp
    SpecPointer choose_companions(const std::string& name,
                                  const SpecPointer& target,
                                  const AppMemory& memory);
    void evaluate_companions(Prepared& prepared, const observe::Observed& observed);
    void evaluate_companions_of(const std::string& name,
                                const SpecPointer& target,
                                const observe::Observed& observed,
                                Prepared& prepared);
    void evaluate_units(const manifests::AppSpec& spec,
                        const observe::Companions& seen,
                        bool stopped,
                        AppMemory& memory,
                        plan::CompanionPolicy& policy);
    void count_end(const std::string& app,
                   const std::string& service,
                   const systemd::UnitState& unit,
                   bool stopped,
                   RestartRecord& record);
    void hold_companions(const manifests::AppSpec& spec, plan::CompanionPolicy& policy) const;
    void add_part_statuses(const AppView& view);
    void note_companions(const Prepared& prepared, const plan::Plan& plan);
    void note_companions_of(const plan::AppPlan& planned, const Prepared& prepared);
    // By a person, who has not asked for it again.
    bool was_undone(const std::string& subject, const std::string& spec) const;
    void note_starts(const plan::AppPlan& planned);
    void put_companions_back(const state::ChangeView& change);
    // What is remembered of an app; on a disk that is full, in memory until it can be written.
    void keep(const std::string& app, const AppMemory& memory);

    // views.cpp: what people are told
    AppView view_of(const std::string& app,
                    const manifests::Desired& desired,
                    const manifests::Desired& versions,
                    const ObservedIndex& index) const;
    static void report_conflict(AppView& view, const Failure& failure);
    void add_conditions(AppView& view, const plan::AppPlan* planned, const plan::AppPolicy* policy);
    void add_companion_conditions(AppView& view, const plan::AppPlan* planned);
    AppStatus status_of(const std::string& app,
                        const manifests::Desired& desired,
                        const Prepared& prepared,
                        const ObservedIndex& index,
                        const plan::Plan& plan);
    AppStatus status_unread(const std::string& app,
                            const manifests::Desired& desired,
                            const Error& why) const;
    // Of an app of which no status can be made: how it was, and why.
    AppStatus status_left(const std::string& app, const plan::Condition& why) const;
    AppStatus status_aside(const std::string& app, const Aside& why) const;

    // What it throws, or that it is not asked since the app is set aside, is the status.
    template <class Make>
    AppStatus contained_status(const std::string& app, Make make) const {
        if (const auto set = aside.find(app); set != aside.end()) {
            return status_aside(app, set->second);
        }
        AppStatus status;
        const auto thrown = contained_in_hand(app, [&] { status = make(); });
        return thrown ? status_left(app, plan::internal_error(*thrown)) : status;
    }

    std::string text_of(Failure failure) const;
    // When a change of it that failed is made again; nothing: none has, or not by itself.
    std::optional<WallTime> next_try_of(const std::string& app) const;
    bool was_up(const std::string& app) const;
    std::vector<std::string> known_apps(const ObservedIndex& index) const;
    std::set<std::string> all_apps(const manifests::Desired& desired,
                                   const ObservedIndex* index) const;
    std::vector<StatusCondition> conditions_of_agent() const;
    Overview publish(Overview overview);
    void append(const state::Event& event);
    // What the last agent knew, so far as its events tell: states and since when.
    void recall();
};

// What an app without a usable name is shown as: its file.
std::string shown_name(const manifests::AppProblem& problem);

// The apps that the conditions ask about.
void collect_services(const std::vector<manifests::StartCondition>& conditions,
                      std::vector<std::string>& out);

void keep_earliest(std::optional<WallTime>& next, std::optional<WallTime> candidate);

// How long stopping that app can take: its parts one after the other, each with its grace and what
// a kill takes; a unit with its TimeoutStopSec=.
Duration longest_stop(const manifests::AppSpec& spec);

// The same with another time beyond each grace.
struct StopTimes {
    Duration beyond_grace{};
    bool at_most = false;  // of a unit what systemd waits, not what podman does
};

Duration time_to_stop(const manifests::AppSpec& spec, StopTimes times);

}  // namespace podreeve::supervise
