#include <algorithm>

#include "quadlet/stamp.h"
#include "tests/integration/manifest_texts.h"
#include "tests/integration/unit_host.h"

// Companions that do not start, that keep ending, and that people change their minds about.
namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Words = std::vector<std::string>;

const std::string kText = "[Container]\nImage=localhost/web\n";

void end(fakes::FakeUnit& unit) {
    unit.active = "inactive";
    unit.sub = "dead";
}

// systemd has forgotten all of a unit that is not in use, as it does at a reload.
void forget(fakes::FakeUnit& unit) {
    end(unit);
    unit.active_since = unit.inactive_since = {};
    unit.invocation = 0;
}

TEST(CompanionTroubles, AUnitWhoseConditionDoesNotHoldIsTriedMoreAndMoreSlowly) {
    UnitHost on;
    on.systemd->world.lock()->scripts["web.service"] = {.is_over_at_once = true};
    on.host.write("web.container", kText + "[Unit]\nConditionPathExists=/nope\n");
    on.host.start();
    on.host.advance(minutes(30));
    EXPECT_GE(on.jobs().size(), 5U);
    EXPECT_LE(on.jobs().size(), 16U);
    EXPECT_EQ(on.host.app("web").state, supervise::ServiceState::Waiting);
    EXPECT_NE(on.state("web").find("a condition in its [Unit] may not hold"), std::string::npos)
        << on.state("web");
    EXPECT_NE(on.state("web").find("next start at"), std::string::npos);
    on.systemd->world.lock()->scripts.clear();
    on.host.advance(minutes(7));
    EXPECT_EQ(on.state("web"), "Running");
}

// A pass waits for it, and all apps for the pass.
TEST(CompanionTroubles, AGeneratorThatDiesIsNotRunInEveryPass) {
    UnitHost on;
    const std::filesystem::path runs = on.host.root / "runs";
    std::ofstream(on.host.root / "generators/usr/lib/systemd/user-generators/podman-user-generator")
        << "#!/bin/sh\necho run >>" << runs.string() << "\nkill -9 $$\n";
    on.host.write("web.container", kText);
    on.host.start();
    for (int i = 0; i < 10; ++i) {
        on.host.pass();
    }
    std::ifstream in(runs);
    EXPECT_EQ(std::count(std::istreambuf_iterator<char>(in), {}, '\n'), 1);
    EXPECT_EQ(on.state("web"), "Running") << "what cannot be tried is run all the same";
}

TEST(CompanionTroubles, AJobThatIsDoneIsNotRunAgainWhenSystemdForgetsIt) {
    UnitHost on;
    on.systemd->world.lock()->scripts["web.service"] = {.is_over_at_once = true};
    on.host.write("web.container", kText + "[Service]\nType=oneshot\nRemainAfterExit=no\n");
    on.host.start();
    on.host.advance(seconds(10));
    ASSERT_EQ(on.jobs(), Words{"StartUnit web.service"});
    for (int i = 0; i < 3; ++i) {
        on.systemd->change("web.service", forget);
        on.systemd->reload();
        on.host.pass();
        on.host.advance(seconds(40));
    }
    EXPECT_EQ(on.jobs(), Words{"StartUnit web.service"});
    EXPECT_EQ(on.state("web"), "Finished: ran to its end");
}

TEST(CompanionTroubles, AUnitThatKeepsEndingIsACrashLoopAlsoWhenSystemdForgetsIt) {
    UnitHost on;
    on.bring_up();
    for (int i = 0; i < 6; ++i) {
        on.systemd->change("web.service", [](fakes::FakeUnit& unit) {
            end(unit);
            unit.inactive_since = unit.active_since + seconds(1);
        });
        on.host.pass();
        on.host.advance(seconds(i < 5 ? 60 : 1));
    }
    EXPECT_EQ(on.host.app("web").state, supervise::ServiceState::CrashLoop) << on.state("web");
    EXPECT_NE(on.state("web").find("next start at"), std::string::npos);
    EXPECT_TRUE(on.host.app("web").next_attempt);
    on.systemd->change("web.service", forget);
    on.forget();
    on.systemd->reload();
    on.host.pass();
    EXPECT_EQ(on.jobs(), Words{}) << "the time of its next start is not here";
    on.host.write("web.container", kText + "HostName=b\n");
    on.host.pass();
    EXPECT_EQ(on.jobs(), Words{"StartUnit web.service"}) << "another version is tried at once";
}

