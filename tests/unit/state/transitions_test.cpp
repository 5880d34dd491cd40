#include "agent/state/transitions.h"

#include <map>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

namespace podreeve::state {
namespace {

using S = TaskStatus;
using T = Trigger;

constexpr S kAll[] = {S::Hold, S::Do,      S::Doing,  S::Done,  S::Abort,
                      S::Undo, S::Undoing, S::Undone, S::Error, S::Wait};
constexpr T kTriggers[] = {T::Start, T::Succeed, T::Fail,   T::Retry, T::Wait,
                           T::Abort, T::Resolve, T::Resume, T::GiveUp};

TEST(Transitions, AskEachRowOfTheTableAndGetWhatItSays) {
    for (const Transition& row : kTransitions) {
        for (const bool has_undo : {false, true}) {
            if (row.undo == (has_undo ? Undo::Missing : Undo::Present)) {
                continue;
            }
            EXPECT_EQ(next_status(row.from, row.trigger, has_undo), row.to)
                << to_string(row.from) << " by trigger " << static_cast<int>(row.trigger);
        }
    }
}

TEST(Transitions, NameEachCaseOnlyOnce) {
    std::set<std::tuple<S, T, bool>> seen;
    for (const Transition& row : kTransitions) {
        for (const bool has_undo : {false, true}) {
            if (row.undo != (has_undo ? Undo::Missing : Undo::Present)) {
                EXPECT_TRUE(seen.insert({row.from, row.trigger, has_undo}).second)
                    << to_string(row.from) << " by trigger " << static_cast<int>(row.trigger);
            }
        }
    }
}

TEST(Transitions, LeaveAReadyTaskAloneUnlessADoneOneIsAborted) {
    for (const S status : kAll) {
        for (const T trigger : kTriggers) {
            if (is_ready(status) && !(status == S::Done && trigger == T::Abort)) {
                EXPECT_EQ(next_status(status, trigger, true), std::nullopt) << to_string(status);
            }
        }
    }
}

TEST(Transitions, LeadEveryUnreadyTaskToAReadyOneInAFewSteps) {
    for (const bool has_undo : {false, true}) {
        for (const T reply : {T::Succeed, T::Fail}) {
            for (const S begin : {S::Do, S::Doing, S::Abort, S::Undo, S::Undoing}) {
                S status = begin;
                for (int step = 0; step < 6 && !is_ready(status); ++step) {
                    const auto next = next_status(status, reply, has_undo);
                    const auto started = next_status(status, T::Start, has_undo);
                    status = next.value_or(started.value_or(status));
                }
                EXPECT_TRUE(is_ready(status)) << to_string(begin) << " ends " << to_string(status);
            }
        }
    }
}

TEST(Transitions, NeverAskWhetherThereIsAnUndoWhereNobodyKnows) {
    // An abort is spread by the state, which knows no handlers.
    for (const Transition& row : kTransitions) {
        if (row.trigger == T::Abort) {
            EXPECT_EQ(row.undo, Undo::Any) << to_string(row.from);
        }
    }
}

TEST(Transitions, WaitForTheStatusThatTheHandlerWasOnTheWayTo) {
    EXPECT_EQ(waited_after(S::Doing), S::Done);
    EXPECT_EQ(waited_after(S::Undoing), S::Undone);
}

TEST(Transitions, LetAHandlerWaitToBeDoneOrToBeRunAgainAndForNothingElse) {
    for (const S from : {S::Doing, S::Undoing}) {
        for (const S asked : kAll) {
            const bool undoing = from == S::Undoing;
            const bool fits =
                asked == (undoing ? S::Undone : S::Done) || asked == (undoing ? S::Undo : S::Do);
            EXPECT_EQ(waited_after(from, asked), fits ? std::optional(asked) : std::nullopt)
                << to_string(from) << " to " << to_string(asked);
        }
    }
}

TEST(Transitions, GiveUpOnlyWhatHasNotBegunOrIsBeingUndone) {
    for (const S status : kAll) {
        const bool pending = status == S::Do || status == S::Undo || status == S::Undoing;
        EXPECT_EQ(next_status(status, T::GiveUp, true),
                  pending ? std::optional(S::Error) : std::nullopt)
            << to_string(status);
    }
}

TEST(Transitions, RankEveryStatusOfATaskOnce) {
    std::set<S> ranked(std::begin(kStatusPriority), std::end(kStatusPriority));
    EXPECT_EQ(ranked, std::set<S>(std::begin(kAll), std::end(kAll)));
    EXPECT_EQ(std::size(kStatusPriority), std::size(kAll));
}

TEST(TaskStatus, KeepsItsStoredNumbers) {
    const std::map<S, int> stored = {{S::Default, 0}, {S::Hold, 1},  {S::Do, 2},   {S::Doing, 3},
                                     {S::Done, 4},    {S::Abort, 5}, {S::Undo, 6}, {S::Undoing, 7},
                                     {S::Undone, 8},  {S::Error, 9}, {S::Wait, 10}};
    for (const auto& [status, number] : stored) {
        EXPECT_EQ(static_cast<int>(status), number) << to_string(status);
    }
}

}  // namespace
}  // namespace podreeve::state
