#include <fstream>
#include <iostream>
#include <sys/resource.h>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "tests/integration/manifest_texts.h"
#include "tests/integration/unit_host.h"

// Companions against a systemd of their own on a bus of their own.
namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using Words = std::vector<std::string>;

const std::string kWeb = "[Container]\nImage=localhost/web\n";

double cpu_ms() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto ms = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
    };
    return ms(usage.ru_utime) + ms(usage.ru_stime);
}

TEST(Companions, AreInstalledAndStartedWithOneReload) {
    UnitHost on;
    on.host.write("web.container", kWeb);
    on.host.write("db.container", "[Container]\nImage=localhost/db\n");
    on.host.write("lan.network", "[Network]\n");
    on.host.start();
    for (const char* app : {"web", "db", "lan"}) {
        EXPECT_EQ(on.state(app), "Running") << app;
    }
    EXPECT_TRUE(on.is_active("web.service"));
    EXPECT_TRUE(on.is_active("lan-network.service"));
    EXPECT_EQ(on.reloads(), 1);
    EXPECT_NE(on.text_of("web", "web.container").find("App=web"), std::string::npos);
    const supervise::AppStatus web = on.host.app("web");
    ASSERT_EQ(web.parts.size(), 1U);
    EXPECT_EQ(web.parts[0].kind, "companion");
    EXPECT_EQ(web.parts[0].object, "web.service");
    EXPECT_EQ(web.parts[0].state, "active");
    on.forget();
    const auto rows = on.host.agent->state().rows_written();
    for (int i = 0; i < 3; ++i) {
        on.host.pass();
    }
    EXPECT_EQ(on.jobs(), Words{});
    EXPECT_EQ(on.reloads(), 0);
    EXPECT_LE(on.host.agent->state().rows_written() - rows, 4U) << "only that all is well is noted";
    const auto converged = on.host.agent->state().rows_written();
    on.host.pass();
    EXPECT_EQ(on.host.agent->state().rows_written(), converged);
}

// As many as a folder of real size has: more than may be written at once.
TEST(Companions, OfManyAppsWhoseFolderIsGoneAreBackWithOneReload) {
    UnitHost on;
    std::vector<std::string> apps;
    for (int i = 0; i < 25; ++i) {
        apps.push_back(fmt::format("web{}", i));
        on.host.write(apps.back() + ".container", kWeb);
    }
    on.host.start();
    on.host.advance(seconds(40));
    on.forget();
    fs::remove_all(on.quadlet / "podreeve");
    on.host.pass();
    on.host.advance(seconds(1));
    EXPECT_EQ(on.reloads(), 1);
    for (const std::string& app : apps) {
        EXPECT_TRUE(fs::exists(on.file(app, app + ".container"))) << app;
    }
}

bool is_untouched(const state::ChangeView& change) {
    return std::ranges::all_of(change.tasks, [](const state::TaskView& task) {
        return task.status == state::TaskStatus::Do;
    });
}

// The thread of the pass is slow: what it has committed first is carried out before it comes to the
// next app.
TEST(Companions, AreReadByOneReloadAlsoWhereTheirChangesAreCommittedSlowly) {
    UnitHost on;
    on.bring_up();
    for (const char* app : {"web", "db"}) {
        fs::remove(on.file(app, std::string(app) + ".container"));
    }
    on.host.agent->request_pass("the test asked");
    on.host.turn();  // it sees that the folder changes
    state::State& state = on.host.agent->state();
    on.host.turns.hold_who_posts([&] {
        const auto db = state.active_change_of("db/companions");
        return db && is_untouched(*db) && !state.active_change_of("web/companions");
    });
    on.host.time.advance(std::chrono::milliseconds(200));
    const auto db_is_done_or_waits = [&] {
        const auto db = state.changes(1).at(0);
        return db.is_ready || !db.tasks.back().wait_reason.empty();
    };
    while (state.changes(1).at(0).subject != "db/companions" || !db_is_done_or_waits()) {
        ASSERT_TRUE(on.host.turns.run() || on.host.turns.wait());
    }
    EXPECT_FALSE(state.active_change_of("web/companions")) << "the pass was not held";
    on.host.turns.let_go();
    on.host.converge();
    for (const char* app : {"web", "db"}) {
        EXPECT_TRUE(fs::exists(on.file(app, std::string(app) + ".container"))) << app;
    }
    EXPECT_EQ(on.reloads(), 1);
}

