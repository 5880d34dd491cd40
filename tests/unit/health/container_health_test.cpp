#include "agent/health/container_health.h"

#include <gtest/gtest.h>

namespace podreeve::health {
namespace {

using probe::Outcome;
using std::chrono::milliseconds;
using std::chrono::seconds;

manifests::Probe every(seconds period, seconds delay = seconds(0)) {
    manifests::Probe out;
    out.ports = {80};
    out.period = period;
    out.initial_delay = delay;
    return out;
}

// A container that started at time zero, with a clock of its own.
struct Bench {
    explicit Bench(manifests::Health health, bool adopted = false)
        : machine(
              std::make_shared<const manifests::Health>(std::move(health)), SteadyTime{}, adopted) {
    }

    // Asks and answers when it is due; false when it was not.
    bool result(ProbeRole use, Outcome outcome) {
        const auto due = machine.due(use);
        if (!due) {
            return false;
        }
        now = std::max(now, *due);
        machine.asked(use, now);
        machine.take_result(use, {0, outcome, outcome == Outcome::Success ? "" : "closed"}, now);
        return true;
    }

    void result(ProbeRole use, const std::string& results) {
        for (const char c : results) {
            EXPECT_TRUE(result(use, c == 'S'   ? Outcome::Success
                                    : c == 'F' ? Outcome::Failure
                                               : Outcome::Unknown));
        }
    }

    HealthStatus status() const { return machine.status(now); }

