#include <algorithm>
#include <map>
#include <mutex>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <httplib.h>

#include "agent/cli/agent_client.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/cli/running.h"

namespace podreeve::cli {
namespace {

using testing::podreeve;
using testing::Ran;

struct Said {
    int status = 200;
    std::string body;
    std::string type = "application/json";
};

// An agent that says what the test told it to, by method and target.
class ScriptedAgent : public ::testing::Test {
  protected:
    void SetUp() override {
        socket = (temp.path() / "s").string();
        server.set_address_family(AF_UNIX);
        const auto reply = [this](const httplib::Request& request, httplib::Response& response) {
            const std::lock_guard lock(mutex);
            const std::string asked = request.method + " " + request.target;
            requests.push_back(asked);
            const auto found = says.find(asked);
            const Said said = found == says.end() ? Said{599, "not scripted"} : found->second;
            response.status = said.status;
            response.set_content(said.body, said.type.c_str());
        };
        server.Get(".*", reply);
        server.Post(".*", reply);
        ASSERT_TRUE(server.bind_to_port(socket, 80));
        thread = std::thread([this] { server.listen_after_bind(); });
        while (!server.is_running()) {
            std::this_thread::yield();
        }
    }

    void TearDown() override {
        server.stop();
        thread.join();
    }

    Ran ask(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"--socket", socket});
        return podreeve(arguments);
    }

    fakes::TempDir temp;
    std::string socket;
    httplib::Server server;
    std::thread thread;
    std::mutex mutex;
    std::map<std::string, Said> says;
    std::vector<std::string> requests;
};

constexpr const char* kApps = R"({
  "apps": [
    {"name": "web", "state": "Running", "message": "", "parts_ready": 2, "parts_total": 2,
     "restarts": 3, "generation": 4, "health": "healthy", "since": "2020-01-01T00:00:00Z", "conditions": []},
    {"name": "db", "state": "Failed", "message": "cannot pull\nsecond line", "parts_ready": 0,
     "parts_total": 1, "health": "unhealthy", "restarts": 0, "generation": 1, "since": "2020-01-01T00:00:00Z",
     "conditions": [{"type": "DeployFailed", "message": "cannot pull"}]}],
  "agent": {"podman_reachable": true, "passes": 3, "store": {"message": ""}},
  "summary": {"up": 1, "total": 2}})";

TEST_F(ScriptedAgent, StatusIsATableOfAllApps) {
    says["GET /v1/apps"] = {200, kApps};
    const Ran ran = ask({"status"});
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.out.rfind("APP  STATE    HEALTH     READY  RESTARTS  SINCE", 0), 0U) << ran.out;
    EXPECT_NE(ran.out.find("web  Running  healthy    2/2    3"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("cannot pull\n"), std::string::npos) << ran.out;
    EXPECT_EQ(ran.out.find("second line"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("1 of 2 apps up"), std::string::npos) << ran.out;
}

TEST_F(ScriptedAgent, StatusCutsNothingForWhatReadsAPipe) {
    nlohmann::json body = nlohmann::json::parse(kApps);
    const std::string cure = std::string(200, 'x') + ": run 'chmod o-w /srv/apps'";
    body["apps"][1]["message"] = cure;
    says["GET /v1/apps"] = {200, body.dump()};
    EXPECT_NE(ask({"status"}).out.find(cure + "\n"), std::string::npos);
}

TEST_F(ScriptedAgent, StatusInJsonIsWhatTheAgentSaid) {
    says["GET /v1/apps"] = {200, kApps};
    const Ran ran = ask({"status", "--json"});
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.json(), nlohmann::json::parse(kApps));
}

