#include <cerrno>
#include <cstring>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <gtest/gtest.h>

#include "agent/supervise/decide/memory.h"
#include "runtime/base/unique_fd.h"
#include "tests/unit/api/caller.h"
#include "tests/unit/api/serving.h"

namespace podreeve::api {
namespace {

using nlohmann::json;
using testing::Answer;
using testing::Caller;
using testing::Serving;

supervise::AppStatus running(const std::string& name) {
    supervise::AppStatus app;
    app.name = name;
    app.state = supervise::ServiceState::Running;
    app.parts_ready = app.parts_total = 1;
    return app;
}

mode_t mode_of(const std::filesystem::path& path) {
    struct stat info {};

    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 07777U;
}

TEST(Server, TheSocketAndItsDirectoryAreTheAgentsOwn) {
    const Serving serving;
    EXPECT_EQ(mode_of(serving.socket), 0600U);
    EXPECT_EQ(mode_of(serving.socket.parent_path()), 0700U);
}

TEST(Server, ASecondServerOnTheSameSocketIsRefusedAndTheFirstGoesOn) {
    Serving serving;
    const auto second = Server::create(serving.socket, serving.backend());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::Conflict) << second.error().message;
    EXPECT_EQ(serving.get("/v1/version").status, 200);
}

TEST(Server, ASocketThatADeadAgentLeftIsTakenOver) {
    Serving serving;
    serving.server.reset();
    EXPECT_FALSE(std::filesystem::exists(serving.socket));
    // A file where nobody listens is what a killed agent leaves.
    { auto left = Server::create(serving.socket, serving.backend()); }
    serving.server = std::move(*Server::create(serving.socket, serving.backend()));
    EXPECT_EQ(serving.get("/v1/version").status, 200);
}

// Who has no time for anybody, and no room for another who waits, is there nevertheless.
TEST(Server, ASocketWhoseOwnerIsTooBusyToAnswerIsNotTakenOver) {
    Serving serving;
    const std::filesystem::path busy = serving.directory / "busy.sock";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, busy.c_str(), sizeof address.sun_path - 1);
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    const UniqueFd owner(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(owner.get(), to, sizeof address), 0);
    ASSERT_EQ(::listen(owner.get(), 0), 0);
    std::vector<UniqueFd> waiting;
    do {
        waiting.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    } while (::connect(waiting.back().get(), to, sizeof address) == 0);
    ASSERT_EQ(errno, EAGAIN);
    const auto made = Server::create(busy, serving.backend());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::Conflict);
    EXPECT_NE(made.error().message.find("another podreeved answers there"), std::string::npos)
        << made.error().message;
    EXPECT_TRUE(std::filesystem::is_socket(busy));
}

TEST(Server, AFileThatIsNoSocketStaysWhereItIs) {
    Serving serving;
    const std::filesystem::path notes = serving.directory / "d" / "notes";
    std::filesystem::create_directory(notes.parent_path());
    ASSERT_EQ(::chmod(notes.parent_path().c_str(), 0755), 0);
    std::ofstream(notes) << "keep";
    const auto made = Server::create(notes, serving.backend());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::Conflict);
    EXPECT_NE(made.error().message.find("is no socket"), std::string::npos) << made.error().message;
    EXPECT_EQ(std::filesystem::file_size(notes), 4U);
    EXPECT_EQ(mode_of(notes.parent_path()), 0755U);
}

TEST(Server, ALinkInItsPlaceIsNotFollowedAndNotRemoved) {
    Serving serving;
    const std::filesystem::path link = serving.directory / "link";
    std::filesystem::create_symlink(serving.directory / "elsewhere", link);
    EXPECT_FALSE(Server::create(link, serving.backend()));
    EXPECT_TRUE(std::filesystem::is_symlink(link));
}

TEST(Server, ADirectoryThatWasThereKeepsItsMode) {
    Serving serving;
    const std::filesystem::path open = serving.directory / "open";
    std::filesystem::create_directory(open);
    ASSERT_EQ(::chmod(open.c_str(), 0755), 0);
    const auto made = Server::create(open / "x.sock", serving.backend());
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(mode_of(open), 0755U);
    EXPECT_EQ(mode_of(open / "x.sock"), 0600U);
}

