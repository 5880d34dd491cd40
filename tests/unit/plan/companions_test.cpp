#include "agent/plan/companions.h"

#include <gtest/gtest.h>

#include "agent/plan/steps.h"
#include "tests/unit/plan/companion_host.h"

namespace podreeve::plan {
namespace {

using namespace companion_host;
using manifests::AppSpec;
using std::chrono::seconds;

TEST(CompanionPlan, IsEmptyWhereAllIsWell) {
    HostPicture host;
    host.want_bare("web.container", kProxy);
    host.bring_up();
    EXPECT_EQ(host.reported(), "none: ");
    EXPECT_EQ(host.reported("other"), "none");
}

TEST(CompanionPlan, DeploysWhatIsNewAndUndoesItAsAWhole) {
    HostPicture host;
    host.want_bare("web.container", kProxy);
    EXPECT_EQ(host.reported(),
              "deploy: note-units web, install-unit web.container, reload-units web, start-unit "
              "web.service");
    const AppPlan plan = host.plan().at("web");
    EXPECT_EQ(plan.subject(), "web/companions");
    EXPECT_EQ(lanes(plan), (std::vector<int>{1, 1, 1, 1}));
    EXPECT_EQ(plan.steps[3].after, (std::vector<std::size_t>{2}));
    EXPECT_NE(plan.steps[1].inverse, "");
    EXPECT_EQ(plan.steps[1].details, R"({"folder":"web","generation":3,"own_drop_in":""})");
}

TEST(CompanionPlan, RestartsWhatRunsAnOlderVersionAsItsPolicySays) {
    for (const auto& [policy, restarts] : {std::pair{"now", ", restart-unit proxy.service"},
                                           {"on-next-start", ""},
                                           {"report", ""}}) {
        HostPicture host;
        const std::string head =
            "app:\n  id: web\n  name: x\n  version: 1\n  companions:\n    - name: "
            "proxy.container\n      restart: ";
        const std::string tail = "\n      text: \"[Container]\\nImage=";
        host.want(head + policy + tail + "a\"\n");
        host.bring_up();
        host.want(head + policy + tail + "b\"\n");
        const std::string said = host.reported();
        EXPECT_EQ(said.rfind(fmt::format("deploy: note-units web, install-unit proxy.container, "
                                         "reload-units web{}",
                                         restarts),
                             0),
                  0U)
            << said;
        EXPECT_EQ(said.find("RestartPending") != std::string::npos,
                  std::string_view(policy) == "report");
    }
}

struct Disturbance {
    const char* name;
    std::function<void(HostPicture&)> happens;
    const char* reported;
};

TEST(CompanionPlan, MendsOrTellsWhatHappensToAUnit) {
    const Disturbance rows[] = {
        {"the file is deleted", [](HostPicture& host) { host.seen.installed.clear(); },
         "repair: install-unit web.container, reload-units web"},
        {"the file is deleted and the unit stopped",
         [](HostPicture& host) {
             host.seen.installed.clear();
             host.unit("web.service") = {};
             host.unit("web.service").load_state = "not-found";
             host.unit("web.service").active_state = "inactive";
         },
         "repair: install-unit web.container, reload-units web, start-unit web.service"},
        {"a byte is edited",
         [](HostPicture& host) {
             host.installed("web", "web.container").file.untouched = false;
             host.installed("web", "web.container").file.modified = kNow - seconds(10);
         },
         "repair: install-unit web.container, reload-units web"},
        {"edited, and then started",
         [](HostPicture& host) {
             host.installed("web", "web.container").file.untouched = false;
             host.installed("web", "web.container").file.modified = kNow - seconds(150);
         },
         "repair: install-unit web.container, reload-units web, restart-unit web.service"},
        {"a drop-in of ours that nobody wants",
         [](HostPicture& host) {
             host.installed("web", "web.container").drop_ins["90-podreeve.conf"].ours = true;
         },
         "repair: install-unit web.container, reload-units web, restart-unit web.service"},
        {"a drop-in of somebody's own",
         [](HostPicture& host) { host.installed("web", "web.container").drop_ins["50-mine.conf"]; },
         "none: ; ForeignDropIn"},
        {"one whose name is no text",
         [](HostPicture& host) { host.installed("web", "web.container").drop_ins["50-\xff.conf"]; },
         "none: ; ForeignDropIn"},
        {"stopped", [](HostPicture& host) { host.unit("web.service").active_state = "inactive"; },
         "repair: start-unit web.service"},
        {"failed",
         [](HostPicture& host) {
             host.unit("web.service").active_state = "failed";
             host.unit("web.service").result = "exit-code";
         },
         "repair: start-unit web.service"},
        {"failed too often",
         [](HostPicture& host) {
             host.unit("web.service").active_state = "failed";
             host.unit("web.service").result = "start-limit-hit";
         },
         "repair: reset-failed web.service, start-unit web.service"},
        {"masked",
         [](HostPicture& host) {
             host.unit("web.service").load_state = "masked";
             host.unit("web.service").active_state = "inactive";
         },
         "none: ; Masked"},
        {"systemd has not read the file",
         [](HostPicture& host) {
             host.installed("web", "web.container").file.modified = kNow - seconds(95);
             host.unit("web.service").active_since = kNow - seconds(80);
         },
         "repair: reload-units web"},
        {"systemd says so itself",
         [](HostPicture& host) { host.unit("web.service").needs_reload = true; },
         "repair: reload-units web"},
        {"the file is newer than what runs",
         [](HostPicture& host) { host.unit("web.service").active_since = kNow - seconds(300); },
         "repair: restart-unit web.service"},
        {"the file's time is in the future",
         [](HostPicture& host) {
             host.installed("web", "web.container").file.modified = kNow + seconds(3600);
         },
         "none: "},
        {"its container is gone", [](HostPicture& host) { host.observed.containers.clear(); },
         "repair: restart-unit web.service"},
        {"its container is about to come",
         [](HostPicture& host) {
             host.observed.containers.clear();
             host.unit("web.service").active_since = kNow - seconds(1);
         },
         "none: "},
        {"systemd is restarting it",
         [](HostPicture& host) { host.unit("web.service").active_state = "activating"; }, "none: "},
        {"a job is on it",
         [](HostPicture& host) {
             host.unit("web.service").active_state = "inactive";
             host.unit("web.service").has_job = true;
         },
         "none: "},
        {"the generator has made nothing of it",
         [](HostPicture& host) {
             host.seen.units->loaded_at = kNow - seconds(50);
             host.unit("web.service") = {};
             host.unit("web.service").load_state = "not-found";
             host.unit("web.service").active_state = "inactive";
         },
         "none: ; UnitRefused"},
        {"systemd has lost what the generator had made of it",
         [](HostPicture& host) {
             host.unit("web.service") = {};
             host.unit("web.service").load_state = "not-found";
             host.unit("web.service").active_state = "inactive";
             host.seen.units->loaded_at = kNow - seconds(900);
             host.installed("web", "web.container").file.modified = kNow - seconds(9000);
         },
         "repair: reload-units web; UnitRefused"},
        {"systemd has lost it, and it still runs",
         [](HostPicture& host) {
             host.unit("web.service").load_state = "not-found";
             host.seen.units->loaded_at = kNow - seconds(900);
             host.installed("web", "web.container").file.modified = kNow - seconds(9000);
             host.unit("web.service").active_since = kNow - seconds(5000);
         },
         "repair: reload-units web"},
        {"the file is somebody else's",
         [](HostPicture& host) { host.installed("web", "web.container").file = {}; },
         "none: ; Conflict"},
        {"the service is somebody else's",
         [](HostPicture& host) { host.unit("web.service").source_path = "/q/web.container"; },
         "none: ; Conflict"},
        {"a copy of what Quadlet made goes before it",
         [](HostPicture& host) {
             host.unit("web.service").fragment_path = "/home/app/.config/systemd/user/web.service";
         },
         "none: ; Conflict"},
        {"what is in the way has changed a while ago, and systemd has not read it",
         [](HostPicture& host) {
             host.unit("web.service").source_path = "/q/web.container";
             host.unit("web.service").needs_reload = true;
             host.seen.units->loaded_at = kNow - seconds(900);
         },
         "repair: reload-units web; Conflict"},
        {"what is in the way has changed, and systemd has just read its files",
         [](HostPicture& host) {
             host.unit("web.service").source_path = "/q/web.container";
             host.unit("web.service").needs_reload = true;
             host.seen.units->loaded_at = kNow - seconds(20);
         },
         "none: ; Conflict"},
        {"it was started from another's file",
         [](HostPicture& host) {
             host.policy.apps["web"].companions.foreign_runs = {"web.service"};
         },
         "repair: restart-unit web.service"},
        {"systemd cannot be read", [](HostPicture& host) { host.seen.units.reset(); },
         "none: ; Unknown"},
        {"the folder cannot be read",
         [](HostPicture& host) { host.seen.folder_error = "cannot read it"; }, "none: ; Unknown"},
        {"one of its files cannot be read",
         [](HostPicture& host) {
             host.seen.installed.erase("web");
             host.seen.unreadable["web"] = "cannot open it";
         },
         "none: ; Unknown"},
        {"a file of another app cannot be read",
         [](HostPicture& host) {
             host.seen.unreadable["db"] = "cannot open it";
             host.unit("web.service").active_state = "inactive";
         },
         "repair: start-unit web.service"},
        {"it keeps ending",
         [](HostPicture& host) {
             host.unit("web.service").active_state = "inactive";
             host.policy.apps["web"].companions.resting["web.service"] = "waits";
         },
         "none: ; Blocked"},
        {"it keeps ending, and another version is there",
         [](HostPicture& host) {
             host.unit("web.service").active_state = "inactive";
             host.policy.apps["web"].companions.resting["web.service"] = "waits";
             host.installed("web", "web.container").file.hash = "other";
         },
         "repair: install-unit web.container, reload-units web, start-unit web.service"},
        {"there is no Quadlet", [](HostPicture& host) { host.seen.no_quadlet = "podman is 4.3"; },
         "none: ; NoQuadlet"},
        {"it backs off",
         [](HostPicture& host) {
             host.unit("web.service").active_state = "failed";
             host.policy.apps["web"].companions.parts["web.container"] = {true, "waits"};
         },
         "none: ; Blocked"},
        {"a change works on it",
         [](HostPicture& host) {
             host.unit("web.service").active_state = "failed";
             host.policy.apps["web"].companions.busy = true;
         },
         "none: "},
        {"a person stopped the app",
         [](HostPicture& host) { host.policy.apps["web"].stopped = true; },
         "stop: stop-unit web.service"},
        {"the manifest is gone", [](HostPicture& host) { host.specs.clear(); },
         "remove: note-units web, stop-unit web.service, remove-unit web.container, reload-units "
         "web, remove-leftover web.service"},
        {"the manifest is gone, and the service is somebody else's",
         [](HostPicture& host) {
             host.specs.clear();
             host.unit("web.service").source_path = "/q/web.container";
         },
         "remove: note-units web, remove-unit web.container, reload-units web"},
        {"the manifest is gone while others cannot be read",
         [](HostPicture& host) {
             host.specs.clear();
             host.removals.all_wait = "not all could be read";
         },
         "none: ; RemovalHeld"},
        {"it is gone while others cannot be read, and a person let it go",
         [](HostPicture& host) {
             host.specs.clear();
             host.removals.all_wait = "not all could be read";
             host.removals.let_go.insert("web");
         },
         "remove: note-units web, stop-unit web.service, remove-unit web.container, reload-units "
         "web, remove-leftover web.service"},
        {"the manifest is gone, and no version of it is remembered",
         [](HostPicture& host) {
             host.specs.clear();
             host.removals.remembered.emplace();
         },
         "none: ; RemovalHeld"},
        {"the manifest is gone, and a version of it is remembered",
         [](HostPicture& host) {
             host.specs.clear();
             host.removals.remembered = std::set<std::string>{"web"};
         },
         "remove: note-units web, stop-unit web.service, remove-unit web.container, reload-units "
         "web, remove-leftover web.service"},
        {"the manifest is broken",
         [](HostPicture& host) {
             host.specs.clear();
             host.broken.insert("web");
         },
         "none: "},
    };
    for (const Disturbance& row : rows) {
        HostPicture host;
        host.want_bare("web.container", kProxy);
        host.bring_up();
        row.happens(host);
        EXPECT_EQ(host.reported(), row.reported) << row.name;
        EXPECT_EQ(host.reported(), host.reported()) << row.name;
    }
}

TEST(CompanionPlan, TellsOfADropInWhoseNameIsNoTextInWordsThatAre) {
    HostPicture host;
    host.want_bare("web.container", kProxy);
    host.bring_up();
    host.installed("web", "web.container").drop_ins["50-\xff\n.conf"];
    EXPECT_EQ(host.reported(), "none: ; ForeignDropIn");
    EXPECT_NE(host.last_message.find("web.container.d/50-\\xff\\n.conf is not podreeve's"),
              std::string::npos)
        << host.last_message;
}

TEST(CompanionPlan, KeepsTheTimeOfAFileThatIsPutBackUnderWhatRunsFromIt) {
    HostPicture host;
    host.want_bare("web.container", kProxy);
    host.bring_up();
    host.seen.installed.clear();
    const AppPlan plan = host.plan().at("web");
    EXPECT_NE(plan.steps[0].details.find(
                  fmt::format("\"since\":{}", (kNow - seconds(90)).time_since_epoch().count())),
              std::string::npos)
        << plan.steps[0].details;
}

TEST(CompanionPlan, InstallsNothingThatWouldReplaceAContainerOfSomebodyElse) {
    HostPicture host;
    host.want_bare("web.container", kProxy + "ContainerName=mine\n");
    podman::ContainerSummary container;
    container.id = container.name = "mine";
    host.observed.containers.push_back(container);
    EXPECT_EQ(host.reported(), "none: ; Conflict");
    EXPECT_EQ(host.last_message,
              "the container mine is there and is not that of web.service, which would replace it; "
              "rename or remove it");
}

TEST(CompanionPlan, LeavesTheFormerVersionOfAUnitThatQuadletRefuses) {
    HostPicture host;
    host.want_bare("web.container", kProxy);
    host.bring_up();
    host.want_bare("web.container", kProxy + "HostName=b\n");
    host.refused["web.container"] = "Quadlet refuses web.container: garbage";
    EXPECT_EQ(host.reported(), "none: ; UnitRefused");
    EXPECT_EQ(host.last_message,
              "Quadlet refuses web.container: garbage; the version before stays");
    host.unit("web.service").active_state = "inactive";
    EXPECT_EQ(host.reported(), "repair: start-unit web.service; UnitRefused");
}

TEST(CompanionPlan, MakesNetworksAndVolumesAgainThatWereRemoved) {
    HostPicture host;
    host.want_bare("lan.network", "[Network]\n");
    host.bring_up();
    host.seen.networks = std::set<std::string>{"systemd-lan"};
    EXPECT_EQ(host.reported("lan"), "none: ");
    host.seen.networks = std::set<std::string>{};
    EXPECT_EQ(host.reported("lan"), "repair: restart-unit lan-network.service");
    host.seen.networks.reset();
    EXPECT_EQ(host.reported("lan"), "none: ") << "unknown is not absent";
}

TEST(CompanionPlan, StartsUnitsAfterThoseTheyUseAndFailsEachByItself) {
    HostPicture host;
    host.want(
        "app:\n  id: web\n  name: x\n  version: 1\n  companions:\n"
        "    - {name: a.container, text: \"[Container]\\nImage=a\\nNetwork=z.network\", "
        "depends_on: [{companion: m.container}]}\n"
        "    - {name: m.container, text: \"[Container]\\nImage=m\"}\n"
        "    - {name: z.network, text: '[Network]'}\n");
    const AppPlan first = host.plan().at("web");
    EXPECT_NE(host.reported().find("start-unit z-network.service, start-unit m.service, start-unit "
                                   "a.service"),
              std::string::npos)
        << host.reported();
    EXPECT_EQ(first.steps.back().after.size(), 2U);
    EXPECT_NE(host.views().find("a.container")->own_drop_in.find("Requires=m.service\n"),
              std::string::npos);
    host.bring_up();
    EXPECT_EQ(host.reported(), "none: ");
    for (const char* service : {"a.service", "m.service"}) {
        host.unit(service).active_state = "failed";
    }
    const AppPlan repair = host.plan().at("web");
    EXPECT_EQ(host.reported(), "repair: start-unit m.service, start-unit a.service");
    EXPECT_EQ(lanes(repair), (std::vector<int>{2, 3}));
}

// What runs was made of another version, however old the file is that was put back in between.
TEST(CompanionPlan, RestartsAUnitThatWasMendedBeforeADropInComes) {
    for (const bool file_is_gone : {false, true}) {
        HostPicture host;
        host.want_bare("web.container", kProxy);
        host.bring_up();
        host.installed("web", "web.container").file.modified =
            host.unit("web.service").active_since;
        auto newer = std::make_shared<manifests::AppSpec>(*host.specs.at("web"));
        newer->companions[0].drop_ins.push_back({"10-a.conf", "[Container]\nHostName=a\n"});
        host.specs["web"] = newer;
        if (file_is_gone) {
            host.seen.installed.clear();
        }
        EXPECT_NE(host.reported("web").find("restart-unit web.service"), std::string::npos)
            << host.reported("web");
    }
}

// systemd forgets a unit that is done and not active: a build would be started for ever.
TEST(CompanionPlan, HasOneShotUnitsStayActiveUnlessTheirAuthorSaysOtherwise) {
    const std::string remain = "[Service]\nRemainAfterExit=yes\n";

    struct Row {
        std::string file, text;
        bool one_shot, ends;
        std::string own_drop_in;
    };

    const std::string job = "[Container]\nImage=a\n[Service]\nType=oneshot\n";
    const Row rows[] = {
        {"a.container", "[Container]\nImage=a\n", false, false, ""},
        {"a.container", job, true, false, remain},
        {"a.container", job + "RemainAfterExit=yes\n", true, false, ""},
        {"a.container", job + "RemainAfterExit=no\n", true, true, ""},
        {"a.build", "[Build]\nImageTag=localhost/a\nSetWorkingDirectory=/b\n", true, false, remain},
        {"a.network", "[Network]\n", false, false, ""},
    };
    for (const Row& row : rows) {
        HostPicture host;
        host.want_bare(row.file, row.text);
        const CompanionViews views = host.views();
        const CompanionView& view = *views.find(row.file);
        EXPECT_EQ(view.one_shot, row.one_shot) << row.text;
        EXPECT_EQ(view.ends, row.ends) << row.text;
        EXPECT_EQ(view.own_drop_in, row.own_drop_in) << row.text;
        host.bring_up();
        host.observed.containers.clear();
        EXPECT_EQ(host.reported("a") == "none: ", row.one_shot || row.file == "a.network")
            << row.text;
        host.unit(view.services.front()).active_state = "inactive";
        host.unit(view.services.front()).inactive_since = WallTime(std::chrono::seconds(1));
        EXPECT_EQ(host.reported("a") == "none: ", row.ends) << row.text;
    }
}

TEST(CompanionPlan, RunsTheInstancesOfATemplate) {
    HostPicture host;
    host.want(
        "app:\n  id: web\n  name: x\n  version: 1\n  companions:\n"
        "    - {name: job@.container, text: \"[Container]\\nImage=a\", instances: [a, b]}\n"
        "    - {name: tool@.container, text: \"[Container]\\nImage=a\"}\n");
    EXPECT_NE(host.reported().find("start-unit job@a.service, start-unit job@b.service"),
              std::string::npos)
        << host.reported();
    EXPECT_EQ(host.reported().find("start-unit tool"), std::string::npos);
}

TEST(CompanionPlan, OfTwoAppsKnowNothingOfEachOther) {
    HostPicture host;
    host.want_bare("web.container", kProxy);
    host.want_bare("db.container", "[Container]\nImage=db\n");
    host.bring_up();
    host.seen.installed.erase("db");
    EXPECT_EQ(host.reported("web"), "none: ");
    EXPECT_EQ(host.reported("db"), "repair: install-unit db.container, reload-units db");
}

}  // namespace
}  // namespace podreeve::plan