TEST_F(ScriptedAgent, StatusSaysThatPodmanCannotBeReadAndWhenTheStoreIsIll) {
    says["GET /v1/apps"] = {200, R"({"apps": [], "summary": {"up": 0, "total": 0}, "agent": {
        "podman_reachable": false, "passes": 2, "podman_error": "connection refused",
        "store": {"message": "the disk is full"}}})"};
    const Ran ran = ask({"status"});
    EXPECT_NE(ran.out.find("no apps"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("connection refused"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("the disk is full"), std::string::npos) << ran.out;
}

TEST_F(ScriptedAgent, StatusSaysWhatIsTheMatterWithTheAgentAndItsHost) {
    says["GET /v1/apps"] = {200, R"({"apps": [], "summary": {"up": 0, "total": 0}, "agent": {
        "podman_reachable": true, "passes": 2, "store": {"message": ""},
        "conditions": [{"type": "ShutdownTooShort", "message": "it can take 3m30s"}]}})"};
    const Ran ran = ask({"status"});
    EXPECT_NE(ran.out.find("ShutdownTooShort: it can take 3m30s"), std::string::npos) << ran.out;
}

TEST_F(ScriptedAgent, StatusSaysWhenWhatItShowsIsFromBeforeAPassThatTakesLong) {
    const std::string before = R"({"apps": [], "summary": {"up": 0, "total": 0}, "agent": {
        "podman_reachable": true, "passes": 2, "store": {"message": ""}, "pass_since": ")";
    for (const auto& [since, is_long] :
         {std::pair<std::string, bool>{to_rfc3339(SystemClock().system_now()), false},
          {"", false},
          {"2020-01-01T00:00:00Z", true}}) {
        says["GET /v1/apps"] = {200, before + since + "\"}}"};
        const std::string out = ask({"status"}).out;
        EXPECT_EQ(out.find("a pass has been going on for") != std::string::npos, is_long) << out;
    }
}

TEST_F(ScriptedAgent, ShutdownSaysWhenItMayTakeNoMoreThanItIsGiven) {
    says["POST /v1/shutdown"] = {202, R"({"request": 0, "order": [], "at_most_secs": 105,
                                          "asked_for_secs": 210})"};
    const Ran ran = ask({"shutdown"});
    EXPECT_EQ(ran.out,
              "stops 0 apps, in 105 s at the most; they could take 210 s, which is more than "
              "systemd gives: all graces are shortened alike\n");
}

TEST_F(ScriptedAgent, StatusOfOneAppShowsItsPartsConditionsAndEvents) {
    says["GET /v1/apps/web"] = {200, R"({
      "name": "web", "state": "Running", "message": "", "parts_ready": 1, "parts_total": 1,
      "generation": 2, "since": "2020-01-01T00:00:00Z", "change": 0, "file": "/apps/web.yaml",
      "parts": [{"name": "web", "kind": "container", "object": "web-one", "state": "running",
                 "id": "0123456789abcdef0123", "image": "example/web:1", "ready": true,
                 "restarts": 0}],
      "conditions": [{"type": "ManifestError", "message": "web.yaml:3:1: unknown field",
                      "since": "2020-01-01T00:00:00Z"}],
      "events": [{"seq": 1, "time": "2020-01-01T00:00:00.000Z", "state": "Running",
                  "message": "all is up"}]})"};
    const Ran ran = ask({"status", "web"});
    EXPECT_EQ(ran.code, 0);
    for (const char* words : {"/apps/web.yaml", "web-one", "0123456789ab", "example/web:1",
                              "ManifestError", "web.yaml:3:1: unknown field", "all is up"}) {
        EXPECT_NE(ran.out.find(words), std::string::npos) << words << " in\n" << ran.out;
    }
}