TEST(Server, ADirectoryInWhichOthersMayWriteIsRefusedAndLeftAsItIs) {
    Serving serving;
    const std::filesystem::path open = serving.directory / "open";
    std::filesystem::create_directory(open);
    for (const mode_t mode : {01777U, 0770U}) {
        ASSERT_EQ(::chmod(open.c_str(), mode), 0);
        const auto made = Server::create(open / "x.sock", serving.backend());
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().code, Code::Denied);
        EXPECT_NE(made.error().message.find("chmod go-w"), std::string::npos)
            << made.error().message;
        EXPECT_EQ(mode_of(open), mode);
    }
}

TEST(Server, ASecondStartByMistakeChangesNothing) {
    Serving serving;
    ASSERT_EQ(::chmod(serving.socket.parent_path().c_str(), 0755), 0);
    EXPECT_FALSE(Server::create(serving.socket, serving.backend()));
    EXPECT_EQ(mode_of(serving.socket.parent_path()), 0755U);
}

TEST(Server, ItsEndEndsWhoeverWaits) {
    Serving serving;
    serving.show(running("web"));
    std::vector<Caller> callers;
    // As many as may wait do, once there is no room for another.
    while (serving.get("/v1/apps/web/wait?for=down&seconds=0").status == 200) {
        callers.emplace_back(serving.socket).get("/v1/apps/web/wait?for=down&seconds=20");
    }
    EXPECT_GE(callers.size(), 64U);
    const SteadyTime begun = serving.clock.steady_now();
    serving.server.reset();
    EXPECT_LT(serving.clock.steady_now() - begun, std::chrono::seconds(5));
    std::size_t cancelled = 0;
    for (Caller& caller : callers) {
        cancelled += caller.hear("}}").find("cancelled") != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(cancelled, 64U);
}

// Their answers come when they are done, and nobody waits for a thread meanwhile.
TEST(Server, AWaitIsAnsweredWhenWhatItIsForHolds) {
    Serving serving;
    serving.show(running("web"));
    Caller caller(serving.socket);
    caller.get("/v1/apps/web/wait?for=failed&seconds=20");
    Caller other(serving.socket);
    other.get("/v1/apps/web/wait?for=down&seconds=0");
    EXPECT_NE(other.hear("}").find(R"("held":false)"), std::string::npos);
    supervise::Overview overview = *serving.shared_status.lock();
    overview.apps.front().state = supervise::ServiceState::Failed;
    *serving.shared_status.lock() = overview;
    serving.subscriptions->publish(overview);
    EXPECT_NE(caller.hear("}").find(R"("held":true)"), std::string::npos);
    EXPECT_NE(caller.hear("}").find(R"("state":"Failed")"), std::string::npos);
    EXPECT_TRUE(caller.is_let_go());
}

TEST(Server, APathThatIsTooLongForASocketIsRefused) {
    Serving serving;
    const auto made =
        Server::create(serving.directory / std::string(120, 'x') / "s", serving.backend());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::InvalidArgument);
}

TEST(History, ListsTheVersionsThatRanAndTheOneWanted) {
    Serving serving;
    supervise::AppMemory memory;
    note_ran(memory, {"forgotten", 1, WallTime(std::chrono::seconds(10)), true});
    note_ran(memory, {"runs", 2, WallTime(std::chrono::seconds(20)), false});
    state::AppRecord record{
        .name = "web", .generation = 3, .spec = "next", .deployed_spec = "runs"};
    record.extra = to_extra(memory);
    ASSERT_TRUE(serving.state->put_app(record));
    const Answer reply = serving.get("/v1/apps/web/history");
    EXPECT_EQ(reply.status, 200);
    ASSERT_EQ(reply.body.at("versions").size(), 3U);
    EXPECT_EQ(reply.body["versions"][0]["spec"], "next");
    EXPECT_EQ(reply.body["versions"][0]["wanted"], true);
    EXPECT_EQ(reply.body["versions"][0]["since"], "");
    EXPECT_EQ(reply.body["versions"][1]["deployed"], true);
    EXPECT_EQ(reply.body["versions"][1]["generation"], 2);
    EXPECT_EQ(reply.body["versions"][2]["kept"], false);
    EXPECT_EQ(serving.get("/v1/apps/none/history").status, 404);
}

TEST(Apps, AreListedWithTheAgentAndASummary) {
    Serving serving;
    serving.show(running("web"));
    supervise::AppStatus failed = running("db");
    failed.state = supervise::ServiceState::Failed;
    serving.show(failed);
    const Answer reply = serving.get("/v1/apps");
    EXPECT_EQ(reply.status, 200);
    ASSERT_EQ(reply.body.at("apps").size(), 2U);
    EXPECT_EQ(reply.body["apps"][0]["name"], "web");
    EXPECT_EQ(reply.body["apps"][0]["state"], "Running");
    EXPECT_EQ(reply.body["agent"]["version"], "1.2.3");
    EXPECT_EQ(reply.body["agent"]["store"]["read_only"], false);
    EXPECT_EQ(reply.body["summary"]["up"], 1);
    EXPECT_EQ(reply.body["summary"]["total"], 2);
}

