// Containers. Trap -> test:
//   Status in the list is health, State is the state; never is the year 1 .....
//   ListTellsStateHealthAndTimes create does not pull
//   ...................................................... CreateDoesNotPull a duplicate name is
//   500, not 409 .......................................... DuplicateNameIsConflict a name taken
//   meanwhile refuses the rename, in words of the database ....... RenameToATakenNameIsConflict
//   start of a running one is 304 .............................................
//   StartOfARunningOneIsAlreadySo stop of one that is over is 304, of one never started 204
//   ................. StopOfOneThatIsOverIsAlreadySo stop's and restart's timeout: absent means 0
//   to restart ................... RestartWithoutATimeoutKillsAtOnce,
//                                                                               StopGivesTheGraceItIsAskedFor
//   kill does not wait; of a stopped one it is 409 ............................
//   KillIsConflictWhenNothingRuns a wait that failed is 200 `0`, one for no exit 200 `-1`
//   ................... WaitsLie, WaitIsConfirmedByInspect removal of an absent one is 404, of a
//   running one without force 500 ....... RemoveOfAnAbsentOneIsOk,
//                                                                               RemoveOfARunningOneNeedsForce
//   a removal may fail inside a 200; dependents hold it .......................
//   RemoveFailsInsideA200, DependentsHoldARemoval libpod reads `volumes`, not docker's `v`
//   .................................. AnonymousVolumesGoWhenAsked an ambiguous prefix is 404 as
//   well ........................................ AmbiguousPrefixIsNotAbsence logs are framed, also
//   of a terminal; no stream is 400; a last line may lack its end ... Logs… a command that is not
//   there fails at start, the container stays created ... StartThatFailsLeavesItCreated a taken
//   host port fails at start ..........................................
//   TakenHostPortIsConflictAtStart
#include <algorithm>

#include "tests/contract/subject.h"

