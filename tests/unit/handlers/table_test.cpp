#include "agent/handlers/table.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "agent/handlers/host_paths.h"
#include "tests/unit/handlers/bench.h"

// How errors of handlers become outcomes of tasks.
namespace podreeve::handlers::testing {

namespace {

KindRow row_that(Handler handler, plan::StepKind kind = plan::StepKind::StopPod) {
    return {kind, handler, handler, std::chrono::minutes(1), &Limits::creates};
}

HandlerResult podman_is_away(Task&) {
    return fail(Code::Unavailable, "cannot reach podman");
}

HandlerResult podman_is_silent(Task&) {
    return fail(Code::Timeout, "cannot wait any longer");
}

HandlerResult something_is_wrong(Task&) {
    return fail(Code::Conflict, "cannot do that");
}

StoredTask some_task() {
    return StoredTask("stop-pod", R"({"app":"web","object":"web"})");
}

TEST(Outcomes, AreRetriesForAsLongAsPodmanIsAway) {
    Bench bench;
    const KindRow row = row_that(podman_is_away);
    const auto handlers = handlers_for(row, *bench.world);
    StoredTask task = some_task();
    for (int i = 0; i < 20; ++i) {
        const auto outcome = handlers.run(task);
        ASSERT_TRUE(std::holds_alternative<state::TaskRetry>(outcome));
        EXPECT_EQ(std::get<state::TaskRetry>(outcome).why, "cannot reach podman");
        EXPECT_GT(std::get<state::TaskRetry>(outcome).after, Duration::zero());
    }
    EXPECT_EQ(task.saves, 0) << "waiting writes nothing";
}

TEST(Outcomes, AreErrorsOnceASilentPodmanHasBeenAskedThreeTimes) {
    Bench bench;
    const KindRow row = row_that(podman_is_silent);
    const auto handlers = handlers_for(row, *bench.world);
    StoredTask task = some_task();
    EXPECT_TRUE(std::holds_alternative<state::TaskRetry>(handlers.run(task)));
    EXPECT_TRUE(std::holds_alternative<state::TaskRetry>(handlers.run(task)));
    EXPECT_TRUE(std::holds_alternative<Error>(handlers.run(task)));
}

HandlerResult host_path_is_away(Task& task) {
    RETURN_IF_ERROR(ask_host(task, "/share", [] {
        return Status(errno_error("look at /share", ENOTCONN));  // FUSE without its process
    }));
    return state::TaskOutcome(state::TaskDone{});
}

// It may be away for days, and keeps no version that runs from being repaired.
TEST(Outcomes, AreErrorsAtOnceWhereAHostPathIsAway) {
    Bench bench;
    const KindRow row = row_that(host_path_is_away);
    StoredTask task = some_task();
    const auto handlers = handlers_for(row, *bench.world);
    for (const auto& handler : {handlers.run, handlers.undo}) {
        const auto outcome = handler(task);
        ASSERT_TRUE(std::holds_alternative<Error>(outcome));
        EXPECT_EQ(std::get<Error>(outcome).message,
                  "cannot look at /share: Transport endpoint is not connected");
    }
}

TEST(Outcomes, AreErrorsAtOnceForAPullThatTookItsTime) {
    Bench bench;
    const KindRow row = row_that(podman_is_silent, plan::StepKind::PullImage);
    StoredTask task = some_task();
    EXPECT_TRUE(std::holds_alternative<Error>(handlers_for(row, *bench.world).run(task)));
}

TEST(Outcomes, AreErrorsForAllThatARetryCannotHelp) {
    Bench bench;
    const KindRow row = row_that(something_is_wrong);
    StoredTask task = some_task();
    const auto handlers = handlers_for(row, *bench.world);
    for (const auto& handler : {handlers.run, handlers.undo}) {
        const auto outcome = handler(task);
        ASSERT_TRUE(std::holds_alternative<Error>(outcome));
        EXPECT_EQ(std::get<Error>(outcome).message, "cannot do that");
    }
}

HandlerResult disk_is_full(Task&) {
    return fail(Code::Unavailable, "cannot write /x: No space left on device");
}

HandlerResult podmans_disk_is_full(Task&) {
    return fail(Code::Internal, "cannot create web: podman: mkdir /y: no space left on device");
}

TEST(Deadlines, OfAllThatStopsContainersAreBeyondTheLongestGrace) {
    using plan::StepKind;
    for (const StepKind kind : {StepKind::StopContainer, StepKind::RetainContainer,
                                StepKind::RemoveContainer, StepKind::StopPod,
                                // Their undo stops.
                                StepKind::StartContainer, StepKind::StartPod}) {
        EXPECT_GT(row_of(kind)->deadline, std::chrono::hours(24)) << to_string(kind);
    }
}

// It would keep the version that runs from being repaired.
TEST(Outcomes, AreErrorsAtOnceWhereThereIsNoRoom) {
    Bench bench;
    for (const Handler handler : {disk_is_full, podmans_disk_is_full}) {
        const KindRow row = row_that(handler);
        StoredTask task = some_task();
        EXPECT_TRUE(std::holds_alternative<Error>(handlers_for(row, *bench.world).run(task)));
    }
}

TEST(Outcomes, AreThreeRetriesMoreAndMoreSeldomOfAnUndoWithoutRoomAndThenAnError) {
    Bench bench;
    for (const Handler handler : {disk_is_full, podmans_disk_is_full}) {
        const KindRow row = row_that(handler);
        const auto handlers = handlers_for(row, *bench.world);
        StoredTask task = some_task();
        for (const int most : {1000, 2000, 4000}) {
            const auto outcome = handlers.undo(task);
            ASSERT_TRUE(std::holds_alternative<state::TaskRetry>(outcome));
            const Duration after = std::get<state::TaskRetry>(outcome).after;
            EXPECT_LE(after, std::chrono::milliseconds(most));
            EXPECT_GE(after, std::chrono::milliseconds(most * 8 / 10));
        }
        EXPECT_TRUE(std::holds_alternative<Error>(handlers.undo(task)));
    }
}

TEST(Outcomes, AreDoneWithoutAWordToPodmanWhenTheUndoIsNotWanted) {
    Bench bench;
    const KindRow row = row_that(something_is_wrong);
    StoredTask task("stop-pod", R"({"app":"web","object":"web","details":{"undo":false}})");
    EXPECT_TRUE(
        std::holds_alternative<state::TaskDone>(handlers_for(row, *bench.world).undo(task)));
    EXPECT_FALSE(task.lines.empty());
}

}  // namespace

}  // namespace podreeve::handlers::testing
