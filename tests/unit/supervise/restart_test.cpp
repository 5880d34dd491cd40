#include "agent/supervise/decide/restart.h"

#include <gtest/gtest.h>

namespace podreeve::supervise {
namespace {

using manifests::RestartPolicy;
using podman::ContainerState;
using std::chrono::milliseconds;
using std::chrono::seconds;

podman::ContainerSummary ended(int exit_code, seconds started, seconds exited) {
    podman::ContainerSummary container;
    container.id = "0123456789abcdef";
    container.state = ContainerState::Exited;
    container.exit_code = exit_code;
    container.started = WallTime(started);
    container.exited = WallTime(exited);
    return container;
}

struct PolicyRow {
    RestartPolicy policy;
    ContainerState state;
    int exit_code;
    bool starts;
};

TEST(Restart, FollowsThePolicyOfTheContainer) {
    const PolicyRow rows[] = {
        {RestartPolicy::Always, ContainerState::Exited, 0, true},
        {RestartPolicy::Always, ContainerState::Exited, 137, true},
        {RestartPolicy::Always, ContainerState::Stopped, 0, true},
        {RestartPolicy::Always, ContainerState::Running, 0, false},
        {RestartPolicy::OnFailure, ContainerState::Exited, 0, false},
        {RestartPolicy::OnFailure, ContainerState::Exited, 1, true},
        {RestartPolicy::Never, ContainerState::Exited, 0, false},
        {RestartPolicy::Never, ContainerState::Exited, 1, false},
    };
    for (const PolicyRow& row : rows) {
        podman::ContainerSummary container = ended(row.exit_code, seconds(0), seconds(1));
        container.state = row.state;
        EXPECT_EQ(wants_start(row.policy, container), row.starts)
            << to_string(row.policy) << " " << to_string(row.state) << " " << row.exit_code;
    }
}

TEST(Restart, CountsAnExitOnce) {
    RestartRecord record;
    const auto container = ended(1, seconds(100), seconds(102));
    EXPECT_TRUE(note_exit(record, container));
    EXPECT_FALSE(note_exit(record, container));
    EXPECT_EQ(record.short_runs, 1);
    EXPECT_EQ(record.restarts, 1);
}

TEST(Restart, KnowsWhenTheExitWasThatItCountedLast) {
    RestartRecord record;
    EXPECT_TRUE(had_ended(record, WallTime(seconds(1)))) << "none was";
    note_exit(record, ended(1, seconds(100), seconds(102)));
    EXPECT_FALSE(had_ended(record, WallTime(seconds(101))));
    EXPECT_TRUE(had_ended(record, WallTime(seconds(102))));
}

TEST(Restart, ARunOfTenSecondsClearsTheCount) {
    RestartRecord record;
    note_exit(record, ended(1, seconds(0), seconds(1)));
    note_exit(record, ended(1, seconds(2), seconds(11)));
    EXPECT_EQ(record.short_runs, 2);
    note_exit(record, ended(1, seconds(20), seconds(30)));
    EXPECT_EQ(record.short_runs, 0);
    EXPECT_EQ(record.restarts, 3);
}

TEST(Restart, ARunWhoseEndNobodySawIsNeitherShortNorGood) {
    RestartRecord record;
    note_exit(record, ended(1, seconds(100), seconds(101)));
    podman::ContainerSummary cut_off = ended(255, seconds(200), seconds(101));
    EXPECT_TRUE(note_exit(record, cut_off));
    cut_off.exited.reset();
    EXPECT_TRUE(note_exit(record, cut_off));
    EXPECT_EQ(record.short_runs, 1);
    EXPECT_EQ(record.restarts, 3);
}

struct BackoffRow {
    std::int64_t short_runs;
    milliseconds least, most;
};

TEST(Restart, BacksOffFromOneSecondDoublingToFiveMinutes) {
    const BackoffRow rows[] = {
        {0, milliseconds(0), milliseconds(0)},
        {1, milliseconds(0), milliseconds(0)},
        {2, milliseconds(800), milliseconds(1200)},
        {3, milliseconds(1600), milliseconds(2400)},
        {5, milliseconds(6400), milliseconds(9600)},
        {10, milliseconds(204'800), milliseconds(307'200)},
        {11, milliseconds(240'000), milliseconds(360'000)},
        {1'000'000, milliseconds(240'000), milliseconds(360'000)},
    };
    for (const BackoffRow& row : rows) {
        for (const char* salt : {"web/web", "db/db", "x"}) {
            const Duration wait = backoff(row.short_runs, salt);
            EXPECT_GE(wait, row.least) << row.short_runs;
            EXPECT_LE(wait, row.most) << row.short_runs;
        }
    }
}

TEST(Restart, ATimeThatItsBackoffCannotHaveGivenHoldsNobody) {
    const WallTime now(seconds(1000));
    for (const std::int64_t short_runs : {2, 3, 8, 20}) {
        RestartRecord record{.short_runs = short_runs, .until = now + backoff(short_runs, "web")};
        EXPECT_TRUE(is_held(record, now)) << short_runs;
        EXPECT_FALSE(is_held(record, record.until)) << short_runs;
        EXPECT_FALSE(is_held(record, now - std::chrono::minutes(8))) << short_runs;
        EXPECT_FALSE(is_held(record, now + std::chrono::hours(3))) << short_runs;
    }
}

TEST(Restart, JitterDiffersBetweenPartsAndIsTheSameForOne) {
    EXPECT_EQ(backoff(5, "web/web"), backoff(5, "web/web"));
    EXPECT_NE(backoff(5, "web/web"), backoff(5, "db/db"));
}

}  // namespace
}  // namespace podreeve::supervise