TEST(CompanionTroubles, AnUndoneVersionStaysUndoneUntilTheManifestChanges) {
    UnitHost on;
    on.bring_up();
    on.host.write("web.container", kText + "HostName=b\n");
    on.host.pass();
    on.host.advance(seconds(40));
    const auto changes = on.host.agent->state().changes(20);
    const auto update = std::find_if(changes.begin(), changes.end(), [](const auto& change) {
        return change.kind == "deploy-companions";
    });
    ASSERT_NE(update, changes.end());
    const auto undo = on.host.agent->state().undo_change(update->id);
    ASSERT_TRUE(undo) << undo.error().message;
    on.host.converge();
    on.host.advance(minutes(20));
    EXPECT_EQ(on.text_of("web", "web.container").find("HostName"), std::string::npos);
    EXPECT_TRUE(on.is_active("web.service"));
    EXPECT_NE(on.host.condition("web", "CompanionFailed").find("change the manifest"),
              std::string::npos)
        << on.host.condition("web", "CompanionFailed");
    on.host.restart();
    on.host.advance(minutes(20));
    EXPECT_EQ(on.text_of("web", "web.container").find("HostName"), std::string::npos)
        << "a restart of the agent forgets the undo";
    on.host.write("web.container", kText + "HostName=c\n");
    on.host.pass();
    EXPECT_NE(on.text_of("web", "web.container").find("HostName=c"), std::string::npos);
    on.host.advance(seconds(40));
    EXPECT_EQ(on.state("web"), "Running");
}

TEST(CompanionTroubles, AVersionThatDoesNotStartSeldomTakesTheOneThatWorksDown) {
    UnitHost on;
    on.bring_up();
    on.systemd->on_job([&on](const std::string& unit, bool runs) {
        // The former version starts.
        if (unit == "web.service" && !runs) {
            on.systemd->world.lock()->scripts.erase("web.service");
        }
    });
    on.systemd->world.lock()->scripts["web.service"] = {.job_result = "failed"};
    on.host.write("web.container", kText + "HostName=b\n");
    on.host.pass();
    EXPECT_TRUE(on.is_active("web.service"));
    on.forget();
    on.host.advance(minutes(9));
    EXPECT_EQ(on.jobs(), Words{});
    EXPECT_NE(on.state("web").find("next try at"), std::string::npos) << on.state("web");
    on.host.advance(minutes(2));
    EXPECT_EQ(on.jobs(), Words{"RestartUnit web.service"});
    EXPECT_EQ(on.state("web"), "Running");
    EXPECT_FALSE(on.host.has_condition("web", "CompanionFailed"));
}

TEST(CompanionTroubles, AFileThatCannotBeReadIsItsAppsTroubleAlone) {
    UnitHost on;
    on.bring_up();
    on.append(on.file("db", "db.container"), std::string(5 * 1024 * 1024, '#'));
    on.systemd->change("web.service", end);
    on.host.pass();
    EXPECT_EQ(on.state("web"), "Running");
    EXPECT_TRUE(on.host.has_condition("db", "Unknown"));
    EXPECT_NE(on.host.condition("db", "Unknown").find("db.container"), std::string::npos);
}

// Written while the clock was ahead, on a host that has no clock of its own for instance.
TEST(CompanionTroubles, AFileWhoseTimeIsInTheFutureRestartsNothing) {
    UnitHost on;
    on.bring_up();
    std::filesystem::last_write_time(on.file("web", "web.container"),
                                     std::filesystem::file_time_type::clock::now() + hours(1));
    on.systemd->reload();
    on.forget();
    on.host.advance(minutes(5));
    EXPECT_EQ(on.jobs(), Words{});
    EXPECT_EQ(on.reloads(), 0);
    EXPECT_EQ(on.state("web"), "Running");
}

std::string pair_of_units(const std::string& host_name) {
    return fmt::format(
        "app:\n  id: pair\n  name: x\n  version: 1\n  companions:\n"
        "    - name: a.container\n      text: \"[Container]\\nImage=a\\nHostName={0}\"\n"
        "    - name: b.container\n      text: \"[Container]\\nImage=b\\nHostName={0}\"\n"
        "      depends_on: [{{companion: a.container, is: started}}]\n",
        host_name);
}