TEST(Apps, OneIsShownWithItsOwnEvents) {
    Serving serving;
    serving.show(running("web"));
    serving.add_event("web", "Starting");
    serving.add_event("db", "Failed");
    serving.add_event("web", "Running");
    const Answer reply = serving.get("/v1/apps/web");
    EXPECT_EQ(reply.status, 200);
    ASSERT_EQ(reply.body.at("events").size(), 2U);
    EXPECT_EQ(reply.body["events"][1]["state"], "Running");
}

TEST(Apps, TheLastEventIsTheNewestThatIsKept) {
    Serving serving;
    serving.show(running("web"));
    serving.add_event("web", "ManifestError");
    serving.add_event("web", "Unhealthy");
    serving.add_event("db", "Failed");
    EXPECT_EQ(serving.get("/v1/apps/web").body["last_event"], "Unhealthy");
    EXPECT_EQ(serving.get("/v1/apps").body["apps"][0]["last_event"], "Unhealthy");
}

TEST(Apps, AnUnknownOneIsNotFoundAndTheErrorSaysWhereToLook) {
    const Serving serving;
    const Answer reply = serving.get("/v1/apps/nobody");
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.code(), "not-found");
    EXPECT_NE(reply.message().find("podreeve status"), std::string::npos) << reply.message();
}

TEST(Apps, ANameIsDecodedAndATextThatIsNotUtf8DoesNoHarm) {
    Serving serving;
    serving.show(running("my.yaml"));
    supervise::AppStatus odd = running("odd");
    odd.message = "\xff\xfe from podman";
    serving.show(odd);
    EXPECT_EQ(serving.get("/v1/apps/my%2Eyaml").status, 200);
    EXPECT_EQ(serving.get("/v1/apps/odd").status, 200);
}

TEST(Apps, AChangeUnderWayIsShownAsItStandsNow) {
    Serving serving;
    supervise::AppStatus app = running("web");
    app.change = serving.add_change("web");
    serving.show(app);
    const Answer reply = serving.get("/v1/apps/web");
    EXPECT_EQ(reply.body["state"], "Starting");
    EXPECT_NE(reply.body["message"].get<std::string>().find("Create container web"),
              std::string::npos);
}

TEST(Apps, AStopAndAStartAreWishesThatAreAccepted) {
    Serving serving;
    const Answer stop = serving.post("/v1/apps/db/stop");
    EXPECT_EQ(stop.status, 202);
    EXPECT_EQ(stop.body["request"], 7);
    EXPECT_EQ(stop.body["order"], nlohmann::json::parse(R"([["web"], ["db"]])"));
    EXPECT_EQ(stop.body["at_most_secs"], 50);
    EXPECT_EQ(serving.post("/v1/apps/web/start").status, 202);
    EXPECT_EQ(serving.post("/v1/apps/web/restart").status, 202);
    EXPECT_EQ(serving.post("/v1/shutdown").status, 202);
    EXPECT_EQ(serving.post("/v1/resume").status, 202);
    using Wished = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(serving.requests, (Wished{{"db", "stop"},
                                        {"web", "start"},
                                        {"web", "restart"},
                                        {"", "shutdown"},
                                        {"", "resume"}}));
    serving.app_request = fail(Code::NotFound, "cannot stop web: no manifest declares it");
    const Answer reply = serving.post("/v1/apps/web/stop");
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.message(), "cannot stop web: no manifest declares it");
}

TEST(Apps, WhetherSomethingCanBeAskedForIsToldAndNothingIsDone) {
    Serving serving;
    ASSERT_TRUE(serving.state->put_app({.name = "web", .generation = 1}));
    EXPECT_EQ(serving.get("/v1/apps/web/stop").status, 200);
    EXPECT_EQ(serving.get("/v1/apps/nope/stop").code(), "not-found");
    EXPECT_TRUE(serving.requests.empty());
}

