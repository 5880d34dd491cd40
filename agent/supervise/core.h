#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/supervise/decide/app_view.h"
#include "agent/supervise/decide/decide.h"
#include "agent/supervise/decide/stop_times.h"
#include "agent/supervise/overview.h"
#include "agent/supervise/supervisor.h"
#include "runtime/base/in_hand.h"

// The inside of the supervisor, for its own files. Everything below is under the mutex.
namespace podreeve::supervise {

struct Supervisor::Core {
    state::State& state;
    const Clock& clock;
    AcceptedSpecs accepted;
    ReadinessNow readiness_now = nullptr;

    mutable std::mutex mutex = {};
    // A spec's hash costs a canonical rendering; it is made once a version.
    mutable std::unordered_map<std::string, std::pair<SpecPointer, std::string>> hashes = {};
    PassMemory memory = {};
    PassFindings found = {};  // of the last pass
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
    // Changes that were called off for what a person asked: they have not failed.
    std::set<state::ChangeId> called_off = {};
    AppsAside aside = {};
    std::shared_ptr<Subscriptions> subscriptions = std::make_shared<Subscriptions>();

    // The even clock (decide/wall_shift.h).
    WallTime now() const { return began + (clock.steady_now() - began_steady); }

    // What is told to people, and asked for by conditions.
    WallTime wall() const { return clock.system_now(); }

    PartReadiness readiness() const { return readiness_now ? readiness_now() : nullptr; }

    // inputs.cpp: what is decided upon
    Inputs inputs(const manifests::Desired& desired,
                  const observe::Observed& observed,
                  const std::set<std::string>& busy_before,
                  const WorldFacts& facts,
                  AppsAside set_aside) const;
    void add_hashes(Inputs& inputs) const;
    void look_up_versions(Inputs& inputs) const;
    StoredApps stored() const;
    ActiveChanges active() const;
    // supervisor.cpp: what becomes of it
    void write(const std::map<std::string, RecordEdit>& edits);

    // admission.cpp
    void note_conflict(const plan::AppPlan& planned);
    void note_recreations(const plan::AppPlan& planned);
    void report_lost_volumes(const plan::AppPlan& planned);
    void note_former(const plan::AppPlan& planned);
    void note_starts(const plan::AppPlan& planned);
    void note_companions(const Prepared& prepared, const plan::Plan& plan);
    void note_companions_of(const plan::AppPlan& planned, const Prepared& prepared);

    // Where the volumes are that hold the data of the versions that run.
    void note_volumes(const Prepared& prepared,
                      const observe::Observed& observed,
                      const plan::Plan& plan);
    void note_volumes_of(const std::string& app,
                         const SpecPointer& version,
                         const observe::HostResources& resources);

    // change_ends.cpp
    void note_pod_starts(const state::ChangeView& change);
    void forget_exits(const state::ChangeView& change);
    void put_companions_back(const state::ChangeView& change);
    // By a person, who has not asked for it again.
    bool was_undone(const std::string& subject, const std::string& spec) const;

    // starting.cpp
    bool comes_up(const std::string& app) const;
    // Of that one and those it is asked about before it starts: who is stopped on request.
    std::set<std::string> stopped_of(const std::string& app) const;
    void call_off(const std::string& app);
    RequestReport report_stop(std::set<std::string> names,
                              bool dependents_too,
                              std::int64_t number);
    // The names that the breaker knows an app's things by.
    std::set<std::string> breaker_names(const std::string& app) const;

    // host_end.cpp: the time that the host gives
    const std::vector<LevelTime>& time_to_stop_all();
    void report_host_end(Overview& overview);

    // app_status.cpp: what people are told of one app
    void add_companion_conditions(AppView& view, const plan::AppPlan* planned) const;
    AppStatus status_of(const std::string& app,
                        const ViewSources& sources,
                        const plan::Policy& policy,
                        const plan::Plan& plan);
    void keep_of_manifest(AppStatus& status) const;
    AppStatus status_unread(const std::string& app,
                            const ViewSources& sources,
                            const Error& why) const;
    void add_unseen(const observe::Observed& observed, Overview& overview) const;
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

    // When a change of it that failed is made again; nothing: none has, or not by itself.
    std::optional<WallTime> next_try_of(const std::string& app) const;
    bool was_up(const std::string& app) const;

    // conclusion.cpp: what people are told of all
    std::set<std::string> all_apps(const manifests::Desired& desired,
                                   const ActiveChanges& changes,
                                   const ObservedIndex* index) const;
    std::vector<StatusCondition> conditions_of_agent() const;
    Overview publish(Overview overview);
    void append(const state::Event& event);
    // What the last agent knew, so far as its events tell: states and since when.
    void recall();
    // What is remembered of an app; on a disk that is full, in memory until it can be written.
    void keep(const std::string& app, const AppMemory& remembered);
};

}  // namespace podreeve::supervise
