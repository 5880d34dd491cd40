#include "agent/reconcile/unit_trials.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::reconcile {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;
using std::chrono::seconds;

class Trials : public testing::Test {
  protected:
    void SetUp() override {
        trials.emplace(root, time, [this](auto&&, const auto& folders, const systemd::Call&) {
            ++runs;
            seen = fs::exists(folders.at(0) / "web" / "web.container");
            return reply;
        });
        views = version("localhost/web:1");
    }

    static void add(manifests::AppSpec& spec, const std::string& part, const std::string& image) {
        manifests::CompanionSpec companion;
        companion.part = part;
        companion.text = "[Container]\nImage=" + image + "\n";
        spec.companions.push_back(companion);
    }

    static plan::CompanionViews version(const std::string& image) {
        auto spec = std::make_shared<manifests::AppSpec>();
        spec->name = "web";
        add(*spec, "web.container", image);
        return plan::view_companions({{"web", spec}}, {}, "/etc/containers/systemd/podreeve");
    }

    static plan::CompanionViews two(const std::string& web, const std::string& db) {
        auto spec = std::make_shared<manifests::AppSpec>();
        spec->name = "web";
        add(*spec, "web.container", web);
        add(*spec, "db.container", db);
        return plan::view_companions({{"web", spec}}, {}, "/etc/containers/systemd/podreeve");
    }

    std::map<std::string, std::string> ask(std::stop_token stop = {}) {
        return trials->refused(views, {"/usr/lib/generator", systemd::Scope::User},
                               std::move(stop));
    }

    void cannot() { reply = fail(Code::Timeout, "cannot finish the generator"); }

    void makes_it() {
        systemd::DryRun run;
        run.sources["web.service"] = "/somewhere/web.container";
        reply = run;
    }

    fakes::TempDir temp;
    fs::path root = temp.path();
    fakes::FakeTime time;
    Result<systemd::DryRun> reply = systemd::DryRun{};
    int runs = 0;
    bool seen = false;
    std::optional<UnitTrials> trials;
    plan::CompanionViews views;
};

TEST_F(Trials, AreMadeOnceForAText) {
    makes_it();
    EXPECT_TRUE(ask().empty());
    EXPECT_TRUE(seen) << "as it would be installed";
    EXPECT_TRUE(ask().empty());
    time.advance(std::chrono::hours(5));
    ask();
    EXPECT_EQ(runs, 1);
    views = version("localhost/web:1");
    ask();
    EXPECT_EQ(runs, 1) << "the manifest was read anew, and says the same";
    views = version("localhost/web:2");
    ask();
    EXPECT_EQ(runs, 2);
    EXPECT_FALSE(fs::exists(root / "quadlet-trial"));
}

TEST_F(Trials, SayWhatTheGeneratorWouldNotTake) {
    systemd::DryRun run;
    run.errors["web.container"] = {"unsupported key 'Imgae'"};
    reply = run;
    EXPECT_EQ(ask().at("web.container"), "Quadlet refuses web.container: unsupported key 'Imgae'");
    reply = systemd::DryRun{};
    EXPECT_EQ(ask().size(), 1U) << "as it said";
    views = version("localhost/web:2");
    EXPECT_EQ(ask().at("web.container"), "Quadlet would make no service of web.container");
}

// Each try may hold up the pass for twenty seconds.
TEST_F(Trials, ThatCannotBeMadeAreMadeMoreAndMoreRarely) {
    cannot();
    EXPECT_TRUE(ask().empty()) << "what is not known refuses nothing";
    for (int i = 0; i < 10; ++i) {
        ask();
    }
    time.advance(seconds(59));
    ask();
    EXPECT_EQ(runs, 1);
    time.advance(seconds(1));
    ask();
    EXPECT_EQ(runs, 2);
    time.advance(seconds(119));
    ask();
    EXPECT_EQ(runs, 2);
    time.advance(seconds(1));
    ask();
    EXPECT_EQ(runs, 3);
    for (int hour = 0; hour < 24; ++hour) {
        time.advance(minutes(60));
        ask();
    }
    EXPECT_EQ(runs, 27) << "once an hour at the least";
}

TEST_F(Trials, OfAnotherTextDoNotWaitAndOneThatWorksEndsThePause) {
    cannot();
    ask();
    views = version("localhost/web:2");
    makes_it();
    ask();
    EXPECT_EQ(runs, 2);
    time.advance(minutes(10));
    ask();
    EXPECT_EQ(runs, 2) << "it is known now";
    cannot();
    views = version("localhost/web:3");
    ask();
    time.advance(minutes(1));
    ask();
    EXPECT_EQ(runs, 4) << "a minute again";
}

// What was refused would else be installed over the version that runs.
TEST_F(Trials, ThatFailOrAreCutLeaveARefusedTextRefused) {
    views = two("localhost/web:1", "localhost/db:1");
    systemd::DryRun run;
    run.errors["web.container"] = {"unsupported key 'Imgae'"};
    run.sources["db.service"] = "/somewhere/db.container";
    reply = run;
    ASSERT_EQ(ask().size(), 1U);
    std::stop_source source;
    source.request_stop();
    views = two("localhost/web:1", "localhost/db:2");
    cannot();
    EXPECT_EQ(ask(source.get_token()).count("web.container"), 1U);
    EXPECT_EQ(ask().count("web.container"), 1U);
    views = two("localhost/web:2", "localhost/db:2");
    EXPECT_TRUE(ask().empty()) << "of another text nothing is known";
}

TEST_F(Trials, ThatWereCutShortCountForNothing) {
    std::stop_source source;
    source.request_stop();
    cannot();
    ask(source.get_token());
    makes_it();
    ask();
    EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace podreeve::reconcile