TEST_F(ScriptedAgent, AnErrorOfTheAgentIsToldAndIsAnError) {
    says["GET /v1/apps/no%2Fbody"] = {
        404, R"({"error": {"code": "not-found", "message": "cannot find app no/body"}})"};
    Ran ran = ask({"status", "no/body"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.err, "podreeve: cannot find app no/body\n");
    EXPECT_EQ(ran.out, "");
    ran = ask({"status", "no/body", "--json"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.json()["error"]["code"], "not-found");
}

TEST_F(ScriptedAgent, AnAnswerThatMakesNoSenseIsAnErrorAndNoCrash) {
    for (const char* body : {"", "<html>", "[", "null", "{}", "[]", "17"}) {
        says["GET /v1/apps"] = {200, body};
        const Ran ran = ask({"status"});
        EXPECT_EQ(ran.code, 1) << body;
        EXPECT_EQ(ran.err.rfind("podreeve: cannot ", 0), 0U) << body << ": " << ran.err;
    }
    says["GET /v1/apps"] = {500, "oops"};
    EXPECT_EQ(ask({"status"}).code, 1);
}

TEST_F(ScriptedAgent, DiffTellsByItsExitCode) {
    says["GET /v1/diff"] = {200, R"({"converged": true, "text": "", "apps": []})"};
    Ran ran = ask({"diff"});
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.out, "converged: nothing to do\n");
    says["GET /v1/diff?app=web"] = {200, R"({"converged": false, "text": "web: repair\n"})"};
    ran = ask({"diff", "web"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.out, "web: repair\n");
    ran = ask({"diff", "web", "--json"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.json()["converged"], false);
    says["GET /v1/diff"] = {
        200, R"({"converged": true, "differs": true, "text": "web:\n  ! RemovalHeld: gone\n"})"};
    ran = ask({"diff"});
    EXPECT_EQ(ran.code, 2) << "what is held back is a difference";
    EXPECT_NE(ran.out.find("RemovalHeld"), std::string::npos) << ran.out;
    EXPECT_EQ(ask({"diff", "--json"}).code, 2);
    says["GET /v1/diff"] = {503, R"({"error": {"code": "unavailable", "message": "cannot plan"}})"};
    EXPECT_EQ(ask({"diff"}).code, 1);
}

TEST_F(ScriptedAgent, ReconcileTellsWhatWasBegunAndWhatFailed) {
    says["POST /v1/reconcile"] = {
        200, R"({"error": "", "changes": [], "apps_changed": [], "failures": []})"};
    EXPECT_EQ(ask({"reconcile"}).out, "nothing to do\n");
    says["POST /v1/reconcile"] = {
        200, R"({"error": "", "changes": [7], "apps_changed": ["web"], "failures": []})"};
    EXPECT_EQ(ask({"reconcile"}).out, "web: change 7 is under way\n");
    says["POST /v1/reconcile"] = {200, R"({"error": "", "changes": [], "apps_changed": [],
                         "failures": [{"app": "db", "message": "cannot commit"}]})"};
    const Ran failed = ask({"reconcile"});
    EXPECT_EQ(failed.code, 1);
    EXPECT_EQ(failed.out, "db: cannot commit\n");
    says["POST /v1/reconcile"] = {200, R"({"error": "podman is away", "changes": [],
                                           "apps_changed": [], "failures": []})"};
    EXPECT_EQ(ask({"reconcile"}).code, 1);
}

TEST_F(ScriptedAgent, ChangesAreListedAndOneIsShownWithItsTasks) {
    says["GET /v1/changes?limit=20"] = {200, R"({"changes": []})"};
    EXPECT_EQ(ask({"changes"}).out, "no changes yet\n");
    says["GET /v1/changes?limit=5&app=web"] = {
        200, R"({"changes": [{"id": 3, "app": "web", "status": "Done", "created":
              "2020-01-01T00:00:00Z", "summary": "Deploy web"}]})"};
    EXPECT_NE(ask({"changes", "--app", "web", "-n", "5"}).out.find("Deploy web"),
              std::string::npos);
    says["GET /v1/changes/3"] = {200, R"({"id": 3, "summary": "Deploy web", "status": "Error",
        "created": "2020-01-01T00:00:00Z", "error": "cannot perform the following tasks",
        "tasks": [{"id": 9, "status": "Error", "summary": "Pull image", "wait_reason": "",
                   "progress": {"label": "layer 2"},
                   "log": [{"time": "t", "text": "no such image", "error": true}]}]})"};
    const Ran ran = ask({"change", "3"});
    EXPECT_EQ(ran.code, 0);
    for (const char* words : {"Deploy web", "Pull image", "layer 2", "no such image",
                              "cannot perform the following tasks"}) {
        EXPECT_NE(ran.out.find(words), std::string::npos) << words << " in\n" << ran.out;
    }
    says["POST /v1/changes/3/abort"] = {202, R"({"change": 3, "aborting": true})"};
    EXPECT_EQ(ask({"abort", "3"}).code, 0);
}

