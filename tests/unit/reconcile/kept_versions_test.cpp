#include "agent/reconcile/kept_versions.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::reconcile {
namespace {

namespace fs = std::filesystem;

// Former unit files lie beside the store by app; each may hold secrets.
class FormerUnits : public testing::Test {
  protected:
    void SetUp() override {
        state = std::move(*state::State::open(root / "state", time));
        source = std::make_unique<manifests::ManifestSource>(
            manifests::SourceConfig{{root / "apps"}, root / "accepted", ::geteuid(), nullptr});
        versions = std::make_unique<KeptVersions>(*source, specs, *state, root / "units");
    }

    void put(const std::string& app, const std::string& key) const {
        fs::create_directories(root / "units" / app);
        std::ofstream(root / "units" / app / key) << R"({"web.container":"PASS=hunter2"})";
    }

    bool is_kept(const std::string& app) const { return fs::exists(root / "units" / app); }

    // A version of its manifest that was accepted once.
    void accept(const std::string& app) const {
        fs::create_directories(root / "accepted" / app);
        std::ofstream(root / "accepted" / app / "ab12.json") << R"({"text":"PASS=hunter2"})";
    }

    bool is_accepted(const std::string& app) const { return fs::exists(root / "accepted" / app); }

    fakes::TempDir temp;
    fs::path root = temp.path();
    fakes::FakeTime time;
    std::unique_ptr<state::State> state;
    handlers::SpecBook specs;
    std::unique_ptr<manifests::ManifestSource> source;
    std::unique_ptr<KeptVersions> versions;
};

TEST_F(FormerUnits, GoWithTheirApp) {
    put("web", "a");
    put("db", "b");
    versions->forget("web");
    EXPECT_FALSE(is_kept("web"));
    EXPECT_TRUE(is_kept("db"));
}

TEST_F(FormerUnits, GoWithAnAppThatWentWhileNoAgentRan) {
    put("web", "a");
    put("db", "b");
    put("known", "c");
    ASSERT_TRUE(state->put_app({.name = "known"}));
    versions->forget_others({"db"});
    EXPECT_FALSE(is_kept("web"));
    EXPECT_TRUE(is_kept("db"));
    EXPECT_TRUE(is_kept("known"));
}

TEST_F(FormerUnits, GoWithTheAcceptedVersionsOfAnAppThatWentWhileNoAgentRan) {
    for (const char* app : {"web", "db", "known"}) {
        accept(app);
    }
    put("web", "a");
    ASSERT_TRUE(state->put_app({.name = "known"}));
    versions->forget_others({"db"});
    EXPECT_FALSE(is_accepted("web"));
    EXPECT_FALSE(is_kept("web"));
    EXPECT_TRUE(is_accepted("db"));
    EXPECT_TRUE(is_accepted("known"));
}

TEST_F(FormerUnits, StayWhileSomethingIsUnderWayOnTheirApp) {
    for (const char* app : {"web", "db"}) {
        accept(app);
        put(app, "a");
    }
    for (const char* subject : {"web", "db/companions"}) {
        ASSERT_TRUE(
            state->add_change({.kind = "remove-app",
                               .summary = "Remove it",
                               .subject = subject,
                               .tasks = {{.kind = "stop", .summary = "Stop it", .after = {}}}}));
    }
    versions->forget_others({});
    for (const char* app : {"web", "db"}) {
        EXPECT_TRUE(is_accepted(app)) << app;
        EXPECT_TRUE(is_kept(app)) << app;
    }
}

TEST_F(FormerUnits, GoWhenNothingCanBeUndoneToThem) {
    put("web", "a");
    ASSERT_TRUE(state->put_app({.name = "web"}));
    versions->trim();
    EXPECT_FALSE(is_kept("web"));
}

TEST_F(FormerUnits, NothingOutsideOfThemIsTouched) {
    std::ofstream(root / "file") << "x";
    put("web", "a");
    versions->forget("..");
    versions->forget("");
    EXPECT_TRUE(is_kept("web"));
    EXPECT_TRUE(fs::exists(root / "file"));
}

}  // namespace
}  // namespace podreeve::reconcile
