#include "agent/daemon/once.h"

#include <gtest/gtest.h>

namespace podreeve::daemon {
namespace {

using supervise::AppStatus;
using supervise::ServiceState;

reconcile::PassReport converged(std::vector<AppStatus> apps) {
    reconcile::PassReport report;
    report.converged = true;
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
    reconcile::PassReport report = converged({app_in(ServiceState::Running)});
    report.converged = false;
    EXPECT_FALSE(once_outcome(report));
}

TEST(Once, APodmanThatCannotBeReadIsAnErrorAtOnce) {
    reconcile::PassReport report;
    report.error = "cannot reach podman";
    const auto outcome = once_outcome(report);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->exit_code, 1);
    EXPECT_EQ(outcome->text, "cannot reach podman");
}

TEST(Once, NoAppAtAllIsAllWell) {
    const auto outcome = once_outcome(converged({}));
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->exit_code, 0);
    EXPECT_EQ(outcome->text, "");
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
        const auto outcome = once_outcome(converged({app_in(row.state)}));
        ASSERT_TRUE(outcome);
        EXPECT_EQ(outcome->exit_code, row.exit_code) << to_string(row.state);
        EXPECT_EQ(outcome->text.empty(), row.exit_code == 0) << outcome->text;
    }
}

TEST(Once, AConditionOfARunningAppIsAnErrorAndIsTold) {
    AppStatus app = app_in(ServiceState::Running);
    app.conditions.push_back(
        {"ManifestError", "Invalid", "web.yaml:3:1: unknown field", "", true, {}});
    const auto outcome = once_outcome(converged({app}));
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->exit_code, 1);
    EXPECT_EQ(outcome->text, "web: ManifestError: web.yaml:3:1: unknown field\n");
}

}  // namespace
}  // namespace podreeve::daemon
