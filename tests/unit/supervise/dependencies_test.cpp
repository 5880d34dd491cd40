#include "agent/supervise/dependencies.h"

#include <gtest/gtest.h>

namespace podreeve::supervise {
namespace {

using manifests::DependencyKind;

struct DependencyRow {
    DependencyKind is;
    ServiceState state;
    bool stopped;
    bool met;
};

TEST(Dependencies, AreMetByTheStateTheyAskFor) {
    const DependencyRow rows[] = {
        {DependencyKind::Started, ServiceState::Running, false, true},
        {DependencyKind::Started, ServiceState::Finished, false, true},
        {DependencyKind::Started, ServiceState::Finished, true, false},
        {DependencyKind::Started, ServiceState::Starting, false, false},
        {DependencyKind::Started, ServiceState::Unknown, false, false},
        {DependencyKind::Healthy, ServiceState::Running, false, true},
        {DependencyKind::Healthy, ServiceState::Finished, false, false},
        {DependencyKind::Finished, ServiceState::Finished, false, true},
        {DependencyKind::Finished, ServiceState::Finished, true, false},
        {DependencyKind::Finished, ServiceState::Running, false, false},
        {DependencyKind::Failed, ServiceState::Failed, false, true},
        {DependencyKind::Failed, ServiceState::Running, false, false},
    };
    for (const DependencyRow& row : rows) {
        const std::map<std::string, Standing> standings{{"db", {row.state, "", row.stopped}}};
        EXPECT_EQ(!unmet({"db", row.is, {}}, standings).has_value(), row.met)
            << manifests::to_string(row.is) << " " << to_string(row.state);
    }
}

TEST(Dependencies, SayWhatIsWaitedForAndWhyItIsNotThere) {
    const std::map<std::string, Standing> standings{
        {"db", {ServiceState::Failed, "image not found", false}}};
    manifests::AppSpec web;
    web.depends_on = {{"db", DependencyKind::Started, {}}, {"cache", DependencyKind::Healthy, {}}};
    EXPECT_EQ(unmet(web, standings),
              "waits for db to be started (db is Failed: image not found), cache to be healthy (no "
              "manifest declares it)");
}

TEST(Dependencies, AnAppWithoutAnyMayStart) {
    EXPECT_EQ(unmet(manifests::AppSpec{}, {}), std::nullopt);
}

}  // namespace
}  // namespace podreeve::supervise
