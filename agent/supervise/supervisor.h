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
#include "agent/supervise/status.h"
#include "manifests/model.h"
#include "runtime/base/clock.h"

namespace podreeve::supervise {

// Where an older version of an app's spec is kept: (app, hash) -> spec, or null.
using AcceptedSpecs = std::function<std::shared_ptr<const manifests::AppSpec>(const std::string&,
                                                                              const std::string&)>;

// Decides over all apps, pass by pass: which version is in force, who may start, who backs off,
// what people are told. It acts on nothing itself: its words are the policy for plan, the records
// in the state, the overview on the board and the events.
//
// One pass calls prepare → admit → conclude, or podman_lost; change_ended comes from the runner's
// thread at any time. All calls are safe from any thread, but two passes must not be interleaved.
class Supervisor {
  public:
    Supervisor(state::State& state, const Clock& clock, AcceptedSpecs accepted);
    ~Supervisor();

    struct Prepared {
        manifests::Desired in_force;  // what the plan is made from
        plan::Policy policy;
    };

    // The apps on which a change works now. To be asked before podman is read: what is seen of an
    // app while a change works on it is old when the change has ended.
    std::set<std::string> busy(const manifests::Desired& desired) const;

    // Counts new exits, numbers generations, weighs dependencies. Writes only records that changed.
    Prepared prepare(const manifests::Desired& desired,
                     const observe::Observed& observed,
                     const std::set<std::string>& busy_before);

    // The plans that may be committed now: not those that would only repeat what failed a moment
    // ago.
    std::vector<const plan::AppPlan*> admit(const plan::Plan& plan) const;

    // Makes the overview after the changes were committed, and an event of each transition.
    Overview conclude(const manifests::Desired& desired,
                      const Prepared& prepared,
                      const observe::Observed& observed,
                      const plan::Plan& plan);

    // podman could not be read: every app that has a spec is Unknown.
    Overview podman_lost(const manifests::Desired& desired, const Error& why);

    // Keeps a failed change from being repeated at once: 5 s, doubling to 5 min.
    void change_ended(const state::ChangeView& change);

    // A person asked: forget what failed and what backs off, so that the next pass tries again.
    void forget_failures(const std::optional<std::string>& app);

    // The next moment at which a pass could decide differently without anything having happened.
    std::optional<WallTime> next_decision() const;

  private:
    struct Core;
    std::unique_ptr<Core> core_;
};

// What a plan would do, told apart from another by kinds, objects and spec.
std::string fingerprint(const plan::AppPlan& plan);

}  // namespace podreeve::supervise