TEST_F(ScriptedAgent, AChangeTellsOfEachTaskWhyItHasNotEnded) {
    says["GET /v1/changes/4"] = {200, R"({"id": 4, "summary": "Deploy web", "status": "Do",
        "created": "2020-01-01T00:00:00Z", "error": "", "behind": 3,
        "tasks": [{"id": 9, "status": "Do", "summary": "Pull image", "wait_reason": "",
                   "progress": {"label": ""}, "log": [],
                   "why": {"reason": "queued", "text": "is queued behind change 3"}},
                  {"id": 10, "status": "Done", "summary": "Other", "wait_reason": "",
                   "progress": {"label": ""}, "log": [], "why": null}]})"};
    const Ran ran = ask({"change", "4"});
    EXPECT_EQ(ran.code, 0);
    EXPECT_NE(ran.out.find("is queued behind change 3"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("\nqueued behind change 3\n"), std::string::npos) << ran.out;
    EXPECT_EQ(ask({"change", "4", "--json"}).json()["tasks"][0]["why"]["reason"], "queued");
}

TEST_F(ScriptedAgent, HistoryListsTheVersionsAndHowTheyStand) {
    says["GET /v1/apps/web/history"] = {200, R"({"app": "web", "versions": [
        {"generation": 3, "spec": "cccccccccccccccc", "since": "", "deployed": false,
         "wanted": true, "kept": true},
        {"generation": 2, "spec": "bbbbbbbbbbbbbbbb", "since": "2026-01-01T00:00:00.000Z",
         "deployed": true, "wanted": false, "kept": true},
        {"generation": 1, "spec": "aaaaaaaaaaaaaaaa", "since": "2026-01-01T00:00:00.000Z",
         "deployed": false, "wanted": false, "kept": false, "held_secrets": true},
        {"generation": 0, "spec": "9999999999999999", "since": "2026-01-01T00:00:00.000Z",
         "deployed": false, "wanted": false, "kept": false, "held_secrets": false}]})"};
    const Ran ran = ask({"history", "web"});
    EXPECT_EQ(ran.code, 0);
    EXPECT_NE(ran.out.find("cccccccccccc"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("never ran"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("deployed"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("not kept: it held secrets"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("not kept: its manifest is not there"), std::string::npos) << ran.out;
    EXPECT_EQ(ask({"history", "web", "--json"}).json()["versions"].size(), 4U);
    EXPECT_EQ(ask({"history"}).code, 1);
}

TEST_F(ScriptedAgent, PruneListsWhatIsHeldAndLetsGoWhatWasListed) {
    says["GET /v1/prune"] = {200, R"({"removals": [
        {"app": "db", "reason": "MassRemoval", "message": "three went at once"},
        {"app": "web", "reason": "MassRemoval", "message": "three went at once"}]})"};
    says["POST /v1/prune?app=db&app=web"] = {202, R"({"removed": ["db", "web"]})"};
    says["POST /v1/prune?app=web"] = {202, R"({"removed": ["web"]})"};
    EXPECT_EQ(ask({"prune", "--json"}).json()["removals"].size(), 2U);
    EXPECT_EQ(ask({"prune", "--yes"}).out,
              "they are being removed; `podreeve status` shows how far\n");
    EXPECT_EQ(ask({"prune", "web", "--yes"}).out,
              "it is being removed; `podreeve status` shows how far it is\n");
    EXPECT_NE(ask({"prune", "none", "--yes"}).err.find("nothing of it is held"), std::string::npos);
    says["GET /v1/prune"] = {200, R"({"removals": []})"};
    EXPECT_EQ(ask({"prune"}).out, "nothing is held\n");
}

TEST_F(ScriptedAgent, PruneLetsGoWhatLostVolumesHeld) {
    says["GET /v1/prune"] = {200, R"({"removals": [], "volumes": [
        {"app": "db", "reason": "StorageNotMounted", "message": "/srv is not mounted"}]})"};
    says["POST /v1/prune?app=db"] = {202, R"({"removed": [], "emptied": ["db"]})"};
    EXPECT_EQ(ask({"prune", "--json"}).json()["volumes"].size(), 1U);
    EXPECT_NE(ask({"prune"}).out.find("lost data  /srv is not mounted"), std::string::npos);
    EXPECT_EQ(ask({"prune", "--yes"}).out,
              "one app is started with empty volumes; `podreeve status` shows how far\n");
}