TEST(Apps, OneThatWasNeverGoodIsNotSaidToBeUnknown) {
    Serving serving;
    supervise::AppStatus broken = running("db");
    broken.file = "/apps/db.yaml";
    serving.show(broken);
    serving.app_request = fail(Code::NotFound, "cannot stop db: no manifest declares it");
    for (const Answer& reply :
         {serving.get("/v1/apps/db/stop"), serving.post("/v1/apps/db/stop")}) {
        EXPECT_EQ(reply.code(), "conflict");
        EXPECT_EQ(reply.message(),
                  "cannot stop db: there is no good version of it yet; `podreeve status db` shows "
                  "what is wrong with /apps/db.yaml");
    }
}

TEST(Apps, WhoWaitsForAnEventIsToldAtOnceWhenItHolds) {
    Serving serving;
    supervise::AppStatus app = running("web");
    app.healthy = true;
    serving.show(app);
    serving.subscriptions->publish(*serving.shared_status.lock());
    const Answer reply = serving.get("/v1/apps/web/wait?for=up&seconds=20");
    EXPECT_EQ(reply.body["held"], true);
    EXPECT_EQ(serving.get("/v1/apps/web/wait?for=failed&seconds=0").body["held"], false);
    EXPECT_EQ(serving.get("/v1/apps/web/wait?for=noon").status, 400);
    EXPECT_EQ(serving.get("/v1/apps/nobody/wait?for=up").status, 404);
}

TEST(Apps, WhyGivesTheChain) {
    Serving serving;
    serving.show(running("web"));
    EXPECT_EQ(serving.get("/v1/apps/web/why").body["chain"][0]["state"], "Running");
    EXPECT_EQ(serving.get("/v1/apps/nobody/why").status, 404);
}

TEST(Changes, AreListedNewestFirstAndByApp) {
    Serving serving;
    const auto first = serving.add_change("web");
    const auto second = serving.add_change("db");
    Answer reply = serving.get("/v1/changes");
    ASSERT_EQ(reply.body.at("changes").size(), 2U);
    EXPECT_EQ(reply.body["changes"][0]["id"], second);
    EXPECT_EQ(reply.body["changes"][1]["id"], first);
    EXPECT_FALSE(reply.body["changes"][0].contains("tasks"));
    reply = serving.get("/v1/changes?app=web");
    ASSERT_EQ(reply.body.at("changes").size(), 1U);
    EXPECT_EQ(reply.body["changes"][0]["app"], "web");
    EXPECT_EQ(serving.get("/v1/changes?limit=1").body.at("changes").size(), 1U);
    EXPECT_EQ(serving.get("/v1/changes?limit=1&app=web").body.at("changes").size(), 1U);
    EXPECT_EQ(serving.get("/v1/changes?app=wbe").status, 404);
    serving.show(running("quiet"));
    EXPECT_EQ(serving.get("/v1/changes?app=quiet").body.at("changes").size(), 0U);
}

TEST(Changes, OneIsShownWithItsTasks) {
    Serving serving;
    const auto id = serving.add_change("web");
    const Answer reply = serving.get("/v1/changes/" + std::to_string(id));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body["status"], "Do");
    EXPECT_EQ(reply.body["ready"], false);
    EXPECT_EQ(reply.body["ended"], "");
    ASSERT_EQ(reply.body.at("tasks").size(), 1U);
    EXPECT_EQ(reply.body["tasks"][0]["kind"], "create-container");
}

TEST(Changes, NumbersThatAreNoneAreRefused) {
    Serving serving;

    struct Row {
        const char* target;
        int status;
    };

    for (const Row& row : {Row{"/v1/changes?limit=x", 400}, Row{"/v1/changes?limit=-1", 400},
                           Row{"/v1/changes?limit=1001", 400}, Row{"/v1/changes?limit=", 400},
                           Row{"/v1/changes?limit=1e3", 400}, Row{"/v1/changes/abc", 400},
                           Row{"/v1/changes/-1", 400}, Row{"/v1/changes/99999999999999999999", 400},
                           Row{"/v1/changes/77", 404}, Row{"/v1/events?since=x", 400},
                           Row{"/v1/events?since=-5", 400}}) {
        const Answer reply = serving.get(row.target);
        EXPECT_EQ(reply.status, row.status) << row.target;
        EXPECT_EQ(reply.message().rfind("cannot ", 0), 0U) << reply.message();
    }
    EXPECT_EQ(serving.post("/v1/changes/abc/abort").status, 400);
    EXPECT_EQ(serving.post("/v1/changes/77/abort").status, 404);
    EXPECT_EQ(serving.woken, 0);
}