// Half a folder is neither what was nor what will be.
TEST(Companions, AreNotPutBackIntoAFolderThatIsBeingRemoved) {
    UnitHost on;
    on.bring_up();
    for (const char* app : {"web", "db"}) {
        fs::remove_all(on.quadlet / "podreeve" / app);
        on.host.agent->request_pass("the test asked");
        on.host.advance(std::chrono::milliseconds(150));
    }
    EXPECT_FALSE(fs::exists(on.file("web", "web.container"))) << "the folder was still changing";
    EXPECT_EQ(on.reloads(), 0);
    on.host.advance(seconds(1));
    EXPECT_TRUE(fs::exists(on.file("web", "web.container")));
    EXPECT_TRUE(fs::exists(on.file("db", "db.container")));
    EXPECT_EQ(on.reloads(), 1);
    EXPECT_EQ(on.jobs(), Words{});
}

// One who never stops writing there does not keep the others from being mended.
TEST(Companions, ArePutBackAfterAWhileIntoAFolderThatNeverRests) {
    UnitHost on;
    on.bring_up();
    fs::remove_all(on.quadlet / "podreeve" / "web");
    for (int i = 0; i < 60 && !fs::exists(on.file("web", "web.container")); ++i) {
        on.append(on.file("db", "db.container"), "#\n");
        on.host.agent->request_pass("the test asked");
        on.host.advance(std::chrono::milliseconds(150));
    }
    EXPECT_TRUE(fs::exists(on.file("web", "web.container")));
}

struct Disturbance {
    const char* name;
    std::function<void(UnitHost&)> happens;
    Words jobs;                  // what is done about it
    const char* condition = "";  // or what is told, of web
    const char* app = "web";
};