TEST_F(ScriptedAgent, UndoTellsWhichChangeDoesItOrWhyNot) {
    says["POST /v1/changes/3/undo"] = {202, R"({"change": 8, "undoes": 3})"};
    EXPECT_EQ(ask({"undo", "3"}).out,
              "change 3 is undone by change 8; `podreeve change 8` shows how far\n");
    EXPECT_EQ(ask({"undo", "3", "--json"}).json()["change"], 8);
    says["POST /v1/changes/4/undo"] = {202,
                                       R"({"change": 9, "undoes": 4, "emptied": ["web-scratch"]})"};
    EXPECT_NE(ask({"undo", "4"}).out.find("the emptyDir web-scratch comes back empty"),
              std::string::npos);
    says["POST /v1/changes/2/undo"] = {
        409, R"({"error": {"code": "conflict", "message": "cannot undo change 2: no"}})"};
    const Ran refused = ask({"undo", "2"});
    EXPECT_EQ(refused.code, 1);
    EXPECT_EQ(refused.err, "podreeve: cannot undo change 2: no\n");
    EXPECT_EQ(ask({"undo"}).code, 1);
    EXPECT_EQ(ask({"undo", "web"}).code, 1);
}

TEST_F(ScriptedAgent, StartAndStopSayWhatIsWanted) {
    says["POST /v1/apps/db/stop"] = {202, R"({"app": "db", "stopped": true, "request": 3,
        "order": [["a", "web"], ["db"]], "at_most_secs": 50})"};
    says["POST /v1/apps/web/start"] = {202, R"({"app": "web", "stopped": false, "request": 4})"};
    const Ran stop = ask({"stop", "db"});
    EXPECT_NE(stop.out.find("stops a and web, then db, in 50 s at the most"), std::string::npos)
        << stop.out;
    EXPECT_NE(ask({"start", "web"}).out.find("web: start is asked for"), std::string::npos);
}

TEST_F(ScriptedAgent, WhatCannotBeAnAppsNameIsNotAskedFor) {
    for (const char* name : {"", "../db"}) {
        for (const char* verb : {"start", "stop", "restart", "why"}) {
            const Ran ran = ask({verb, name});
            EXPECT_NE(ran.code, 0) << verb;
            EXPECT_NE(ran.err.find("is not the name of an app; `podreeve status` lists them"),
                      std::string::npos)
                << ran.err;
        }
    }
}