namespace podreeve::contract {
namespace {

using podman::ContainerState;
using podman::RemoveOptions;

using Lines = std::vector<std::pair<int, std::string>>;

RemoveOptions by_force() {
    RemoveOptions options;
    options.force = true;
    options.timeout_seconds = 0;
    return options;
}

TEST_F(Contract, APausedOneIsStoppedOnlyWhenItIsUnpaused) {
    start("contract-paused", stubborn());
    EXPECT_EQ(raw("POST", "containers/contract-paused/pause").status, 204);
    EXPECT_EQ(state("contract-paused"), ContainerState::Paused);
    EXPECT_FAILS(Conflict, client_->stop_container("contract-paused", 1, call()));
    EXPECT_EQ(state("contract-paused"), ContainerState::Paused);
    EXPECT_OK(client_->unpause_container("contract-paused", call()));
    EXPECT_OK(client_->unpause_container("contract-paused", call()));
    EXPECT_EQ(client_->stop_container("contract-paused", 1, call()), Effect::Changed);
}

TEST_F(Contract, OneThatIsReadyHasAProcessAndRunsNothingYet) {
    make("contract-ready", stubborn());
    EXPECT_OK(client_->init_container("contract-ready", call()));
    EXPECT_OK(client_->init_container("contract-ready", call()));
    EXPECT_EQ(state("contract-ready"), ContainerState::Initialized);
    const auto ready = client_->inspect_container("contract-ready", call());
    ASSERT_OK(ready);
    EXPECT_GT(ready->summary.pid, 0);
    EXPECT_EQ(client_->start_container("contract-ready", call()), Effect::Changed);
    EXPECT_EQ(state("contract-ready"), ContainerState::Running);
    make("contract-ready-not", stubborn());
    EXPECT_OK(client_->init_container("contract-ready-not", call()));
    EXPECT_OK(client_->stop_container("contract-ready-not", 0, call()));
    EXPECT_NE(state("contract-ready-not"), ContainerState::Initialized);
    const auto over = client_->inspect_container("contract-ready-not", call());
    ASSERT_OK(over);
    EXPECT_EQ(over->summary.pid, 0);
}

// Why a find by name is held against the name that was found.
TEST_F(Contract, ANameThatNobodyHasIsTakenForTheBeginningOfAnId) {
    const std::string id = make("contract-first", stubborn());
    const auto found = client_->inspect_container(id.substr(0, 20), call());
    ASSERT_OK(found);
    EXPECT_EQ(found->summary.name, "contract-first");
}

TEST_F(Contract, ListTellsStateHealthAndTimes) {
    const std::string id =
        make("contract-list", stubborn(), "", [](podman::ContainerCreate& create) {
            create.labels = {{"io.podreeve.app", "list"}};
        });
    podman::ContainerSummary seen = row("contract-list");
    EXPECT_EQ(seen.id, id);
    EXPECT_EQ(seen.image, kImage);
    EXPECT_EQ(seen.state, ContainerState::Created);
    EXPECT_EQ(seen.health, "");
    EXPECT_EQ(seen.pid, 0);
    EXPECT_FALSE(seen.started);
    EXPECT_FALSE(seen.exited);
    EXPECT_TRUE(seen.created);
    EXPECT_EQ(seen.labels.at("io.podreeve.app"), "list");
    ASSERT_OK(client_->start_container(id, call()));
    seen = row("contract-list");
    EXPECT_EQ(seen.state, ContainerState::Running);
    EXPECT_GT(seen.pid, 0);
    EXPECT_TRUE(seen.started);
    EXPECT_FALSE(seen.exited);
    ASSERT_OK(client_->stop_container(id, 0, call()));
    EXPECT_TRUE(eventually([&] { return state(id) == ContainerState::Exited; }));
    seen = row("contract-list");
    EXPECT_EQ(seen.state, ContainerState::Exited);
    EXPECT_EQ(seen.exit_code, 137);
    EXPECT_EQ(seen.pid, 0);
    EXPECT_TRUE(seen.exited);
}

TEST_F(Contract, CreateDoesNotPull) {
    podman::ContainerCreate create;
    create.name = "contract-no-image";
    create.image = "localhost/contract-nope:1";
    create.command = stubborn();
    EXPECT_FAILS(NotFound, client_->create_container(create, call()));
    EXPECT_EQ(row("contract-no-image").id, "");
}

TEST_F(Contract, DuplicateNameIsConflict) {
    const std::string id = make("contract-twice", stubborn());
    podman::ContainerCreate create;
    create.name = "contract-twice";
    create.image = kImage;
    create.command = stubborn();
    EXPECT_FAILS(Conflict, client_->create_container(create, call()));
    const json body = {{"name", "contract-twice"}, {"image", kImage}, {"command", {"true"}}};
    const http::Response reply = raw("POST", "containers/create", body.dump());
    EXPECT_EQ(reply.status, 500);
    EXPECT_NE(reply.body.find("already in use"), std::string::npos) << reply.body;
    EXPECT_EQ(row("contract-twice").id, id);
}

TEST_F(Contract, RenameToATakenNameIsConflict) {
    const std::string id = make("contract-one", stubborn());
    make("contract-two", stubborn());
    EXPECT_FAILS(Conflict, client_->rename_container("contract-one", "contract-two", call()));
    EXPECT_EQ(row("contract-one").id, id);
    EXPECT_OK(client_->rename_container("contract-one", "contract-three", call()));
    EXPECT_EQ(row("contract-three").id, id);
    EXPECT_FAILS(NotFound, client_->rename_container("contract-one", "contract-four", call()));
}

TEST_F(Contract, StartOfARunningOneIsAlreadySo) {
    make("contract-start", stubborn());
    EXPECT_EQ(client_->start_container("contract-start", call()), Effect::Changed);
    EXPECT_EQ(client_->start_container("contract-start", call()), Effect::AlreadySo);
    EXPECT_FAILS(NotFound, client_->start_container("contract-nobody", call()));
}

TEST_F(Contract, StopOfOneThatIsOverIsAlreadySo) {
    start("contract-stop", stubborn());
    EXPECT_EQ(client_->stop_container("contract-stop", 0, call()), Effect::Changed);
    EXPECT_EQ(client_->stop_container("contract-stop", 0, call()), Effect::AlreadySo);
    make("contract-never", stubborn());
    EXPECT_EQ(client_->stop_container("contract-never", 0, call()), Effect::Changed);
    EXPECT_EQ(state("contract-never"), ContainerState::Created);
    EXPECT_FAILS(NotFound, client_->stop_container("contract-nobody", 0, call()));
}

TEST_F(Contract, StopGivesTheGraceItIsAskedFor) {
    start("contract-obeys", obedient());
    await_ready("contract-obeys");
    ASSERT_OK(client_->stop_container("contract-obeys", 10, call()));
    EXPECT_EQ(row("contract-obeys").exit_code, 3);
    ASSERT_OK(client_->start_container("contract-obeys", call()));
    ASSERT_OK(client_->stop_container("contract-obeys", 0, call()));
    EXPECT_EQ(row("contract-obeys").exit_code, 137);
}

TEST_F(Contract, RestartWithoutATimeoutKillsAtOnce) {
    start("contract-restart", obedient());
    await_ready("contract-restart");
    const std::int64_t since = SystemClock().system_now().time_since_epoch().count();
    EXPECT_EQ(raw("POST", "containers/contract-restart/restart").status, 204);
    await_ready("contract-restart", 2);
    EXPECT_EQ(raw("POST", "containers/contract-restart/restart?timeout=10").status, 204);
    std::vector<std::string> codes;
    const Patience patience;
    const auto read =
        client_->events(since - 1'000'000,
                        [&](const podman::PodmanEvent& event) {
                            if (event.action == "died" && event.name == "contract-restart") {
                                codes.push_back(event.attributes.at("containerExitCode"));
                            }
                            return codes.size() < 2;
                        },
                        {std::chrono::seconds(30), patience.token()});
    EXPECT_OK(read);
    EXPECT_EQ(codes, (Names{"137", "3"}));
}

TEST_F(Contract, KillIsConflictWhenNothingRuns) {
    make("contract-kill", stubborn());
    EXPECT_FAILS(Conflict, client_->kill_container("contract-kill", "KILL", call()));
    ASSERT_OK(client_->start_container("contract-kill", call()));
    ASSERT_OK(client_->kill_container("contract-kill", "SIGKILL", call()));
    EXPECT_EQ(client_->wait_container("contract-kill", call()), 137);
    EXPECT_FAILS(NotFound, client_->kill_container("contract-nobody", "KILL", call()));
}

TEST_F(Contract, WaitsLie) {
    start("contract-wait", stubborn());
    const http::Response running = raw("POST", "containers/contract-wait/wait?condition=running");
    EXPECT_EQ(running.status, 200);
    EXPECT_EQ(std::stoi(running.body), -1);  // it succeeded
    make("contract-fresh", stubborn());
    const http::Response fresh = raw("POST", "containers/contract-fresh/wait");
    EXPECT_EQ(fresh.status, 200);
    EXPECT_EQ(std::stoi(fresh.body), 0);  // it never ran
    const http::Response healthy = raw("POST", "containers/contract-fresh/wait?condition=healthy");
    if (at_least(4, 6)) {
        EXPECT_EQ(healthy.status, 200);  // it failed
        EXPECT_EQ(std::stoi(healthy.body), 0);
    } else {
        EXPECT_GE(healthy.status, 400);
    }
}

TEST_F(Contract, WaitIsConfirmedByInspect) {
    make("contract-fresh", failing(7));
    EXPECT_FAILS(Conflict, client_->wait_container("contract-fresh", call()));
    ASSERT_OK(client_->start_container("contract-fresh", call()));
    EXPECT_EQ(client_->wait_container("contract-fresh", call()), 7);
    EXPECT_FAILS(NotFound, client_->wait_container("contract-nobody", call()));
}

TEST_F(Contract, RemoveOfAnAbsentOneIsOk) {
    EXPECT_OK(client_->remove_container("contract-nobody", {}, call()));
    EXPECT_OK(client_->remove_container("contract-nobody", by_force(), call()));
    EXPECT_EQ(raw("DELETE", "containers/contract-nobody").status, 404);
}

TEST_F(Contract, RemoveOfARunningOneNeedsForce) {
    start("contract-runs", stubborn());
    const auto refused = client_->remove_container("contract-runs", {}, call());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().code, Code::NotFound);
    EXPECT_EQ(state("contract-runs"), ContainerState::Running);
    EXPECT_OK(client_->remove_container("contract-runs", by_force(), call()));
    EXPECT_FAILS(NotFound, client_->inspect_container("contract-runs", call()));
}

TEST_F(Contract, RemoveFailsInsideA200) {
    make("contract-remove", stubborn());
    if (real()) {
        // Whole replies are lists of {Id, Err}; what does not fail says so by a null or by silence.
        const json rows = json::parse(raw("DELETE", "containers/contract-remove").body);
        ASSERT_EQ(rows.size(), 1U);
        EXPECT_TRUE(!rows[0].contains("Err") || rows[0]["Err"].is_null());
        return;
    }
    fake().answer_next(
        "DELETE", "containers/contract-remove", 200,
        R"([{"Id":"contract-remove","Err":"unlinkat: device or resource busy","RawInput":""}])");
    const auto refused = client_->remove_container("contract-remove", {}, call());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("device or resource busy"), std::string::npos);
}