std::vector<Disturbance> disturbances() {
    const auto remove_file = [](const char* app, const char* name) {
        return [=](UnitHost& on) { fs::remove(on.file(app, name)); };
    };
    const Words restart_web{"RestartUnit web.service"};
    return {
        {"the unit file is deleted", remove_file("web", "web.container"), {}},
        {"and systemd reloads",
         [](UnitHost& on) {
             fs::remove(on.file("web", "web.container"));
             on.systemd->reload();
         },
         {}},
        {"the app's folder is deleted",
         [](UnitHost& on) { fs::remove_all(on.quadlet / "podreeve" / "web"); },
         {}},
        {"podreeve's whole folder is deleted",
         [](UnitHost& on) { fs::remove_all(on.quadlet / "podreeve"); },
         {}},
        {"a byte is edited",
         [](UnitHost& on) { on.append(on.file("web", "web.container"), "#\n"); },
         {}},
        {"a key is added and systemd reloads",
         [](UnitHost& on) {
             on.append(on.file("web", "web.container"), "[Service]\nNice=5\n");
             on.systemd->reload();
         },
         {}},
        {"a key is added and the unit restarted",
         [](UnitHost& on) {
             on.append(on.file("web", "web.container"), "[Service]\nNice=5\n");
             on.systemd->reload();
             on.systemd->change("web.service", [](fakes::FakeUnit& unit) {
                 unit.active_since = SystemClock().system_now() + seconds(1);
             });
         },
         restart_web},
        {"garbage is written into the unit",
         [](UnitHost& on) { std::ofstream(on.file("web", "web.container")) << "\1\2garbage"; },
         {},
         "Conflict"},
        {"the stamp is damaged",
         [](UnitHost& on) {
             std::string text = on.text_of("web", "web.container");
             text.replace(text.find("Hash="), 5, "Hush=");
             std::ofstream(on.file("web", "web.container")) << text;
         },
         {}},
        {"the file is emptied",
         [](UnitHost& on) { std::ofstream(on.file("web", "web.container")) << ""; },
         {},
         "Conflict"},
        {"the file is replaced by somebody's own",
         [](UnitHost& on) { std::ofstream(on.file("web", "web.container")) << kWeb; },
         {},
         "Conflict"},
        {"systemctl stop",
         [](UnitHost& on) {
             on.systemd->change("web.service", [](fakes::FakeUnit& unit) {
                 unit.active = "inactive";
                 unit.sub = "dead";
             });
         },
         {"StartUnit web.service"}},
        {"it fails",
         [](UnitHost& on) { on.systemd->crash("web.service", false); },
         {"StartUnit web.service"}},
        {"systemd restarts it itself",
         [](UnitHost& on) { on.systemd->crash("web.service", true); },
         {}},
        {"it is masked and stopped",
         [](UnitHost& on) {
             on.systemd->mask("web.service");
             on.systemd->change("web.service", [](fakes::FakeUnit& unit) {
                 unit.active = "inactive";
                 unit.sub = "dead";
             });
         },
         {},
         "Masked"},
        {"it is at its start limit",
         [](UnitHost& on) {
             on.systemd->change("web.service", [](fakes::FakeUnit& unit) {
                 unit.active = "failed";
                 unit.sub = "failed";
                 unit.result = "start-limit-hit";
             });
         },
         {"StartUnit web.service"}},
        {"its container is removed",
         [](UnitHost& on) { on.host.podman->remove_behind_back("systemd-web"); }, restart_web},
        {"its network is removed",
         [](UnitHost& on) {
             podman::Client client(on.host.podman->socket_path());
             EXPECT_TRUE(client.remove_network("systemd-lan", {}));
         },
         {"RestartUnit lan-network.service"},
         "",
         "lan"},
        {"the network's unit is stopped",
         [](UnitHost& on) {
             on.systemd->change("lan-network.service", [](fakes::FakeUnit& unit) {
                 unit.active = "inactive";
                 unit.sub = "dead";
             });
         },
         {"StartUnit lan-network.service"},
         "",
         "lan"},
        {"a drop-in comes into the manifests",
         [](UnitHost& on) {
             on.host.write("web.container.d/10-a.conf", "[Container]\nHostName=a\n");
         },
         restart_web},
        {"the manifest changes",
         [](UnitHost& on) { on.host.write("web.container", kWeb + "HostName=b\n"); }, restart_web},
        {"a daemon-reload is pending",
         [](UnitHost& on) {
             fs::last_write_time(on.file("web", "web.container"),
                                 fs::file_time_type::clock::now() - seconds(3600));
         },
         {}},
        {"somebody reloads systemd", [](UnitHost& on) { on.systemd->reload(); }, {}},
        {"two units are stopped at once",
         [](UnitHost& on) {
             for (const char* unit : {"web.service", "db.service"}) {
                 on.systemd->change(unit, [](fakes::FakeUnit& one) { one.active = "inactive"; });
             }
         },
         {"StartUnit db.service", "StartUnit web.service"}},
        {"two files are deleted at once",
         [](UnitHost& on) {
             fs::remove(on.file("web", "web.container"));
             fs::remove(on.file("db", "db.container"));
         },
         {}},
        {"one file is deleted and another edited",
         [](UnitHost& on) {
             fs::remove(on.file("web", "web.container"));
             on.append(on.file("db", "db.container"), "#\n");
         },
         {}},
        {"a file is deleted and its unit stopped",
         [](UnitHost& on) {
             fs::remove(on.file("web", "web.container"));
             on.systemd->change("web.service", [](fakes::FakeUnit& unit) {
                 unit.active = "inactive";
                 unit.sub = "dead";
             });
             on.systemd->reload();
         },
         {"StartUnit web.service"}},
        {"a drop-in of our own is left behind",
         [](UnitHost& on) {
             fs::create_directories(on.file("web", "web.container.d"));
             fs::copy(on.file("web", "web.container"), on.file("web", "web.container.d/10.conf"));
         },
         restart_web},
        {"systemd is gone for a while and back",
         [](UnitHost& on) {
             on.systemd->leave();
             on.host.pass();
             EXPECT_EQ(on.host.app("web").state, supervise::ServiceState::Unknown);
             on.systemd->join();
         },
         {}},
        {"the agent is started again", [](UnitHost& on) { on.host.restart(); }, {}},
    };
}

