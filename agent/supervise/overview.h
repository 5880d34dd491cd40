#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/plan/plan.h"
#include "agent/state/state.h"
#include "agent/supervise/decide/app_view.h"
#include "agent/supervise/status.h"
#include "manifests/model.h"

namespace podreeve::supervise {

// The status of an app now; since and the conditions' since are taken over from before where
// nothing changed.
AppStatus make_status(const AppView& view, const AppStatus* before, WallTime now);

// The state in the event of an app of which nothing is left.
inline constexpr const char* kRemoved = "Removed";
// The same of a file or a directory that was shown for its trouble alone.
inline constexpr const char* kWellAgain = "WellAgain";

// The state in the event of a condition that an app had, when its own state has stayed.
inline constexpr const char* kOver = "Over";

// Null: it has none of that type.
const StatusCondition* find_condition(const AppStatus& app, std::string_view type);

// Whether an app is not as its manifest says, and why, though no step may be due: "is CrashLoop:
// …". Empty: it is, or on its way, or a person wants it down.
std::string why_degraded(const AppStatus& app);

// Conditions that say what is the matter with a manifest: what mends it, an edit or a mount, may
// come while the agent is down. Their begins and ends all have events, by which they are recalled.
bool is_of_manifest(std::string_view type);

// What an event of an earlier run says of the conditions that the app has; one says nothing of the
// others, which are found anew. One that is recalled has no reason.
void recall_condition(AppStatus& app, const state::Event& event);

// The events that tell how after came from before: transitions, conditions that are new, and ends
// of conditions that no transition tells.
std::vector<state::Event> events_between(const Overview& before, const Overview& after);

// Puts each app's newest event into the overview. Events by their numbers, of all apps.
void show_last_events(Overview& overview, const std::vector<state::Event>& events);

}  // namespace podreeve::supervise