TEST(CompanionTroubles, AnUpdateThatIsTakenBackRestartsNoUnitThatRanOn) {
    UnitHost on;
    on.host.write("pair.yaml", pair_of_units("one"));
    on.host.start();
    on.host.advance(seconds(40));
    ASSERT_EQ(on.state("pair"), "Running");
    on.systemd->on_job([&on](const std::string& unit, bool runs) {
        // The former version starts.
        if (unit == "a.service" && !runs) {
            on.systemd->world.lock()->scripts.erase("a.service");
        }
    });
    on.systemd->world.lock()->scripts["a.service"] = {.job_result = "failed"};
    const WallTime since = on.systemd->world.lock()->units["b.service"].active_since;
    on.forget();
    on.host.write("pair.yaml", pair_of_units("two"));
    on.host.pass();
    ASSERT_EQ(on.jobs(), (Words{"RestartUnit a.service", "StartUnit a.service"}));
    EXPECT_NE(on.text_of("pair", "b.container").find("HostName=one"), std::string::npos);
    on.host.advance(minutes(5));
    EXPECT_EQ(on.jobs(), (Words{"RestartUnit a.service", "StartUnit a.service"}));
    EXPECT_EQ(on.systemd->world.lock()->units["b.service"].active_since, since);
    EXPECT_EQ(on.reloads(), 2) << "one for the update, and one for what is put back";
    EXPECT_EQ(on.host.app("pair").state, supervise::ServiceState::Running) << on.state("pair");
}

TEST(CompanionTroubles, AMaskedUnitThatRunsIsNotFinished) {
    UnitHost on;
    on.bring_up();
    on.systemd->mask("web.service");
    on.host.pass();
    EXPECT_EQ(on.host.app("web").state, supervise::ServiceState::Running) << on.state("web");
    EXPECT_TRUE(on.host.has_condition("web", "Masked"));
}

TEST(CompanionTroubles, WhatAPersonStartedRunsOnWhenTheStoreIsLostAndSystemdIsAway) {
    UnitHost on;
    on.host.write("web.yaml",
                  "app:\n  id: web\n  name: x\n  version: 1\n  autostart: false\n  companions:\n"
                  "    - {name: web.container, text: \"[Container]\\nImage=localhost/web\\n\"}\n");
    on.host.start();
    on.host.advance(seconds(10));
    ASSERT_FALSE(on.is_active("web.service"));
    on.host.request("web", supervise::Verb::Start);
    on.host.advance(seconds(40));
    ASSERT_TRUE(on.is_active("web.service"));
    on.forget();
    on.host.stop();
    std::ofstream(on.host.config.paths.state_dir / "state.db", std::ios::trunc) << "no database";
    on.systemd->leave();
    on.host.start();
    on.host.pass();
    on.systemd->join();
    on.host.advance(seconds(40));
    on.host.pass();
    EXPECT_TRUE(on.is_active("web.service")) << on.state("web");
    EXPECT_EQ(on.jobs(), Words{});
    on.host.request("web", supervise::Verb::Stop);
    on.host.advance(seconds(40));
    EXPECT_FALSE(on.is_active("web.service"));
}

TEST(CompanionTroubles, AUnitThatSystemdLostAtAReloadIsBackWithoutAHand) {
    UnitHost on;
    on.host.write("web.container", kText);
    on.host.start();
    on.host.advance(seconds(40));
    ASSERT_EQ(on.state("web"), "Running");
    fs::rename(on.quadlet / "podreeve", on.quadlet.parent_path() / "aside");
    on.systemd->reload();
    fs::rename(on.quadlet.parent_path() / "aside", on.quadlet / "podreeve");
    on.systemd->change("web.service", end);
    on.host.advance(minutes(3));
    EXPECT_TRUE(on.is_active("web.service")) << on.state("web");
    EXPECT_EQ(on.state("web"), "Running");
}

// As in the midst of a daemon-reload of many units.
TEST(CompanionTroubles, WhileSystemdDoesNotAnswerNoAppIsStoppedForOneItNeeds) {
    UnitHost on;
    on.host.write("db.container", kText);
    on.host.write("shop.yaml", to_text(SingleApp{.id = "shop",
                                                 .more = "  depends_on: [{app: db, is: started, "
                                                         "policy: stop}]\n"}));
    on.host.start();
    on.host.advance(seconds(40));
    ASSERT_EQ(on.state("shop"), "Running");
    const auto ids = on.host.ids();
    on.systemd->leave();
    on.host.advance(minutes(2));
    on.host.pass();
    EXPECT_EQ(on.host.podman->state_of("shop"), "running") << on.state("shop");
    on.systemd->join();
    on.host.advance(minutes(1));
    EXPECT_EQ(on.host.ids(), ids);
    EXPECT_EQ(on.host.podman->state_of("shop"), "running");
    on.systemd->mask("db.service");
    on.systemd->change("db.service", end);
    on.host.advance(minutes(1));
    EXPECT_NE(on.host.podman->state_of("shop"), "running")
        << "what is seen to be down still counts";
}