TEST_F(ScriptedAgent, WaitEndsWhenTheAppIsThereAndWhenItHasFailed) {
    says["POST /v1/apps/web/start"] = {202, R"({"app": "web", "request": 4})"};
    says["GET /v1/apps/web"] = {200, R"({"name": "web", "state": "Running", "healthy": true,
                                         "message": "", "request": 4, "change": 0})"};
    EXPECT_EQ(ask({"start", "web", "--wait"}).code, 0);
    says["GET /v1/apps/web"] = {200, R"({"name": "web", "state": "Failed", "message": "no image",
                                         "request": 4, "change": 0})"};
    const Ran failed = ask({"start", "web", "--wait"});
    EXPECT_EQ(failed.code, 1);
    EXPECT_NE(failed.err.find("no image"), std::string::npos) << failed.err;
    says["GET /v1/apps/web"] = {200, R"({"name": "web", "state": "Running", "healthy": true,
                                         "message": "", "request": 3, "change": 0})"};
    EXPECT_EQ(ask({"start", "web", "--wait", "--timeout", "1"}).code, 1) << "an older wish";
}

TEST_F(ScriptedAgent, StopWaitsForUnitsAndForWhatIsPausedOrStopping) {
    says["POST /v1/apps/db/stop"] = {202, R"({"app": "db", "request": 4, "order": [["db"]]})"};

    const struct {
        const char* state;
        const char* part;
        int code;
    } kRows[] = {
        {"Finished", "exited", 0},       {"Finished", "inactive", 0},   {"Stopping", "inactive", 1},
        {"Finished", "active", 1},       {"Finished", "activating", 1}, {"Finished", "paused", 1},
        {"Finished", "deactivating", 1}, {"Finished", "stopping", 1},   {"Finished", "running", 1},
    };

    for (const auto& row : kRows) {
        says["GET /v1/apps/db"] = {
            200, R"({"name": "db", "state": ")" + std::string(row.state) +
                     R"(", "message": "", "request": 4, "change": 0, "parts": [{"state": ")" +
                     row.part + R"("}]})"};
        EXPECT_EQ(ask({"stop", "db", "--wait", "--timeout", "1"}).code, row.code)
            << row.state << " " << row.part;
    }
}

TEST_F(ScriptedAgent, OneTimeoutIsForAllThatIsWaitedFor) {
    for (const std::string app : {"a", "b", "c"}) {
        says["GET /v1/apps/" + app + "/stop"] = {200, R"({"possible": true})"};
        says["POST /v1/apps/" + app + "/stop"] = {
            202, R"({"app": ")" + app + R"(", "request": 1, "order": [[")" + app + R"("]]})"};
        says["GET /v1/apps/" + app] = {
            200, R"({"name": ")" + app + R"(", "state": "Stopping", "request": 1})"};
    }
    EXPECT_EQ(ask({"stop", "a", "b", "c", "--wait", "--timeout", "1"}).code, 1);
    // Of those behind the first it is only seen how they stand.
    for (const char* later : {"GET /v1/apps/b", "GET /v1/apps/c"}) {
        EXPECT_EQ(std::ranges::count(requests, later), 1) << later;
    }
}

TEST_F(ScriptedAgent, OfSeveralNothingIsAskedForUntilAllCanBe) {
    const std::string good = R"({"possible": true})";
    says["GET /v1/apps/a/stop"] = says["GET /v1/apps/c/stop"] = {200, good};
    says["GET /v1/apps/b/stop"] = {
        409, R"({"error": {"code": "conflict", "message": "cannot stop b: no good version"}})"};
    says["GET /v1/apps/d/stop"] = {
        404, R"({"error": {"code": "not-found", "message": "cannot find app d"}})"};
    const Ran ran = ask({"stop", "a", "b", "c", "d", "--wait"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.err, "podreeve: cannot stop b: no good version\npodreeve: cannot find app d\n");
    for (const std::string& request : requests) {
        EXPECT_EQ(request.rfind("POST", 0), std::string::npos) << request;
    }
    EXPECT_NE(ask({"stop", "a", "../b"}).code, 0);
    EXPECT_TRUE(ask({"stop", "a", "b", "--json"}).json().contains("error"));
}

TEST_F(ScriptedAgent, OfSeveralEachIsWaitedForAlsoWhenOneIsRefusedOrFails) {
    for (const char* app : {"a", "b", "c"}) {
        const std::string name = app;
        says["GET /v1/apps/" + name + "/start"] = {200, R"({"possible": true})"};
        says["POST /v1/apps/" + name + "/start"] = {202,
                                                    R"({"app": ")" + name + R"(", "request": 4})"};
        says["GET /v1/apps/" + name] = {
            200, R"({"name": ")" + name + R"(", "state": "Running", "healthy": true,
                     "message": "up", "request": 4, "change": 0})"};
    }
    says["POST /v1/apps/a/start"] = {
        404, R"({"error": {"code": "not-found", "message": "a has just gone"}})"};
    says["GET /v1/apps/b"] = {200, R"({"name": "b", "state": "Failed", "message": "no image",
                                       "request": 4, "change": 0})"};
    const Ran ran = ask({"start", "a", "b", "c", "--wait"});
    EXPECT_EQ(ran.code, 1);
    for (const char* words : {"a has just gone", "b has failed: no image", "c: Running: up"}) {
        EXPECT_NE(ran.err.find(words), std::string::npos) << words << " in\n" << ran.err;
    }
}

