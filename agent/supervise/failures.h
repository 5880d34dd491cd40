#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/plan/plan.h"
#include "agent/state/task.h"
#include "runtime/base/clock.h"

namespace podreeve::supervise {

inline constexpr std::chrono::seconds kFirstRetry{5};
inline constexpr std::chrono::seconds kLongestRetry{300};
// Of a companion's update, each try of which stops what works.
inline constexpr std::chrono::minutes kFirstRestart{10};
inline constexpr std::chrono::hours kLongestRestart{6};
// To look again costs nothing, and harms nothing.
inline constexpr std::chrono::seconds kConflictRetry{30};
inline constexpr const char* kConflictKind = "conflict";
inline constexpr WallTime kUntilChanged = WallTime::max();

// What went wrong with the last change of an app to one spec, and until when the same is not tried
// again. How often it failed is kept in memory: after a restart of the agent, the hold of the last
// failure is the first again.
struct Failure {
    std::string spec;
    std::string fingerprint;
    std::string message;
    int count = 0;
    // kUntilChanged: a person undid that version, or aborted it, and has to ask for it again.
    WallTime until{};
    std::string kind = {};  // of the change
};

// A change that has ended and that a person undid or aborted.
bool is_refused(const state::ChangeView& change);

// In words for people: what is wrong, and what comes next.
std::string to_text(const Failure& failure);

// What a plan would do, told apart from another by kinds, objects and spec.
std::string fingerprint(const plan::AppPlan& plan);

class Failures {
  public:
    // A change of that app has become ready: a good end clears what was noted of its spec, a bad
    // one notes it.
    void note(const state::ChangeView& change) { note(change, change.ready); }

    // ended: when that was, by the clock that decides.
    void note(const state::ChangeView& change, WallTime ended);
    // What stands in the way of a version was seen before anything of it was begun: the one before
    // is kept up meanwhile.
    void note_conflict(const std::string& app,
                       const std::string& spec,
                       const std::string& message,
                       WallTime now);
    // The versions that a person refused, and how each of the others failed last; the latest comes
    // last.
    std::vector<Failure> of(const std::string& app) const;
    // Is this version not to be tried now?
    bool holds(const std::string& app, const std::string& spec, WallTime now) const;
    // Would the plan only repeat what failed, too early?
    bool holds(const plan::AppPlan& plan, WallTime now) const;
    // What a person asks for is tried at once; nothing: of all apps.
    void forget(const std::optional<std::string>& app);
    // What failed is tried at once, what a person refused is not.
    void forget_last(const std::string& app);
    // Of versions that nobody wants any more.
    void forget_others(const std::string& app, const std::set<std::string>& specs);
    // Nothing is left to be done for the app: one whose hold is over has mended itself.
    void forget_outlived(const std::string& app, WallTime now);
    // Those of all other apps are forgotten.
    void keep_only(const std::set<std::string>& apps);
    // The earliest end of a hold after now.
    std::optional<WallTime> next_after(WallTime now) const;

  private:
    void put(const std::string& app, Failure failure);
    const Failure* last_of(const std::string& app, const std::string& spec) const;

    std::map<std::string, std::vector<Failure>> last_;  // by app: one a spec, the latest at the end
    std::map<std::string, std::map<std::string, Failure>> refused_;  // by app and spec
};

}  // namespace podreeve::supervise
