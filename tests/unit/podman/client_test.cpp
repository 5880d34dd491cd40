#include "runtime/podman/client.h"

#include <mutex>
#include <optional>
#include <sys/syscall.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/unit/http/scripted_server.h"
#include "tests/unit/podman/recorded.h"

namespace podreeve::podman {
namespace {

// A podman that answers by what the request begins with, and keeps what it was asked. An answer "-"
// breaks off.
class Scripted {
  public:
    struct Answer {
        std::string request, status, body;
    };

    Scripted(std::string version, std::vector<Answer> replies)
        : version_(std::move(version)),
          results_(std::move(replies)),
          server_([this](http::Connection& connection) { serve(connection); }) {}

    Client client() const { return Client(server_.path()); }

    std::vector<std::string> asked() {
        const std::lock_guard lock(mutex_);
        return asked_;
    }

    void become(std::string version) {
        const std::lock_guard lock(mutex_);
        version_ = std::move(version);
    }

  private:
    void serve(http::Connection& connection) {
        while (const auto request = connection.read_request()) {
            const std::string line = request->substr(0, request->find(" HTTP"));
            const Answer reply = answer_to(line);
            if (reply.status == "-") {
                return;
            }
            connection.write("HTTP/1.1 " + reply.status + "\r\nLibpod-API-Version: " + version() +
                             "\r\nContent-Length: " + std::to_string(reply.body.size()) +
                             "\r\n\r\n" + reply.body);
        }
    }

    std::string version() {
        const std::lock_guard lock(mutex_);
        return version_;
    }

    Answer answer_to(const std::string& line) {
        const std::lock_guard lock(mutex_);
        asked_.push_back(line);
        for (const Answer& reply : results_) {
            if (line.find(reply.request) != std::string::npos) {
                return reply;
            }
        }
        return {line, "200 OK", "OK"};
    }

    std::mutex mutex_;
    std::string version_;
    std::vector<Answer> results_;
    std::vector<std::string> asked_;
    http::ScriptedServer server_;
};

TEST(Client, SaysNothingToAPodmanOfAnotherUser) {
    ASSERT_EQ(::geteuid(), 0U) << "needs root, who can listen as somebody else";
    std::optional<Scripted> podman;
    // The kernel tells of a socket who listened on it; of this thread alone.
    ::syscall(SYS_setresuid, -1, 65534, -1);
    podman.emplace("5.4.2", std::vector<Scripted::Answer>{{"containers/json", "200 OK", "[]"}});
    ::syscall(SYS_setresuid, -1, 0, -1);
    Client client = podman->client();
    const auto refused = client.list_containers({});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Denied) << refused.error().message;
    EXPECT_EQ(podman->asked(), std::vector<std::string>{});
}

TEST(Client, AsksForTheVersionOnceAndSpeaksIt) {
    for (const auto& [version, path] :
         {std::pair{"4.3.1", "/v4.0.0/"}, std::pair{"5.8.6", "/v5.0.0/"}}) {
        Scripted podman(version, {{"containers/json", "200 OK", "[]"}});
        Client client = podman.client();
        ASSERT_TRUE(client.list_containers({}));
        ASSERT_TRUE(client.list_containers({}));
        const std::string list = std::string("GET ") + path + "libpod/containers/json?all=true";
        EXPECT_EQ(podman.asked(), (std::vector<std::string>{"GET /libpod/_ping", list, list}));
    }
}

TEST(Client, AsksForTheVersionAgainAfterALostConnection) {
    Scripted podman("4.3.1", {{"POST", "-", ""}, {"containers/json", "200 OK", "[]"}});
    Client client = podman.client();
    EXPECT_EQ(client.start_container("a", {}).error().code, Code::Unavailable);
    podman.become("5.4.2");
    ASSERT_TRUE(client.list_containers({}));
    EXPECT_TRUE(podman.asked().back().starts_with("GET /v5.0.0/"));
}

TEST(Client, RefusesAPodmanThatIsTooOldOrNone) {
    EXPECT_EQ(Scripted("3.4.4", {}).client().version({}).error().code, Code::Unsupported);
    EXPECT_EQ(Scripted("soon", {}).client().version({}).error().code, Code::Corrupt);
}

TEST(Client, StopsAPodByItsMembersAndTheInfraContainerLast) {
    Scripted podman(
        "5.4.2",
        {{"/pods/p/json", "200 OK",
          R"({"Id":"p1","Name":"p","State":"Running","InfraContainerID":"i","Containers":[
              {"Id":"i","State":"running"},{"Id":"a","State":"running"},
              {"Id":"b","State":"exited"},{"Id":"c","State":"running"}]})"},
         {"/containers/a/stop?timeout=7", "204 No Content", ""},
         {"/containers/c/stop?timeout=7", "404 Not Found", R"({"cause":"no such container"})"},
         {"/containers/i/stop?timeout=7", "304 Not Modified", ""}});
    EXPECT_EQ(podman.client().stop_pod("p", 7, {}), Effect::Changed);
    const auto asked = podman.asked();
    ASSERT_EQ(asked.size(), 5U);
    EXPECT_NE(asked[4].find("/containers/i/stop"), std::string::npos);
    for (const std::string& line : asked) {
        EXPECT_EQ(line.find("/pods/p/stop"), std::string::npos);  // it can hang podman for good
    }
}