TEST(Companions, AreMendedInOnePassWithOneReloadAtMostAndNoOtherUnitTouched) {
    ASSERT_GE(disturbances().size(), 30U);
    for (const Disturbance& row : disturbances()) {
        UnitHost on;
        on.bring_up();
        ASSERT_EQ(on.state("web"), "Running") << row.name;
        row.happens(on);
        const int reloads_before = on.reloads();
        on.host.advance(seconds(35));
        Words jobs = on.jobs();
        std::sort(jobs.begin(), jobs.end());
        EXPECT_EQ(jobs, row.jobs) << row.name;
        EXPECT_LE(on.reloads() - reloads_before, 1) << row.name;
        if (std::string_view(row.condition).empty()) {
            EXPECT_EQ(on.state(row.app), "Running") << row.name;
            EXPECT_TRUE(fs::exists(on.file("web", "web.container"))) << row.name;
            EXPECT_NE(on.text_of("web", "web.container").find("\nHash="), std::string::npos)
                << row.name;
        } else {
            EXPECT_TRUE(on.host.has_condition("web", row.condition)) << row.name;
            EXPECT_EQ(on.reloads() - reloads_before, 0) << row.name;
        }
        EXPECT_EQ(on.state("db"), "Running") << row.name;
    }
}

TEST(Companions, AnUpdateThatDoesNotStartIsTakenBackAndRuns) {
    UnitHost on;
    on.bring_up();
    const std::string former = on.text_of("web", "web.container");
    on.systemd->world.lock()->scripts["web.service"] = {.job_result = "failed"};
    on.systemd->on_job([&on](const std::string& unit, bool runs) {
        if (unit == "web.service" && !runs) {
            on.systemd->world.lock()->scripts.erase("web.service");
        }
    });
    on.host.write("web.container", kWeb + "HostName=b\n");
    on.host.pass();
    EXPECT_EQ(on.text_of("web", "web.container"), former);
    EXPECT_TRUE(on.is_active("web.service"));
    EXPECT_TRUE(on.host.has_condition("web", "CompanionFailed"));
    EXPECT_EQ(on.host.app("web").state, supervise::ServiceState::Running);
    EXPECT_EQ(on.state("db"), "Running");
}

TEST(Companions, GoWithTheirManifestInOrder) {
    UnitHost on;
    on.bring_up();
    on.host.erase("web.container");
    on.host.pass();
    const auto log = on.systemd->world.lock()->log;
    EXPECT_EQ(on.jobs(), Words{"StopUnit web.service"});
    EXPECT_EQ(on.reloads(), 1);
    EXPECT_FALSE(fs::exists(on.quadlet / "podreeve" / "web"));
    EXPECT_FALSE(on.is_active("web.service"));
    on.host.advance(seconds(40));
    EXPECT_EQ(on.host.app("web").state, supervise::ServiceState::Initialized) << "it is forgotten";
    EXPECT_EQ(on.state("db"), "Running");
}

TEST(Companions, ATemplateWithoutInstancesIsThereForOtherUnits) {
    UnitHost on;
    on.host.write("job@.container", "[Container]\nImage=localhost/job\n");
    on.host.start();
    on.host.advance(seconds(10));
    EXPECT_EQ(on.state("job"), "Running");
    EXPECT_TRUE(on.host.app("job").healthy);
    EXPECT_TRUE(fs::exists(on.file("job", "job@.container")));
    EXPECT_EQ(on.jobs(), Words{});
    EXPECT_EQ(on.reloads(), 1);
    on.host.erase("job@.container");
    on.host.pass();
    on.host.advance(seconds(40));
    EXPECT_EQ(on.state("job"), "Initialized");
    EXPECT_FALSE(fs::exists(on.file("job", "job@.container")));
}

TEST(Companions, OfAnAppThatWasRemovedLeaveNoFailureToTheNextOfThatName) {
    UnitHost on;
    on.host.write("web.container", kWeb);
    on.systemd->world.lock()->scripts["web.service"] = {.job_result = "failed"};
    on.host.start();
    on.host.advance(seconds(10));
    ASSERT_TRUE(on.host.has_condition("web", "CompanionFailed")) << on.state("web");
    on.host.erase("web.container");
    on.host.advance(std::chrono::minutes(6));
    ASSERT_EQ(on.state("web"), "Initialized");
    on.systemd->world.lock()->scripts.clear();
    on.host.restart();
    on.host.write("web.container", kWeb);
    on.host.pass();
    EXPECT_FALSE(on.host.has_condition("web", "CompanionFailed"));
    EXPECT_EQ(on.state("web"), "Running");
}

