#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/plan/plan.h"
#include "agent/state/task.h"
#include "runtime/base/clock.h"

namespace podreeve::supervise {

inline constexpr std::chrono::seconds kFirstRetry{5};
inline constexpr std::chrono::seconds kLongestRetry{300};
inline constexpr WallTime kUntilChanged = WallTime::max();

// What went wrong with an app's last change of one spec, and until when the same is not tried
// again. How often it failed is kept in memory: after a restart of the agent, the hold of the last
// failure is the first again.
struct Failure {
    std::string spec;
    std::string fingerprint;
    std::string message;
    int count = 0;
    WallTime until{};  // kUntilChanged: a person undid that version, and has to ask for it again
    std::string kind = {};  // of the change
};

class Failures {
  public:
    // A change of that app has become ready: a good end clears what was noted of its spec, a bad
    // one notes it.
    void note(const state::ChangeView& change);
    const Failure* find(const std::string& app) const;
    // Would the plan only repeat what failed, too early?
    bool holds(const plan::AppPlan& plan, WallTime now) const;
    void forget(const std::optional<std::string>& app);
    // Nothing is left to be done for the app: one whose hold is over has mended itself.
    void forget_outlived(const std::string& app, WallTime now);
    // The earliest end of a hold after now.
    std::optional<WallTime> next_after(WallTime now) const;

  private:
    std::map<std::string, Failure> by_app_;
};

}  // namespace podreeve::supervise