// What cannot be seen may be there: an app that is forgotten meanwhile would be a stranger later.
struct BlindPass {
    const char* name;
    void (*begin)(UnitHost&);
    void (*end)(UnitHost&);
};

const BlindPass kBlindPasses[] = {
    {"SystemdIsAway", [](UnitHost& on) { on.systemd->leave(); },
     [](UnitHost& on) { on.systemd->join(); }},
    {"TheFolderCannotBeListed",
     [](UnitHost& on) {
         fs::rename(on.quadlet / "podreeve", on.quadlet / "aside");
         std::ofstream(on.quadlet / "podreeve") << "no directory";
     },
     [](UnitHost& on) {
         fs::remove(on.quadlet / "podreeve");
         fs::rename(on.quadlet / "aside", on.quadlet / "podreeve");
     }},
};

class CompanionsUnseen : public ::testing::TestWithParam<BlindPass> {};

TEST_P(CompanionsUnseen, AreRememberedUntilTheyAreSeenAndThenGoWithTheirManifest) {
    UnitHost on;
    on.host.write("web.container", kText);
    on.host.start();
    on.host.advance(seconds(40));
    ASSERT_TRUE(on.is_active("web.service"));
    GetParam().begin(on);
    on.host.erase("web.container");
    on.host.advance(seconds(40));
    on.host.pass();
    EXPECT_TRUE(on.is_active("web.service"));
    const auto story = on.host.story("web");
    EXPECT_EQ(std::ranges::count(story, "Removed"), 0) << on.state("web");
    GetParam().end(on);
    on.host.write("db.container", kText);  // what is remembered is read anew
    on.host.advance(seconds(40));
    on.host.pass();
    EXPECT_FALSE(on.is_active("web.service")) << on.state("web");
    EXPECT_FALSE(fs::exists(on.file("web", "web.container")));
}

INSTANTIATE_TEST_SUITE_P(While,
                         CompanionsUnseen,
                         ::testing::ValuesIn(kBlindPasses),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Companions, GoAlsoWhereSomebodyElsesFileLiesBesideThem) {
    UnitHost on;
    on.bring_up();
    on.append(on.file("web", "hand.container"), "[Container]\nImage=localhost/hand\n");
    on.host.erase("web.container");
    on.host.pass();
    on.host.advance(seconds(40));
    EXPECT_EQ(on.state("web"), "Initialized");
    EXPECT_FALSE(fs::exists(on.file("web", "web.container")));
    EXPECT_TRUE(fs::exists(on.file("web", "hand.container")));
}

TEST(Companions, OfAnotherAgentAreNeitherRemovedNorReplaced) {
    UnitHost it;
    const std::string source = "[Container]\nImage=localhost/web\n";
    const auto install = [&](const std::string& app) {
        std::filesystem::create_directories(std::filesystem::path(it.file(app, "x")).parent_path());
        it.append(it.file(app, app + ".container"),
                  *quadlet::stamped(source, app, 1, "fedcba9876543210"));
    };
    install("web");
    install("proxy");
    it.host.write("web.container", source);
    it.bring_up();
    EXPECT_EQ(it.text_of("proxy", "proxy.container"),
              *quadlet::stamped(source, "proxy", 1, "fedcba9876543210"));
    EXPECT_EQ(it.text_of("web", "web.container"),
              *quadlet::stamped(source, "web", 1, "fedcba9876543210"));
    EXPECT_NE(it.state("web").find("was not installed by this agent"), std::string::npos)
        << it.state("web");
    EXPECT_EQ(it.state("db"), "Running");
}

TEST(Companions, OfAnotherAgentAreNotStoppedWithAnAppOfTheirName) {
    UnitHost it;
    it.host.write("web.container", kText);
    it.host.start();
    it.host.advance(seconds(40));
    ASSERT_TRUE(it.is_active("web.service"));
    // Another agent installs the same unit, and runs it.
    std::ofstream(it.file("web", "web.container"))
        << *quadlet::stamped(kText, "web", 1, "fedcba9876543210");
    it.forget();
    it.host.request("web", supervise::Verb::Stop);
    it.host.advance(minutes(1));
    EXPECT_TRUE(it.is_active("web.service"));
    EXPECT_EQ(it.jobs(), Words{});
}

}  // namespace
}  // namespace podreeve::integration