TEST(Changes, AnAbortIsMarkedAndTheRunnerIsWoken) {
    Serving serving;
    const auto id = serving.add_change("web");
    const Answer reply = serving.post("/v1/changes/" + std::to_string(id) + "/abort");
    EXPECT_EQ(reply.status, 202);
    EXPECT_EQ(serving.woken, 1);
    EXPECT_NE(serving.state->change(id)->status, state::TaskStatus::Do);
}

TEST(Changes, OneThatHasNotEndedTellsOfEachTaskWhy) {
    Serving serving;
    const auto id = serving.add_change("web");
    Answer reply = serving.get("/v1/changes/" + std::to_string(id));
    EXPECT_EQ(reply.body["behind"], 0);
    EXPECT_EQ(reply.body["tasks"][0]["why"]["reason"], "starting");
    EXPECT_EQ(reply.body["tasks"][0]["why"]["text"], "is about to start");
    state::NewChange change{.kind = "deploy-app", .summary = "Deploy web again", .subject = "web"};
    change.tasks.push_back({.kind = "create-container", .summary = "Create"});
    const auto queued = *serving.state->add_change(change, state::Collision::Queue);
    reply = serving.get("/v1/changes/" + std::to_string(queued));
    EXPECT_EQ(reply.body["behind"], id);
    EXPECT_EQ(reply.body["tasks"][0]["why"]["reason"], "queued");
    EXPECT_EQ(reply.body["tasks"][0]["why"]["change"], id);
    ASSERT_TRUE(serving.state->abort_change(id));
    reply = serving.get("/v1/changes/" + std::to_string(id));
    EXPECT_TRUE(reply.body["tasks"][0]["why"].is_null());
}

TEST(Changes, AnUndoAnswersWithTheChangeThatDoesIt) {
    Serving serving;
    const auto id = serving.add_change("web");
    const std::string target = "/v1/changes/" + std::to_string(id) + "/undo";
    const Answer refused = serving.post(target);
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(refused.code(), "conflict");
    EXPECT_EQ(serving.post("/v1/changes/77/undo").status, 404);
    EXPECT_EQ(serving.post("/v1/changes/x/undo").status, 400);
    EXPECT_EQ(serving.woken, 0);
    serving.finish_change(id);
    const Answer reply = serving.post(target);
    EXPECT_EQ(reply.status, 202);
    EXPECT_EQ(reply.body["undoes"], id);
    EXPECT_EQ(serving.state->change(reply.body["change"])->kind, state::kUndoKind);
    EXPECT_EQ(serving.woken, 1);
}

TEST(Passes, ARequestedOneTellsWhatItFound) {
    Serving serving;
    PassSummary pass;
    pass.pass = 7;
    pass.podman_reachable = true;
    pass.changes = {3};
    pass.apps_changed = {"web"};
    pass.failures = {{"db", "cannot plan db"}};
    serving.pass = pass;
    const Answer reply = serving.post("/v1/reconcile");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body["pass"], 7);
    EXPECT_EQ(reply.body["changes"], json::array({3}));
    EXPECT_EQ(reply.body["failures"][0]["app"], "db");
    serving.pass = fail(Code::Timeout, "cannot know how the pass went");
    EXPECT_EQ(serving.post("/v1/reconcile").status, 504);
}

TEST(Handlers, OneThatThrowsIsAnInternalErrorAndTheNextIsAnswered) {
    Serving serving;
    serving.before_pass = [] { throw std::runtime_error("no \xFF"); };
    for (int i = 0; i < 30; ++i) {  // more than there are threads
        const Answer reply = serving.post("/v1/reconcile");
        EXPECT_EQ(reply.status, 500);
        EXPECT_EQ(reply.code(), "internal");
        EXPECT_EQ(reply.message(), R"(internal error: POST /v1/reconcile: no \xff)");
    }
    serving.before_pass = [] { throw 7; };
    EXPECT_EQ(serving.get("/v1/diff").status, 500);
    serving.before_pass = [] {};
    EXPECT_EQ(serving.post("/v1/reconcile").status, 200);
}

TEST(Passes, ADiffIsOfAllAppsOrOfOne) {
    Serving serving;
    Answer reply = serving.get("/v1/diff");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body["converged"], true);
    EXPECT_EQ(serving.diff_asked_for, std::nullopt);
    plan::Plan plan;
    plan.apps["web"].app = "web";
    plan.apps["web"].action = plan::AppAction::Repair;
    plan.apps["web"].steps.push_back(
        {plan::StepKind::StartContainer, "web", "web", "", "exited", "", "{}", {}});
    serving.plan = plan;
    reply = serving.get("/v1/diff?app=web");
    EXPECT_EQ(serving.diff_asked_for, "web");
    EXPECT_EQ(reply.body["converged"], false);
    EXPECT_NE(reply.body["text"].get<std::string>().find("web"), std::string::npos);
    EXPECT_EQ(reply.body["differs"], true);
    serving.plan = fail(Code::Unavailable, "cannot plan: podman is away");
    EXPECT_EQ(serving.get("/v1/diff").status, 503);
}

