#include "agent/daemon/foreground.h"

#include <gtest/gtest.h>

namespace podreeve::daemon {
namespace {

TEST(Foreground, RunsRegularFilesAlone) {
    Config config;
    config.paths.state_dir = "/nowhere";
    for (const char* what : {"/dev/null", "/"}) {
        const auto staged = stage_manifest(what, config);
        ASSERT_FALSE(staged) << what;
        EXPECT_EQ(staged.error().message,
                  "cannot run " + std::string(what) + ": it is not a regular file");
    }
    EXPECT_EQ(config.paths.state_dir, "/nowhere");
}

reconcile::PassReport failed(std::vector<supervise::PartStatus> parts) {
    supervise::AppStatus app;
    app.name = "web";
    app.generation = 1;
    app.state = supervise::ServiceState::Failed;
    app.message = "it cannot be";
    app.parts = std::move(parts);
    reconcile::PassReport report;
    report.overview.apps = {app};
    return report;
}

supervise::PartStatus container(const char* state, int exit_code) {
    supervise::PartStatus part;
    part.kind = "container";
    part.state = state;
    part.exit_code = exit_code;
    return part;
}

TEST(Foreground, EndsWithWhatItsContainersSayOfAFailureAndElseWithOne) {
    using enum Propagation;

    const struct {
        const char* what;
        std::vector<supervise::PartStatus> parts;
        Propagation propagation;
        int exit_code;
    } kRows[] = {
        {"another container has its name", {container("absent", 0)}, All, 1},
        {"another container has its name", {container("absent", 0)}, None, 1},
        {"no container at all", {}, All, 1},
        {"one failed", {container("exited", 7)}, Any, 7},
        {"one failed", {container("exited", 7)}, None, 0},
        {"one of two failed", {container("exited", 7), container("exited", 0)}, All, 0},
    };

    for (const auto& row : kRows) {
        const ForegroundView view = view_of(failed(row.parts), row.propagation);
        ASSERT_TRUE(view.exit_code) << row.what;
        EXPECT_EQ(*view.exit_code, row.exit_code) << row.what;
        EXPECT_EQ(view.message, "it cannot be");
    }
}

TEST(PodmanAway, IsReportedAtOnceAndGivenUpWhenItStaysAway) {
    using Step = PodmanAway::Step;
    SteadyTime now{};
    PodmanAway away(now);
    EXPECT_EQ(away.step("", now), Step::GoOn);
    EXPECT_EQ(away.step("refused", now), Step::Report);
    now += PodmanAway::kPatience / 2;
    EXPECT_EQ(away.step("refused", now), Step::GoOn);
    EXPECT_EQ(away.step("", now), Step::GoOn) << "it is back";
    now += PodmanAway::kPatience / 2;
    EXPECT_EQ(away.step("refused", now), Step::Report) << "an outage of its own";
    now += PodmanAway::kPatience / 2;
    EXPECT_EQ(away.step("refused", now), Step::GiveUp);
}

}  // namespace
}  // namespace podreeve::daemon
