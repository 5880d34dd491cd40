#include "agent/health/health_status.h"

#include <gtest/gtest.h>

namespace podreeve::health {
namespace {

using podman::ContainerState;
using std::chrono::seconds;

const WallTime kNow{seconds(1'700'000'000)};

podman::ContainerSummary container(seconds age, std::int64_t pid = 7) {
    podman::ContainerSummary out;
    out.id = "c1";
    out.state = ContainerState::Running;
    out.pid = pid;
    out.started = kNow - age;
    return out;
}

HealthSnapshot ready() {
    HealthSnapshot out;
    out["c1"].pid = 7;
    out["c1"].status.readiness = Readiness::Ready;
    return out;
}

manifests::Health probed() {
    manifests::Health out;
    out.readiness.emplace();
    return out;
}

TEST(VerdictOn, IsWhatTheProbesOfThisRunFound) {
    const HealthSnapshot known = ready();
    EXPECT_EQ(health_of(known, probed(), container(seconds(60)), kNow).readiness, Readiness::Ready);
    EXPECT_EQ(health_of(known, probed(), container(seconds(1), 8), kNow).readiness,
              Readiness::NotReady)
        << "another run of it";
}

TEST(VerdictOn, OfOneThatDoesNotRunIsNotReady) {
    const HealthSnapshot known = ready();
    podman::ContainerSummary exited = container(seconds(60));
    exited.state = ContainerState::Exited;
    EXPECT_EQ(health_of(known, {}, exited, kNow).readiness, Readiness::NotReady);
}

TEST(VerdictOn, OfOneThatIsNotFollowedYetGoesByItsAge) {
    struct AgeRow {
        seconds age;
        bool with_probe;
        Readiness readiness;
    };

    const AgeRow rows[] = {
        {seconds(0), false, Readiness::NotReady}, {seconds(1), false, Readiness::NotReady},
        {seconds(2), false, Readiness::Ready},    {seconds(60), false, Readiness::Ready},
        {seconds(2), true, Readiness::NotReady},  {seconds(60), true, Readiness::Unknown},
    };
    for (const AgeRow& row : rows) {
        const HealthStatus status = health_of({}, row.with_probe ? probed() : manifests::Health{},
                                              container(row.age), kNow);
        EXPECT_EQ(status.readiness, row.readiness) << row.age.count() << row.with_probe;
        EXPECT_FALSE(status.restart);
    }
}

TEST(Reasons, AreTheSameButForTheirFigures) {
    EXPECT_EQ(reason_of("readiness: / answered 503"), reason_of("readiness: / answered 500"));
    EXPECT_EQ(reason_of("liveness: closed (1 of 3)"), reason_of("liveness: closed"));
    EXPECT_EQ(reason_of("exec: late by 17 ms\nmore"), reason_of("exec: late by 3 ms\nless"));
    EXPECT_NE(reason_of("readiness: closed"), reason_of("liveness: closed"));
    EXPECT_EQ(reason_of(""), "");
}

}  // namespace
}  // namespace podreeve::health