TEST(Companions, ThatAreSlowDelayNoApp) {
    UnitHost on;
    on.systemd->world.lock()->scripts["web.service"] = {.job_result = ""};
    on.host.write("web.container", kWeb);
    on.host.write("clock.yaml", to_text(SingleApp{}));
    auto made = on.host.make_agent();
    ASSERT_TRUE(made);
    on.host.agent = std::move(*made);
    on.host.agent->start();
    while (on.host.app("clock").state != supervise::ServiceState::Running) {
        ASSERT_TRUE(on.host.turns.run() || on.host.turns.wait());
    }
    EXPECT_NE(on.state("web"), "Running");
    while (on.systemd->world.lock()->units["web.service"].job == 0) {
        if (!on.host.turns.run() && on.host.agent->idle()) {
            on.host.time.step(on.host.time.next_timer());
        }
        std::this_thread::yield();
    }
    on.systemd->finish_job("web.service", "done");
    on.host.converge();
    EXPECT_EQ(on.state("web"), "Running");
}

// Only what an earlier agent had begun is waited for, and that is known before anything is begun.
TEST(Companions, DoNotWaitForAppsThatTheSamePassHasBegun) {
    UnitHost on;
    on.host.podman->add_to_registry("registry.example/clock:1");
    on.host.podman->hang_next("POST", "images/pull");
    on.host.write("clock.yaml", to_text(SingleApp{.image = "registry.example/clock:1"}));
    on.host.write("web.container", kWeb);
    auto made = on.host.make_agent();
    ASSERT_TRUE(made);
    on.host.agent = std::move(*made);
    std::optional<reconcile::PassReport> first;
    on.host.agent->on_pass([&](const reconcile::PassReport& report) {
        first = first ? first : std::optional(report);
    });
    on.host.agent->start();
    while (!first || on.host.podman->hung() == 0) {
        ASSERT_TRUE(on.host.turns.run() || on.host.turns.wait());
    }
    EXPECT_FALSE(first->companions_wait);
    EXPECT_EQ(first->apps_changed, (Words{"clock", "web", "web"})) << "and its companions";
    on.host.podman->release_hung();
    on.host.converge();
    EXPECT_EQ(on.state("web"), "Running");
}

TEST(Companions, AreUnknownWhileTheBusIsAndNothingIsDone) {
    UnitHost on;
    on.bring_up();
    on.host.write("clock.yaml", to_text(SingleApp{}));
    on.bus.stop();
    on.host.pass();
    EXPECT_EQ(on.host.app("web").state, supervise::ServiceState::Unknown);
    EXPECT_TRUE(on.host.has_condition("web", "Unknown"));
    EXPECT_EQ(on.host.app("clock").state, supervise::ServiceState::Running);
    EXPECT_TRUE(fs::exists(on.file("web", "web.container")));
}

TEST(Companions, WithoutQuadletAreAConditionAndTheRestGoesOn) {
    UnitHost on;
    fs::remove_all(on.host.root / "generators");
    on.host.write("web.container", kWeb);
    on.host.write("shop.yaml",
                  "app:\n  id: shop\n  name: x\n  version: 1\n  container: {image: "
                  "'localhost/busybox:latest', command: [serve]}\n  companions:\n    - {name: "
                  "proxy.container, text: \"[Container]\\nImage=a\"}\n");
    on.host.write("clock.yaml", to_text(SingleApp{}));
    on.host.start();
    EXPECT_TRUE(on.host.has_condition("web", "NoQuadlet"));
    EXPECT_TRUE(on.host.has_condition("shop", "NoQuadlet"));
    EXPECT_EQ(on.host.app("clock").state, supervise::ServiceState::Running);
    EXPECT_EQ(on.host.app("shop").parts_up, 1U);
    EXPECT_FALSE(fs::exists(on.quadlet / "podreeve"));
    EXPECT_EQ(on.systemd->all_calls(), 0);
}

