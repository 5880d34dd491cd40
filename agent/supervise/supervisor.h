#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/observe/observed.h"
#include "agent/plan/plan.h"
#include "agent/state/state.h"
#include "agent/supervise/decide/decide.h"
#include "agent/supervise/decide/inputs.h"
#include "agent/supervise/decide/start.h"
#include "agent/supervise/requests.h"
#include "agent/supervise/status.h"
#include "agent/supervise/virtual_events.h"
#include "manifests/model.h"
#include "runtime/base/clock.h"

namespace podreeve::supervise {

// Where an older version of an app's spec is kept: (app, hash) -> spec, or null.
using AcceptedSpecs =
    std::function<SpecPointer(const std::string& app, const std::string& spec_hash)>;

// What is known of the readiness of containers now, as one snapshot that does not change.
using ReadinessNow = std::function<PartReadiness()>;

// Keeps what is decided over all apps, pass by pass: the one lock and the one memory of decide()
// (decide/decide.h), what people ask and what they are told. It acts on nothing itself: its words
// are the policy for plan, the records in the state, the overview on the board and the events.
//
// One pass calls leaves_to_look_at → prepare → admit → conclude, or podman_lost; change_ended and
// step_begins come from the runner and its workers at any time. All calls are safe from any thread,
// but two passes must not be interleaved. No call does I/O but for the records of the state and
// the versions that are kept; for both the state's disk is told that somebody waits
// (State::disk()), since others wait for the lock then.
class Supervisor {
  public:
    Supervisor(state::State& state, const Clock& clock, AcceptedSpecs accepted);
    ~Supervisor();

    // What is known of the readiness of containers. To be set before the first pass.
    void set_readiness(ReadinessNow readiness);

    // From now on; before a pass.
    void set_aside(AppsAside aside);

    // The apps on which a change works now. To be asked before podman is read: what is seen of an
    // app while a change works on it is old when the change has ended.
    std::set<std::string> busy(const manifests::Desired& desired) const;

    // The start conditions of apps that are not up, by the last pass or by what is observed now,
    // which have to be looked at outside.
    std::map<LeafKey, manifests::StartCondition> leaves_to_look_at(
        const manifests::Desired& desired, const observe::Observed& observed) const;

    // Decides and applies it: the memory is that after this pass, and what is to be stored is
    // written, records that did not change excepted.
    Prepared prepare(const manifests::Desired& desired,
                     const observe::Observed& observed,
                     const std::set<std::string>& busy_before,
                     const WorldFacts& facts = {});

    // Decides and applies nothing: no row is written, no token taken, no exit counted.
    Prepared preview(const manifests::Desired& desired,
                     const observe::Observed& observed,
                     const std::set<std::string>& busy_before,
                     const WorldFacts& facts,
                     AppsAside aside) const;

    // The plans that may be committed now: not those that would only repeat what failed a moment
    // ago. What they remove as stuck is counted.
    std::vector<const plan::AppPlan*> admit(const plan::Plan& plan);
    // The same of the companions.
    std::vector<const plan::AppPlan*> admit_companions(const plan::Plan& plan);

    // The overview after this pass, with the transitions appended to the events.
    Overview conclude(const manifests::Desired& desired,
                      const Prepared& prepared,
                      const observe::Observed& observed,
                      const plan::Plan& plan);

    // The overview when podman could not be read: Unknown, with what was known last.
    Overview podman_lost(const manifests::Desired& desired, const Error& why);

    // The overview when the pass threw: as it was, with the reason.
    Overview pass_failed(const std::string& why);

    // Keeps a failed change from being repeated at once: 5 s, doubling to 5 min.
    void change_ended(const state::ChangeView& change);

    // A step is about to be carried out: the phase it belongs to is an event when it is a new one.
    void step_begins(const std::string& app,
                     const std::string& change_kind,
                     const std::string& task_kind,
                     const std::string& summary);

    // -- the instant of starting (decide/start.h)

    StartNeeds start_needs(const std::string& app, const std::string& part) const;

    // What forbids to start that part now; nothing: it may start.
    std::optional<StartDenial> why_not_start(const std::string& app,
                                             const std::string& part,
                                             const observe::Observed* observed,
                                             const WorldFacts& facts) const;
    // Whether a stop that was planned for that request still stands.
    bool is_stop_wanted(const std::string& app, std::int64_t request) const;

    // Whether the emptyDirs that were made for the former app are that one's now.
    bool has_taken_over(const std::string& app, const std::string& former) const;

    // -- requests

    // NotFound for an app nobody knows. A change that is only being prepared is called off by a
    // stop and a restart.
    Result<RequestReport> request(const std::string& app, const AppRequest& request);
    // The host goes down, or does not after all: everything is wanted down, in order, and nothing
    // of it is remembered over a restart. Where that takes longer than the host waits (within), the
    // graces of what still runs are shortened alike, so that the last have as much of theirs as the
    // first.
    RequestReport shut_down(bool down, std::optional<Duration> within = std::nullopt);
    // How long stopping all apps in order takes when each uses all of its grace.
    Duration time_to_stop_all() const;
    // How long the host would wait, as far as it says: what does not fit is told by the overview.
    void host_gives(std::optional<Duration> given);

    // A fact about the agent itself that is found out beside the passes. All overviews from the
    // next on tell it, until one of its type comes with an empty message. True when its message is
    // another than before: the overview that is shown does not have it yet.
    bool note_of_agent(StatusCondition condition);

    // A person asked: forget what failed and what backs off, so that the next pass tries again.
    void forget_failures(const std::optional<std::string>& app);

    // A person asked: what volumes of these apps held is gone, and empty ones may take their place.
    void let_volumes_go(const std::set<std::string>& apps);

    // The next moment at which a pass could decide differently without anything having happened.
    std::optional<WallTime> next_decision() const;

    Subscriptions& subscriptions() const;

    struct Core;

  private:
    std::unique_ptr<Core> core_;
};

}  // namespace podreeve::supervise