TEST_F(Contract, DependentsHoldARemoval) {
    const std::string base = make("contract-base", stubborn());
    make("contract-above", stubborn(), "", [&](podman::ContainerCreate& create) {
        create.extra_json["dependencyContainers"] = json::array({base}).dump();
    });
    EXPECT_FAILS(Conflict, client_->remove_container("contract-base", {}, call()));
    RemoveOptions with_dependents;
    with_dependents.depend = true;
    EXPECT_OK(client_->remove_container("contract-base", with_dependents, call()));
    EXPECT_EQ(row("contract-above").id, "");
    EXPECT_EQ(row("contract-base").id, "");
}

TEST_F(Contract, AnonymousVolumesGoWhenAsked) {
    const auto with_volume = [&](const std::string& name) {
        make(name, stubborn(), "", [&](podman::ContainerCreate& create) {
            json volume = {
                {"Name", "contract-anonymous"}, {"Dest", "/data"}, {"IsAnonymous", true}};
            create.extra_json["volumes"] = json::array({volume}).dump();
        });
    };
    with_volume("contract-v");
    EXPECT_EQ(raw("DELETE", "containers/contract-v?v=true").status, 200);
    EXPECT_OK(client_->inspect_volume("contract-anonymous", call()));
    EXPECT_EQ(raw("DELETE", "volumes/contract-anonymous").status, 204);
    with_volume("contract-volumes");
    RemoveOptions options;
    options.volumes = true;
    EXPECT_OK(client_->remove_container("contract-volumes", options, call()));
    EXPECT_FAILS(NotFound, client_->inspect_volume("contract-anonymous", call()));
}