TEST(Companions, ThatTheGeneratorRefusesAreToldAndTheFormerStays) {
    UnitHost on;
    on.bring_up();
    on.host.write("web.container", kWeb + "[Service]\nGarbage=1\n");
    on.host.pass();
    EXPECT_TRUE(on.host.has_condition("web", "UnitRefused"));
    EXPECT_EQ(on.jobs(), Words{});
    EXPECT_TRUE(on.is_active("web.service"));
    EXPECT_EQ(on.text_of("web", "web.container").find("Garbage"), std::string::npos);
}

TEST(Companions, AreDependedOnAndDepend) {
    UnitHost on;
    on.systemd->world.lock()->scripts["proxy.service"] = {.job_result = "failed"};
    on.host.write("shop.yaml",
                  "app:\n  id: shop\n  name: x\n  version: 1\n  container: {image: "
                  "'localhost/busybox:latest', command: [serve]}\n  depends_on: [{companion: "
                  "proxy.container, is: started}]\n  companions:\n    - name: proxy.container\n"
                  "      text: \"[Container]\\nImage=a\"\n      depends_on: [clock]\n");
    on.host.start();
    EXPECT_EQ(on.jobs(), Words{}) << "there is no clock";
    on.host.write("clock.yaml", to_text(SingleApp{}));
    on.host.pass();
    EXPECT_EQ(on.jobs(), Words{"StartUnit proxy.service"});
    EXPECT_EQ(on.host.app("shop").parts_up, 0U) << on.state("shop");
    on.systemd->world.lock()->scripts.clear();
    on.host.advance(seconds(40));
    EXPECT_EQ(on.state("shop"), "Running");
}

// systemd would start what it requires with it.
TEST(Companions, ThatNeedOneThatWaitsWaitWithIt) {
    UnitHost on;
    on.host.write("shop.yaml",
                  "app:\n  id: shop\n  name: x\n  version: 1\n  companions:\n"
                  "    - name: back.container\n      text: \"[Container]\\nImage=a\"\n"
                  "      depends_on: [{companion: proxy.container}]\n"
                  "    - name: proxy.container\n      text: \"[Container]\\nImage=a\"\n"
                  "      depends_on: [{app: clock, is: healthy}]\n");
    on.host.write("clock.yaml", to_text(SingleApp{.image = "localhost/late:1"}));
    on.host.start();
    on.host.advance(seconds(10));
    EXPECT_EQ(on.jobs(), Words{});
    EXPECT_NE(on.state("shop").find("blocked by clock"), std::string::npos) << on.state("shop");
    on.host.podman->add_image("localhost/late:1");
    on.host.advance(minutes(2));
    EXPECT_EQ(on.jobs(), (Words{"StartUnit proxy.service", "StartUnit back.service"}));
    EXPECT_EQ(on.state("shop"), "Running");
}

TEST(Companions, TwoHundredThatAreWellCostNoCallEach) {
    UnitHost on;
    for (int i = 0; i < 200; ++i) {
        on.host.write(fmt::format("app-{}.container", i), kWeb);
    }
    on.host.start();
    on.host.advance(seconds(40));
    EXPECT_EQ(on.reloads(), 1);
    EXPECT_EQ(on.state("app-199"), "Running");
    on.forget();
    const auto rows = on.host.agent->state().rows_written();
    const double before = cpu_ms();
    on.host.pass();
    // All of the process: the fakes too. In a build without sanitizers it is a few milliseconds.
    RecordProperty("cpu_ms", std::to_string(cpu_ms() - before));
    std::cout << "a pass over 200 companions: " << cpu_ms() - before << " ms of CPU\n";
    EXPECT_LE(on.systemd->all_calls(), 2);
    EXPECT_EQ(on.host.agent->state().rows_written(), rows);
}

TEST(Companions, AreStoppedAndStartedWithTheirApp) {
    UnitHost on;
    on.bring_up();
    on.host.request("web", supervise::Verb::Stop);
    EXPECT_EQ(on.jobs(), Words{"StopUnit web.service"});
    EXPECT_EQ(on.state("web"), "Finished: stopped on request");
    on.host.advance(seconds(40));
    EXPECT_FALSE(on.is_active("web.service"));
    on.host.request("web", supervise::Verb::Start);
    EXPECT_TRUE(on.is_active("web.service"));
    EXPECT_EQ(on.state("web"), "Running");
    EXPECT_EQ(on.reloads(), 0);
}

}  // namespace
}  // namespace podreeve::integration