TEST(Passes, ADiffTellsWhatIsHeldBackFromWhatIsAsItShould) {
    Serving serving;
    EXPECT_EQ(serving.get("/v1/diff").body["differs"], false);
    plan::Plan plan;
    plan.apps["web"].app = "web";
    plan.apps["web"].conditions.push_back(
        {"RemovalHeld", "ManifestsUnknown", "no manifest of it is known", ""});
    serving.plan = plan;
    const Answer reply = serving.get("/v1/diff");
    EXPECT_EQ(reply.body["converged"], true) << "a pass would do nothing";
    EXPECT_EQ(reply.body["differs"], true);
}

TEST(Passes, TheVersionIsOfTheAgentAndOfPodman) {
    Serving serving;
    serving.shared_status.lock()->podman_version = "5.4.2";
    const Answer reply = serving.get("/v1/version");
    EXPECT_EQ(reply.body["agent"], "1.2.3");
    EXPECT_EQ(reply.body["podman"], "5.4.2");
    EXPECT_EQ(reply.body["podman_socket"], "/run/podman.sock");
    EXPECT_EQ(reply.body["owner"], serving.state->owner());
}

TEST(Server, ListensAgainWhenItsSocketOrTheDirectoryIsRemoved) {
    Serving serving;
    ASSERT_TRUE(serving.server->ensure_listening());
    std::filesystem::remove(serving.socket);
    ASSERT_TRUE(serving.server->ensure_listening());
    EXPECT_EQ(serving.get("/v1/version").status, 200);
    std::filesystem::remove_all(serving.socket.parent_path());
    ASSERT_TRUE(serving.server->ensure_listening());
    EXPECT_EQ(serving.get("/v1/version").status, 200);
    EXPECT_EQ(mode_of(serving.socket), 0600U);
    EXPECT_EQ(mode_of(serving.socket.parent_path()), 0700U);
    serving.server.reset();
    EXPECT_FALSE(std::filesystem::exists(serving.socket));
}

TEST(Server, DoesNotTakeTheSocketBackFromAnotherAgent) {
    Serving serving;
    std::filesystem::remove(serving.socket);
    auto other = std::move(*Server::create(serving.socket, serving.backend()));
    const Status listening = serving.server->ensure_listening();
    ASSERT_FALSE(listening);
    EXPECT_EQ(listening.error().code, Code::Conflict);
    serving.server.reset();
    EXPECT_EQ(serving.get("/v1/version").status, 200) << "nor does its end remove the other's";
}

TEST(Apps, AFileThatNamesNoAppIsFoundByItsPathItsNameAndItsStem) {
    Serving serving;
    supervise::AppStatus broken = running("/etc/apps/ww.yaml");
    broken.file = broken.name;
    serving.show(broken);
    for (const char* name : {"ww", "ww.yaml", "%2Fetc%2Fapps%2Fww.yaml"}) {
        const Answer reply = serving.get(std::string("/v1/apps/") + name);
        EXPECT_EQ(reply.status, 200) << name;
        EXPECT_EQ(reply.body["name"], "/etc/apps/ww.yaml") << name;
    }
    serving.show(running("ww"));
    EXPECT_EQ(serving.get("/v1/apps/ww").body["name"], "ww") << "an app of that name comes first";
    EXPECT_EQ(serving.get("/v1/apps/%2Fetc%2Fother.yaml").message().rfind("cannot find app", 0),
              0U);
}

TEST(Server, WhatItDoesNotKnowIsNotFoundInJson) {
    const Serving serving;
    for (const char* target : {"/", "/v1", "/v2/apps", "/v1/apps/web/dance", "/v1/nothing"}) {
        const Answer reply = serving.get(target);
        EXPECT_EQ(reply.status, 404) << target;
        EXPECT_EQ(reply.code(), "not-found") << target;
    }
    EXPECT_EQ(serving.get("/v1/reconcile").status, 404) << "only POST";
    EXPECT_EQ(serving.post("/v1/apps").status, 404) << "only GET";
}

}  // namespace
}  // namespace podreeve::api