TEST_F(Contract, AmbiguousPrefixIsNotAbsence) {
    std::map<char, int> first_digits;
    std::string shared;
    for (int i = 0; i < 17; ++i) {
        const std::string id = make("contract-many-" + std::to_string(i), stubborn());
        if (++first_digits[id.front()] > 1) {
            shared = id.substr(0, 1);
        }
    }
    ASSERT_FALSE(shared.empty());  // 17 ids, 16 digits
    const http::Response reply = raw("GET", "containers/" + shared + "/json");
    EXPECT_EQ(reply.status, 404);
    const auto found = client_->inspect_container(shared, call());
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().code, Code::NotFound) << found.error().message;
    // So a removal that takes NotFound for done must not take this for done.
    EXPECT_FALSE(client_->remove_container(shared, {}, call()));
}

TEST_F(Contract, LogsAreFramedByStream) {
    start("contract-log", {"sh", "-c", "echo one; echo two >&2; echo -n three"});
    ASSERT_OK(client_->wait_container("contract-log", call()));
    Lines lines;
    const auto take = [&](int stream, std::string_view text) {
        lines.emplace_back(stream, text);
        return true;
    };
    ASSERT_TRUE(eventually([&] {  // the journal is written in its own time
        lines.clear();
        EXPECT_OK(client_->container_logs("contract-log", 100, false, take, call()));
        return lines.size() >= 3;
    }));
    std::sort(lines.begin(), lines.end());  // two pipes have no common order
    EXPECT_EQ(lines, (Lines{{1, "one"}, {1, "three"}, {2, "two"}}));
    EXPECT_EQ(raw("GET", "containers/contract-log/logs").status, 400);
    EXPECT_FAILS(NotFound, client_->container_logs("contract-nobody", 1, false, take, call()));
}

TEST_F(Contract, LogsOfATerminalAreFramedToo) {
    make("contract-tty", {"sh", "-c", "echo hello"}, "",
         [](podman::ContainerCreate& create) { create.terminal = true; });
    ASSERT_OK(client_->start_container("contract-tty", call()));
    ASSERT_OK(client_->wait_container("contract-tty", call()));
    std::string text;
    EXPECT_TRUE(eventually([&] {
        text.clear();
        EXPECT_OK(client_->container_logs(
            "contract-tty", 10, false,
            [&](int stream, std::string_view line) {
                EXPECT_EQ(stream, 1);
                text += line;
                return true;
            },
            call()));
        return !text.empty();
    }));
    EXPECT_EQ(text.substr(0, 5), "hello");
}