TEST(Client, LeavesTheInfraContainerWhenAMemberDoesNotStop) {
    Scripted podman("5.4.2", {{"/pods/p/json", "200 OK",
                               R"({"Id":"p1","InfraContainerID":"i","Containers":[
                                   {"Id":"i","State":"running"},{"Id":"a","State":"running"}]})"},
                              {"/containers/a/stop", "500 Internal Server Error",
                               R"({"cause":"x","message":"conmon is gone"})"}});
    const auto stopped = podman.client().stop_pod("p", 1, {});
    ASSERT_FALSE(stopped);
    EXPECT_NE(stopped.error().message.find("conmon is gone"), std::string::npos);
    EXPECT_NE(podman.asked().back().find("/containers/a/stop"), std::string::npos);
}

TEST(Client, NamesTheServiceContainerThatAPlayLeavesOut) {
    Scripted podman("5.4.2", {{"kube/play", "200 OK", recorded("5.4.2", "play.json")},
                              {"-service/json", "200 OK", R"({"Id":"abc","Name":"x-service"})"}});
    const auto report = podman.client().kube_play("kind: Pod\n", true, true, {});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->service_container_id, "abc");
    // The first twelve digits of the SHA-256 of the text.
    EXPECT_EQ(podman.asked().back(), "GET /v5.0.0/libpod/containers/af0e5d10555f-service/json");
}

TEST(Client, RefusesWhatAnOldPodmanWouldSilentlyLeaveOut) {
    Scripted podman("4.3.1", {});
    Client client = podman.client();
    EXPECT_EQ(client.kube_play("kind: Pod\n", true, true, {}).error().code, Code::Unsupported);
    ContainerCreate create;
    create.volumes = {{"v", "/d", "sub", {}}};
    EXPECT_EQ(client.create_container(create, {}).error().code, Code::Unsupported);
    for (const std::string& line : podman.asked()) {
        EXPECT_FALSE(line.starts_with("POST")) << line;
    }
}

TEST(Client, DoesNotBelieveAWaitThatFailed) {
    Scripted podman("5.4.2", {{"/wait", "200 OK", "0\n"},
                              {"/json", "200 OK", R"({"Id":"a","State":{"Status":"created"}})"}});
    EXPECT_EQ(podman.client().wait_container("a", {}).error().code, Code::Conflict);
}

