#pragma once

#include <optional>
#include <span>

#include "agent/state/task.h"

namespace podreeve::state {

// How a task moves through its statuses (semantics of snapd's overlord/state).
//
//            start        succeed
//     Do ───────────▶ Doing ───────────▶ Done        fail, from Doing, Undoing or Abort: Error.
//     │                │  ▲ retry         │          A failed task is not undone itself: it cleans
//     │ abort     abort│  └───┘           │ abort    up on its own way out.
//     ▼                ▼                  ▼
//    Hold ◀────────── Abort ───────────▶ Undo ──────▶ Undoing ──────▶ Undone
//      settle, without   settle, succeed      start            succeed
//      an undo handler
//
// Ready, which no trigger but abort leaves, are Done, Undone, Hold and Error. A handler may answer
// wait: the task is then in Wait until resume gives it the status it waits with (Done out of Doing,
// Undone out of Undoing, or Do and Undo, to be run again); for an abort it counts as that status
// already. Abort means that the handler has been told to stop, and settle is how it ends when it
// had nothing to say or had stopped already: undone, for what was done by half, or Hold where there
// is no undo. A task without an undo handler goes from Undo back to Done.
//
// Give up is for what can never start any more, since what it waits for has ended another way (no
// graph that the engine itself has moved comes to that; a store that was edited or damaged may),
// and for an undo that a person wants no more of.
//
// Doing and Undoing found on load are started again; retry leaves them where they are, only later.
// What has no row does not move a task. This table is the only place where a status is chosen: the
// engine asks it, and the tests read it.
enum class Trigger {
    Start,    // nothing it waits for is in the way any more
    Succeed,  // its handler is done
    Fail,
    Retry,
    Wait,
    Abort,    // it, its lane or what it waits for is being aborted
    Resolve,  // in Abort, and its handler is not running (any more)
    Resume,   // what it was waiting for has come
    GiveUp,   // it can never start, or shall not be undone any more
};

enum class Undo { Any, Present, Missing };  // whether the row asks for an undo handler

struct Transition {
    TaskStatus from;
    Trigger trigger;
    Undo undo;
    TaskStatus to;
};

inline constexpr Transition kTransitions[] = {
    {TaskStatus::Do, Trigger::Start, Undo::Any, TaskStatus::Doing},
    {TaskStatus::Do, Trigger::Abort, Undo::Any, TaskStatus::Hold},
    {TaskStatus::Do, Trigger::GiveUp, Undo::Any, TaskStatus::Error},

    {TaskStatus::Doing, Trigger::Start, Undo::Any, TaskStatus::Doing},
    {TaskStatus::Doing, Trigger::Succeed, Undo::Any, TaskStatus::Done},
    {TaskStatus::Doing, Trigger::Fail, Undo::Any, TaskStatus::Error},
    {TaskStatus::Doing, Trigger::Retry, Undo::Any, TaskStatus::Doing},
    {TaskStatus::Doing, Trigger::Wait, Undo::Any, TaskStatus::Wait},
    {TaskStatus::Doing, Trigger::Abort, Undo::Any, TaskStatus::Abort},

    {TaskStatus::Done, Trigger::Abort, Undo::Any, TaskStatus::Undo},

    {TaskStatus::Abort, Trigger::Succeed, Undo::Any, TaskStatus::Undo},
    {TaskStatus::Abort, Trigger::Fail, Undo::Any, TaskStatus::Error},
    {TaskStatus::Abort, Trigger::Retry, Undo::Present, TaskStatus::Undo},
    {TaskStatus::Abort, Trigger::Retry, Undo::Missing, TaskStatus::Hold},
    {TaskStatus::Abort, Trigger::Wait, Undo::Present, TaskStatus::Undo},
    {TaskStatus::Abort, Trigger::Wait, Undo::Missing, TaskStatus::Hold},
    {TaskStatus::Abort, Trigger::Resolve, Undo::Present, TaskStatus::Undo},
    {TaskStatus::Abort, Trigger::Resolve, Undo::Missing, TaskStatus::Hold},

    {TaskStatus::Undo, Trigger::Start, Undo::Present, TaskStatus::Undoing},
    {TaskStatus::Undo, Trigger::Start, Undo::Missing, TaskStatus::Done},
    {TaskStatus::Undo, Trigger::GiveUp, Undo::Any, TaskStatus::Error},

    {TaskStatus::Undoing, Trigger::Start, Undo::Present, TaskStatus::Undoing},
    {TaskStatus::Undoing, Trigger::Start, Undo::Missing, TaskStatus::Done},
    {TaskStatus::Undoing, Trigger::Succeed, Undo::Any, TaskStatus::Undone},
    {TaskStatus::Undoing, Trigger::Fail, Undo::Any, TaskStatus::Error},
    {TaskStatus::Undoing, Trigger::Retry, Undo::Any, TaskStatus::Undoing},
    {TaskStatus::Undoing, Trigger::Wait, Undo::Any, TaskStatus::Wait},
    {TaskStatus::Undoing, Trigger::GiveUp, Undo::Any, TaskStatus::Error},
};

// Where trigger leads a task that is in from; empty when it does not move it. Wait is not asked
// here: see waited_after() and effective().
std::optional<TaskStatus> next_status(TaskStatus from, Trigger trigger, bool has_undo);

// The status that a task which starts to wait in from will have when it is resumed: asked for by
// its handler, or, with Default, the one it was on the way to. Empty for one that it cannot have.
std::optional<TaskStatus> waited_after(TaskStatus from, TaskStatus asked = TaskStatus::Default);

// The order in which the statuses of tasks decide that of their change, when nothing only waits.
inline constexpr TaskStatus kStatusPriority[] = {
    TaskStatus::Abort, TaskStatus::Undoing, TaskStatus::Undo,   TaskStatus::Doing, TaskStatus::Do,
    TaskStatus::Wait,  TaskStatus::Error,   TaskStatus::Undone, TaskStatus::Done,  TaskStatus::Hold,
};

}  // namespace podreeve::state
