#pragma once

#include <string>

#include "agent/state/change_draft.h"
#include "agent/state/memory.h"

// Requests that meet on one subject. A subject's changes are carried out one after the other, in
// the order of their ids: the first that has not ended is under way, the others are queued behind
// it. So the queue is in the store by being there, and outlives the agent.
namespace podreeve::state {

// The change of the subject that is under way; 0 when it is free. An empty subject always is.
ChangeId under_way(const Memory& memory, const std::string& subject);

// What that change is queued behind: the one before it, which may be queued itself; or 0.
ChangeId behind(const Memory& memory, const ChangeRecord& change);

// What becomes of a change under way that something newer wants out of the way.
enum class Ending {
    Complete,  // it is left to end, or is being undone already
    Undo,      // aborted, and undone
};

// How long a change that was thought to be sooner complete is believed in.
inline constexpr Duration kSupersededPatience = std::chrono::seconds(30);

// Whichever is sooner and safe. What is being undone is left to it. What hangs (a task that tries
// again, or waits) is undone, as is what was to be complete sooner and is not within
// kSupersededPatience of the first request. Else the steps that are left are weighed against those
// that would be taken back.
Ending cheaper_ending(const ChangeRecord& change, WallTime now);

// Does so, and notes in the change when it was first asked to go and in its tasks why. now: as that
// note counts, whatever the clock was set to since.
void supersede(ChangeDraft& change, const std::string& why, WallTime now);

}  // namespace podreeve::state