TEST_F(ScriptedAgent, WhatAnAppSaysIsNeverObeyedByTheTerminal) {
    says["POST /v1/apps/web/start"] = {202, R"({"app": "web", "request": 4})"};
    says["GET /v1/apps/web"] = {200,
                                R"({"name": "web", "state": "Failed", "request": 4, "change": 0,
                                         "message": "\u001b]0;x\u0007\npodreeve: all is well"})"};
    const Ran ran = ask({"start", "web", "--wait"});
    EXPECT_EQ(ran.err.find('\x1b'), std::string::npos);
    EXPECT_EQ(ran.err.find("\npodreeve: all is well"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("web: Failed: \\x1b]0;x\\x07\\npodreeve: all is well\n"),
              std::string::npos)
        << ran.err;
}

TEST_F(ScriptedAgent, WhyPrintsTheChain) {
    says["GET /v1/apps/web/why"] = {200, R"({"app": "web", "chain": [
        {"app": "web", "state": "Waiting", "since": "2020-01-01T00:00:00Z",
         "reason": "waits for db to be healthy", "next": "is started once db is healthy"},
        {"app": "db", "state": "Failed", "since": "", "reason": "no image", "next": ""}]})"};
    const Ran ran = ask({"why", "web"});
    EXPECT_NE(ran.out.find(": waits for db to be healthy\n  next: is started once db is healthy\n"),
              std::string::npos)
        << ran.out;
    EXPECT_NE(ran.out.find("  └ db is Failed: no image\n"), std::string::npos) << ran.out;
}

TEST_F(ScriptedAgent, EventsAreALineEachAndFollowReadsAStream) {
    says["GET /v1/events?since=4&app=web"] = {
        200, R"({"events": [{"seq": 5, "time": "2020-01-01T00:00:00Z", "app": "web",
                             "state": "Running", "message": "up"}], "last_seq": 5})"};
    const Ran ran = ask({"events", "web", "--since", "4"});
    EXPECT_EQ(ran.out, "     5  2020-01-01T00:00:00Z  web  Running  up\n");
    EXPECT_EQ(ask({"events", "web", "--since", "4", "--json"}).json()["seq"], 5);
    says["GET /v1/events?since=0&follow=1"] = {
        200,
        ":\n\nid: 1\ndata: {\"seq\": 1, \"app\": \"a\", \"state\": \"Starting\"}\n\n"
        "id: 2\ndata: {\"seq\": 2, \"app\": \"a\", \"state\": \"Running\"}\n\n",
        "text/event-stream"};
    const Ran followed = ask({"events", "-f"});
    EXPECT_EQ(followed.code, 1) << "the agent has ended the stream";
    EXPECT_NE(followed.out.find("Starting"), std::string::npos) << followed.out;
    EXPECT_NE(followed.out.find("Running"), std::string::npos) << followed.out;
}