TEST(Client, KeepsSecretsOutOfItsErrors) {
    const std::string echo = R"({"cause":"c","message":"cannot parse hunter2 here"})";
    Scripted podman("5.4.2", {{"POST", "500 Internal Server Error", echo}});
    Client client = podman.client();
    ContainerCreate create;
    create.env = {{"PASS", "hunter2"}};
    const std::string yaml = "kind: Secret\nstringData:\n  pass: \"hunter2\"\n";
    for (const Error& error : {client.create_container(create, {}).error(),
                               client.create_secret({"", "s", {}}, "hunter2", {}).error(),
                               client.kube_play(yaml, false, true, {}).error()}) {
        EXPECT_EQ(error.message.find("hunter2"), std::string::npos) << error.message;
        EXPECT_NE(error.message.find("[secret]"), std::string::npos) << error.message;
    }
}

TEST(Client, FindsAnErrorInsideASuccessfulPull) {
    Scripted podman("5.8.6", {{"images/pull", "200 OK", recorded("5.8.6", "pull_failed.ndjson")}});
    std::vector<std::string> progress;
    const auto pulled =
        podman.client().pull_image("localhost:5999/nope:1", false,
                                   [&](const std::string& line) { progress.push_back(line); }, {});
    ASSERT_FALSE(pulled);
    EXPECT_EQ(pulled.error().code, Code::Unavailable);
    EXPECT_EQ(progress, std::vector<std::string>{"Trying to pull localhost:5999/nope:1..."});
}

TEST(Client, TellsAnEndOfTheEventsFromItsReadersWish) {
    Scripted podman("5.4.2", {{"/events", "200 OK", recorded("5.4.2", "events.ndjson")}});
    Client client = podman.client();
    int seen = 0;
    const auto whole =
        client.events(1'500'000'001, [&](const PodmanEvent&) { return ++seen > 0; }, {});
    ASSERT_FALSE(whole);
    EXPECT_EQ(whole.error().code, Code::Unavailable);
    EXPECT_EQ(seen, 13);
    EXPECT_EQ(podman.asked().back(), "GET /v5.0.0/libpod/events?stream=true&since=1.500000001");
    EXPECT_TRUE(client.events(0, [](const PodmanEvent&) { return false; }, {}));
}

TEST(Client, ReadsOnBehindALineOfTheEventsThatIsTooLong) {
    const std::string died = R"({"Type":"container","Action":"died","Actor":{"ID":"1"}})";
    const std::string huge =
        R"({"Type":"container","Action":"start","Actor":{"ID":"2","Attributes":{"label":")" +
        std::string(2U << 20U, 'x') + "\"}}}\n";
    Scripted podman("5.4.2", {{"/events", "200 OK", huge + died + "\n"}});
    std::vector<std::string> seen;
    Client client = podman.client();
    EXPECT_FALSE(client.events(
        0, [&](const PodmanEvent& event) { return seen.push_back(event.type), true; }, {}))
        << "podman ended the stream";
    ASSERT_GE(seen.size(), 2U);
    EXPECT_EQ(seen.front(), kUnreadableEvent);
    EXPECT_EQ(seen.back(), "container");
}

TEST(Client, EndsTheEventsWithTheErrorThatPodmanSends) {
    const std::string error = R"({"message":"no journal","response":500})";
    Scripted podman("5.4.2", {{"/events", "200 OK", error + "\n"}});
    Client client = podman.client();
    const auto ended = client.events(0, [](const PodmanEvent&) { return true; }, {});
    ASSERT_FALSE(ended);
    EXPECT_NE(ended.error().message.find("no journal"), std::string::npos) << ended.error().message;
}

TEST(Client, TakesAnAbsentThingForRemovedAndAFailureInsideA200ForAFailure) {
    Scripted podman(
        "5.4.2",
        {{"DELETE /v5.0.0/libpod/containers/held", "200 OK", R"([{"Id":"h","Err":"busy"}])"},
         {"DELETE", "404 Not Found", R"({"cause":"no such container","message":"m"})"}});
    Client client = podman.client();
    EXPECT_TRUE(client.remove_container("gone", {}, {}));
    EXPECT_TRUE(client.remove_pod("gone", true, {}));
    EXPECT_EQ(client.remove_container("held", {}, {}).error().code, Code::Internal);
}

}  // namespace
}  // namespace podreeve::podman