    ContainerHealth machine;
    SteadyTime now{};
};

SteadyTime at(Duration since_start) {
    return SteadyTime{} + since_start;
}

manifests::Health all(int failures = 3) {
    manifests::Health out;
    out.startup = out.liveness = out.readiness = every(seconds(10));
    out.startup->failure_threshold = out.liveness->failure_threshold = failures;
    return out;
}

TEST(ContainerHealth, WithoutProbesIsReadyOnceItHasLivedForASecond) {
    Bench bench({});
    EXPECT_EQ(bench.status().readiness, Readiness::NotReady);
    EXPECT_EQ(bench.status().message, "runs for less than a second");
    EXPECT_EQ(bench.machine.next_change(bench.now), at(seconds(1)));
    bench.now = at(milliseconds(999));
    EXPECT_EQ(bench.status().readiness, Readiness::NotReady);
    bench.now = at(seconds(1));
    EXPECT_EQ(bench.status().readiness, Readiness::Ready);
    EXPECT_FALSE(bench.machine.next_change(bench.now));
    for (const ProbeRole use : kUses) {
        EXPECT_FALSE(bench.machine.due(use));
    }
}

TEST(ContainerHealth, LivenessAloneGatesNothing) {
    manifests::Health health;
    health.liveness = every(seconds(5));
    Bench bench(health);
    bench.result(ProbeRole::Liveness, "FF");
    EXPECT_EQ(bench.status().readiness, Readiness::Ready);
    EXPECT_FALSE(bench.status().restart);
    bench.result(ProbeRole::Liveness, "F");
    EXPECT_EQ(bench.status().readiness, Readiness::NotReady);
    EXPECT_TRUE(bench.status().restart);
    EXPECT_EQ(bench.status().message, "liveness: closed");
}

TEST(ContainerHealth, AsksForStartupAloneUntilItSucceeds) {
    Bench bench(all());
    EXPECT_TRUE(bench.machine.due(ProbeRole::Startup));
    EXPECT_FALSE(bench.machine.due(ProbeRole::Liveness) || bench.machine.due(ProbeRole::Readiness));
    EXPECT_EQ(bench.machine.phase(), ContainerHealth::Phase::Starting);
    bench.result(ProbeRole::Startup, "FFS");
    EXPECT_EQ(bench.machine.phase(), ContainerHealth::Phase::Up);
    EXPECT_FALSE(bench.machine.due(ProbeRole::Startup));
    EXPECT_TRUE(bench.machine.due(ProbeRole::Liveness) && bench.machine.due(ProbeRole::Readiness));
    EXPECT_EQ(bench.status().readiness, Readiness::NotReady);
    bench.result(ProbeRole::Readiness, "S");
    EXPECT_EQ(bench.status().readiness, Readiness::Ready);
}

TEST(ContainerHealth, AStartThatTakesTooLongIsLost) {
    manifests::Health health = all();
    health.startup->stop_grace = seconds(7);
    Bench bench(health);
    bench.result(ProbeRole::Startup, "FFF");
    EXPECT_EQ(bench.machine.phase(), ContainerHealth::Phase::Lost);
    EXPECT_TRUE(bench.status().restart);
    EXPECT_EQ(bench.status().stop_grace, seconds(7));
    EXPECT_EQ(bench.status().message, "startup: closed");
}

TEST(ContainerHealth, IsLostForTheRestOfItsRun) {
    Bench bench(all(1));
    bench.result(ProbeRole::Startup, "S");
    bench.result(ProbeRole::Readiness, "S");
    bench.result(ProbeRole::Liveness, "F");
    EXPECT_EQ(bench.machine.phase(), ContainerHealth::Phase::Lost);
    for (const ProbeRole use : kUses) {
        EXPECT_FALSE(bench.machine.due(use));
    }
    EXPECT_TRUE(bench.status().restart);
    EXPECT_EQ(bench.status().readiness, Readiness::NotReady);
}

TEST(ContainerHealth, AnAnswerOnItsWayWhenItWasLostIsNoMatter) {
    Bench bench(all(1));
    bench.result(ProbeRole::Startup, "S");
    bench.machine.asked(ProbeRole::Readiness, bench.now);
    bench.result(ProbeRole::Liveness, "F");
    bench.machine.take_result(ProbeRole::Readiness, {0, Outcome::Success, ""}, bench.now);
    EXPECT_EQ(bench.status().readiness, Readiness::NotReady);
}

struct ReadinessRow {
    std::string results;
    bool adopted;
    Readiness readiness;
    std::string message;
};

TEST(ContainerHealth, ReadinessGatesAndOneFailureTakesNobodyDown) {
    const ReadinessRow rows[] = {
        {"", false, Readiness::NotReady, "readiness: not proved yet"},
        {"F", false, Readiness::NotReady, "readiness: closed (1 of 3)"},
        {"S", false, Readiness::Ready, ""},
        {"SFF", false, Readiness::Ready, ""},
        {"SFFF", false, Readiness::NotReady, "readiness: closed"},
        {"SFFFS", false, Readiness::Ready, ""},
        {"SUUUUU", false, Readiness::Ready, ""},
        {"U", false, Readiness::NotReady, "readiness: closed"},
        // What ran before us is not down because we do not know it yet.
        {"", true, Readiness::Unknown, "readiness: not proved yet"},
        {"FF", true, Readiness::Unknown, "readiness: closed (2 of 3)"},
        {"FFF", true, Readiness::NotReady, "readiness: closed"},
        {"UUUU", true, Readiness::Unknown, "readiness: closed"},
        {"S", true, Readiness::Ready, ""},
    };
    for (const ReadinessRow& row : rows) {
        manifests::Health health;
        health.readiness = every(seconds(10));
        Bench bench(health, row.adopted);
        bench.result(ProbeRole::Readiness, row.results);
        EXPECT_EQ(bench.status().readiness, row.readiness) << row.results;
        EXPECT_EQ(bench.status().message, row.message) << row.results;
        EXPECT_FALSE(bench.status().restart);
    }
}

TEST(ContainerHealth, AnAdoptedOneIsNotDownWhileItsStartupIsAsked) {
    Bench bench(all(), true);
    EXPECT_EQ(bench.status().readiness, Readiness::Unknown);
    bench.result(ProbeRole::Startup, "S");
    EXPECT_EQ(bench.status().readiness, Readiness::Unknown);
    bench.result(ProbeRole::Readiness, "S");
    EXPECT_EQ(bench.status().readiness, Readiness::Ready);
}

TEST(ContainerHealth, IsAskedAfterItsDelayAndThenEveryPeriod) {
    manifests::Health health;
    health.liveness = every(seconds(10), seconds(30));
    Bench bench(health);
    EXPECT_EQ(bench.machine.due(ProbeRole::Liveness), at(seconds(30)));
    bench.machine.asked(ProbeRole::Liveness, at(seconds(31)));
    EXPECT_FALSE(bench.machine.due(ProbeRole::Liveness)) << "never twice at a time";
    bench.machine.take_result(ProbeRole::Liveness, {0, Outcome::Success, ""}, at(seconds(33)));
    EXPECT_EQ(bench.machine.due(ProbeRole::Liveness), at(seconds(41))) << "from asking to asking";
    bench.machine.asked(ProbeRole::Liveness, at(seconds(41)));
    bench.machine.take_result(ProbeRole::Liveness, {0, Outcome::Success, ""}, at(seconds(60)));
    EXPECT_EQ(bench.machine.due(ProbeRole::Liveness), at(seconds(60)))
        << "and not before its answer";
}

TEST(ContainerHealth, ReadinessIsAskedEverySecondUntilItIsGood) {
    manifests::Health health;
    health.readiness = every(seconds(10));
    Bench bench(health);
    bench.result(ProbeRole::Readiness, "F");
    EXPECT_EQ(bench.machine.due(ProbeRole::Readiness), bench.now + seconds(1));
    bench.result(ProbeRole::Readiness, "S");
    EXPECT_EQ(bench.machine.due(ProbeRole::Readiness), bench.now + seconds(10));
    bench.result(ProbeRole::Readiness, "FF");
    EXPECT_EQ(bench.machine.due(ProbeRole::Readiness), bench.now + seconds(10));
    bench.result(ProbeRole::Readiness, "F");
    EXPECT_EQ(bench.machine.due(ProbeRole::Readiness), bench.now + seconds(1));
}

TEST(ContainerHealth, AReadinessCommandKeepsItsPeriod) {
    manifests::Health health;
    health.readiness = every(seconds(10));
    health.readiness->kind = manifests::ProbeKind::Exec;
    health.readiness->command = {"check"};
    Bench bench(health);
    bench.result(ProbeRole::Readiness, "F");
    EXPECT_EQ(bench.machine.due(ProbeRole::Readiness), bench.now + seconds(10));
}

TEST(ContainerHealth, AnAnswerNobodyAskedForIsNoMatter) {
    manifests::Health health;
    health.readiness = every(seconds(10));
    Bench bench(health);
    bench.machine.take_result(ProbeRole::Readiness, {0, Outcome::Success, ""}, bench.now);
    EXPECT_EQ(bench.status().readiness, Readiness::NotReady);
}

TEST(ContainerHealth, GoesOnAsAnEarlierAgentLeftIt) {
    struct Row {
        const char* what;
        Before before;
        Readiness readiness;
        bool failing;
        const char* results;  // of readiness, after which it is…
        Readiness then;
    };

    const Row rows[] = {
        {"well", {Readiness::Ready, ""}, Readiness::Ready, false, "FF", Readiness::Ready},
        {"well, and ill now",
         {Readiness::Ready, ""},
         Readiness::Ready,
         false,
         "FFF",
         Readiness::NotReady},
        {"ill",
         {Readiness::NotReady, "readiness: closed"},
         Readiness::NotReady,
         true,
         "UF",
         Readiness::NotReady},
        {"ill, and well now",
         {Readiness::NotReady, "readiness: closed"},
         Readiness::NotReady,
         true,
         "S",
         Readiness::Ready},
        {"only starting",
         {Readiness::NotReady, ""},
         Readiness::NotReady,
         false,
         "S",
         Readiness::Ready},
    };
    for (const Row& row : rows) {
        manifests::Health health;
        health.readiness = every(seconds(1));
        Bench bench(health, true);
        bench.machine.go_on_from(row.before);
        EXPECT_EQ(bench.status().readiness, row.readiness) << row.what;
        EXPECT_EQ(bench.status().failing, row.failing) << row.what;
        bench.result(ProbeRole::Readiness, row.results);
        EXPECT_EQ(bench.status().readiness, row.then) << row.what;
    }
}

TEST(ContainerHealth, WhatWasUpBeforeIsNotStartedUpAnew) {
    Bench up(all(), true);
    up.machine.go_on_from({Readiness::Ready, ""});
    EXPECT_EQ(up.machine.phase(), ContainerHealth::Phase::Up);
    Bench starting(all(), true);
    starting.machine.go_on_from({Readiness::NotReady, ""});
    EXPECT_EQ(starting.machine.phase(), ContainerHealth::Phase::Starting);
    EXPECT_EQ(starting.status().readiness, Readiness::NotReady);
}

}  // namespace
}  // namespace podreeve::health