TEST_F(ScriptedAgent, VersionTellsAllThatTakesPart) {
    says["GET /v1/version"] = {200, R"({"agent": "9.8.7", "podman": "5.4.2"})"};
    const Ran ran = ask({"version"});
    EXPECT_NE(ran.out.find("agent    9.8.7"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("podman   5.4.2"), std::string::npos) << ran.out;
    EXPECT_EQ(ask({"version", "--json"}).json()["agent"]["agent"], "9.8.7");
}

TEST_F(ScriptedAgent, WhatTheAgentSaysCannotSteerTheTerminal) {
    says["GET /v1/apps"] = {200, R"({"apps": [{"name": "w\u001b[31m", "state": "Failed",
        "message": "a\u009bb\u007f", "parts_ready": 0, "parts_total": 1, "conditions": []}],
        "agent": {"podman_reachable": true, "store": {"message": "\u001b[2J"}},
        "summary": {"up": 0, "total": 1}})"};
    const Ran ran = ask({"status"});
    EXPECT_EQ(ran.out.find('\x1b'), std::string::npos) << ran.out;
    for (const char* words : {"w\\x1b[31m  Failed", "a\\u009bb\\u007f", "\\x1b[2J"}) {
        EXPECT_NE(ran.out.find(words), std::string::npos) << words << " in\n" << ran.out;
    }
    says["GET /v1/apps/web"] = {
        404, R"({"error": {"code": "not-found", "message": "cannot find \u001b[31m"}})"};
    EXPECT_EQ(ask({"status", "web"}).err, "podreeve: cannot find \\x1b[31m\n");
    EXPECT_EQ(ask({"status", "web", "--json"}).json()["error"]["message"], "cannot find \x1b[31m");
}

TEST(WithoutAnAgent, TheHintFitsWhoAsksAndWhoseAgentItIs) {
    EXPECT_NE(hint_for_absent(1000).find("systemctl --user start"), std::string::npos);
    EXPECT_EQ(hint_for_absent(0).find("--user "), std::string::npos) << hint_for_absent(0);
    EXPECT_NE(hint_for_absent(0).find("--socket /run/user/"), std::string::npos);
    EXPECT_NE(hint_for_another("alice", "/run/s").find("`sudo -u alice podreeve --socket /run/s"),
              std::string::npos);
}

// A listener that nobody serves is what a stopped agent is to its clients.
TEST(WithoutAnAgent, OneThatDoesNotAnswerIsNotWaitedForLonger) {
    const fakes::TempDir temp;
    const std::string socket = temp.path() / "s";
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener, 5), 0);
    const AgentClient agent(socket, std::chrono::milliseconds(20));
    for (const Error& error :
         {agent.get("/v1/diff").error(), agent.post("/v1/reconcile", std::chrono::hours(1)).error(),
          agent.follow("/v1/events", [](const std::string&) { return true; }).error()}) {
        EXPECT_EQ(error.code, Code::Timeout);
        EXPECT_NE(error.message.find("does not answer within"), std::string::npos) << error.message;
    }
    ::close(listener);
}

TEST(WithoutAnAgent, CommandsSayWhatToDoAndVersionStillAnswers) {
    const std::string nowhere = "/nonexistent/podreeve.sock";
    for (const char* command : {"status", "diff", "reconcile", "changes", "events"}) {
        const Ran ran = podreeve({"--socket", nowhere, command});
        EXPECT_EQ(ran.code, 1) << command;
        EXPECT_NE(ran.err.find(nowhere), std::string::npos) << ran.err;
        EXPECT_NE(ran.err.find("systemctl "), std::string::npos) << ran.err;
    }
    const Ran version = podreeve({"--socket", nowhere, "version"});
    EXPECT_EQ(version.code, 0);
    EXPECT_NE(version.out.find("not running"), std::string::npos) << version.out;
}

}  // namespace
}  // namespace podreeve::cli
