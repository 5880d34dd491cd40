#include "agent/daemon/once.h"

#include <gtest/gtest.h>

namespace podreeve::daemon {
namespace {

using supervise::AppStatus;
using supervise::ServiceState;

reconcile::PassReport settled(std::vector<AppStatus> apps) {
    reconcile::PassReport report;
    report.settled = true;
    report.overview.podman_reachable = true;
    report.overview.apps = std::move(apps);
    return report;
}

AppStatus app_in(ServiceState state) {
    AppStatus app;
    app.name = "web";
    app.state = state;
    app.message = "some words";
    return app;
}

TEST(Once, ThereIsNoVerdictWhileSomethingIsUnderWay) {
    reconcile::PassReport report = settled({app_in(ServiceState::Running)});
    report.settled = false;
    EXPECT_FALSE(once_verdict(report));
}

TEST(Once, APodmanThatCannotBeReadIsAnErrorAtOnce) {
    reconcile::PassReport report;
    report.error = "cannot reach podman";
    const auto verdict = once_verdict(report);
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->exit_code, 1);
    EXPECT_EQ(verdict->text, "cannot reach podman");
}

TEST(Once, NoAppAtAllIsAllWell) {
    const auto verdict = once_verdict(settled({}));
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->exit_code, 0);
    EXPECT_EQ(verdict->text, "");
}

TEST(Once, TheStateOfEachAppDecides) {
    struct Row {
        ServiceState state;
        int exit_code;
    };

    for (const Row& row : {Row{ServiceState::Running, 0}, Row{ServiceState::Finished, 0},
                           Row{ServiceState::Skipped, 0}, Row{ServiceState::Failed, 1},
                           Row{ServiceState::Waiting, 1}, Row{ServiceState::Starting, 1},
                           Row{ServiceState::Unknown, 1}, Row{ServiceState::Initialized, 1}}) {
        const auto verdict = once_verdict(settled({app_in(row.state)}));
        ASSERT_TRUE(verdict);
        EXPECT_EQ(verdict->exit_code, row.exit_code) << to_string(row.state);
        EXPECT_EQ(verdict->text.empty(), row.exit_code == 0) << verdict->text;
    }
}

TEST(Once, AConditionOfARunningAppIsAnErrorAndIsTold) {
    AppStatus app = app_in(ServiceState::Running);
    app.conditions.push_back(
        {"ManifestError", "Invalid", "web.yaml:3:1: unknown field", "", true, {}});
    const auto verdict = once_verdict(settled({app}));
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->exit_code, 1);
    EXPECT_EQ(verdict->text, "web: ManifestError: web.yaml:3:1: unknown field\n");
}

}  // namespace
}  // namespace podreeve::daemon