TEST_F(Contract, LogsCanBeFollowedAndLeft) {
    start("contract-follow", {"sh", "-c", "echo one; echo two; sleep 1000"});
    Names lines;
    const Patience patience;
    EXPECT_OK(client_->container_logs("contract-follow", 100, true,
                                      [&](int, std::string_view line) {
                                          lines.emplace_back(line);
                                          return lines.size() < 2;
                                      },
                                      {std::chrono::seconds(30), patience.token()}));
    EXPECT_EQ(lines, (Names{"one", "two"}));
}

TEST_F(Contract, StartThatFailsLeavesItCreated) {
    make("contract-nocmd", {"/nonexistent"});
    const auto refused = client_->start_container("contract-nocmd", call());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("/nonexistent"), std::string::npos)
        << refused.error().message;
    const auto details = client_->inspect_container("contract-nocmd", call());
    ASSERT_OK(details);
    EXPECT_EQ(details->summary.state, ContainerState::Created);
    if (at_least(5, 0)) {
        EXPECT_NE(details->error.find("/nonexistent"), std::string::npos) << details->error;
    } else {
        EXPECT_EQ(details->error, "");
    }
}

TEST_F(Contract, TakenHostPortIsConflictAtStart) {
    const auto with_port = [](podman::ContainerCreate& create) {
        create.ports = {{"", 80, 18234, "tcp"}};
    };
    make("contract-port-a", stubborn(), "", with_port);
    make("contract-port-b", stubborn(), "", with_port);
    ASSERT_OK(client_->start_container("contract-port-a", call()));
    const auto ports = row("contract-port-a").ports;
    ASSERT_EQ(ports.size(), 1U);
    EXPECT_EQ(ports[0].host_port, 18234);
    EXPECT_EQ(ports[0].container_port, 80);
    EXPECT_EQ(ports[0].protocol, "tcp");
    EXPECT_FAILS(Conflict, client_->start_container("contract-port-b", call()));
    EXPECT_EQ(state("contract-port-b"), ContainerState::Created);
    ASSERT_OK(client_->stop_container("contract-port-a", 0, call()));
    // What held the port goes a moment after the reply to the stop.
    EXPECT_TRUE(eventually(
        [&] { return static_cast<bool>(client_->start_container("contract-port-b", call())); }));
}

TEST_F(Contract, BindOfWhatIsNotThereFailsAtCreate) {
    podman::ContainerCreate create;
    create.name = "contract-bind";
    create.image = kImage;
    create.command = stubborn();
    create.mounts = {{"bind", "/nonexistent/contract", "/x", {"rbind"}}};
    const auto refused = client_->create_container(create, call());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("/nonexistent/contract"), std::string::npos);
    EXPECT_EQ(row("contract-bind").id, "");
}

TEST_F(Contract, InspectTellsTimesToTheNanosecond) {
    start("contract-times", failing(4));
    ASSERT_OK(client_->wait_container("contract-times", call()));
    const auto details = client_->inspect_container("contract-times", call());
    ASSERT_OK(details);
    ASSERT_TRUE(details->started && details->finished);
    // podman notes a start when it has seen it, an end when conmon has: a life of milliseconds may
    // seem to end before it began.
    EXPECT_LT(*details->started - *details->finished, std::chrono::seconds(1));
    EXPECT_NE(details->finished->time_since_epoch().count() % 1'000'000'000, 0);
    EXPECT_EQ(details->summary.exit_code, 4);
    EXPECT_FALSE(details->is_service);
}

TEST_F(Contract, WhatIsStoppedOnceItsStartWasAnsweredEndsAfterItBegan) {
    start("contract-times", obedient());
    await_ready("contract-times");
    ASSERT_OK(client_->stop_container("contract-times", 1, call()));
    const auto details = client_->inspect_container("contract-times", call());
    ASSERT_OK(details);
    ASSERT_TRUE(details->started && details->finished);
    EXPECT_LE(*details->started, *details->finished);
}

}  // namespace
}  // namespace podreeve::contract
