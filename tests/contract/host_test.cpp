// The host's side of the contract: version, info, errors, connections. Trap -> test:
//   version comes from _ping's header, not from the slow version and info ... VersionComesFromPing
//   the version in the path chooses the shape of inspect .....................
//   VersionInThePathChoosesTheShapeOfInspect a parameter that is not known is dropped without a
//   word .................. UnknownParametersAreDropped an unversioned path is 404
//   ............................................... PathsNeedAVersion podman exits when idle and
//   takes the kept connections with it ............ CallsSurvivePodmansIdleExit a call must end by
//   its deadline and by its stop token .................... CallsEndByDeadline, CallsEndByStopToken
//   no socket, nobody behind it, a reply cut off .............................
//   AbsentSocketIsUnavailable,
//                                                                              BrokenReplyIsUnavailable
//   an error arrives in podman's own words ...................................
//   ErrorsCarryPodmansWords
#include <thread>

#include "tests/contract/subject.h"

namespace podreeve::contract {
namespace {

TEST_F(Contract, VersionComesFromPing) {
    http::HttpClient http(socket_);
    http::Request request;
    request.target = "/libpod/_ping";
    const auto reply = http.call(request);
    ASSERT_OK(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "OK");
    const std::string text = std::to_string(version().major) + "." +
                             std::to_string(version().minor) + "." +
                             std::to_string(version().patch);
    EXPECT_EQ(reply->headers.at("libpod-api-version").substr(0, text.size()), text);
    const auto info = client_->info(call());
    ASSERT_OK(info);
    EXPECT_EQ(info->version.substr(0, text.size()), text);
    EXPECT_TRUE(info->rootless);
    EXPECT_NE(info->event_logger, "none");
    EXPECT_FALSE(info->volume_path.empty());
}

TEST_F(Contract, VersionInThePathChoosesTheShapeOfInspect) {
    make("contract-shape", {"1000"}, "",
         [](podman::ContainerCreate& create) { create.entrypoint = Names{"/bin/sleep"}; });
    const json old_shape =
        json::parse(raw_at("/v4.0.0", "GET", "containers/contract-shape/json", "", "").body);
    EXPECT_EQ(old_shape["Config"]["Entrypoint"], "/bin/sleep");
    EXPECT_TRUE(old_shape["Config"]["StopSignal"].is_number());
    const json new_shape =
        json::parse(raw_at("/v5.0.0", "GET", "containers/contract-shape/json", "", "").body);
    if (at_least(5, 0)) {
        EXPECT_EQ(new_shape["Config"]["Entrypoint"], json::array({"/bin/sleep"}));
        EXPECT_TRUE(new_shape["Config"]["StopSignal"].is_string());
    } else {
        EXPECT_EQ(new_shape["Config"]["Entrypoint"],
                  "/bin/sleep");  // a newer version in the path is no error
    }
    EXPECT_OK(client_->inspect_container("contract-shape", call()));
}

TEST_F(Contract, UnknownParametersAreDropped) {
    EXPECT_EQ(raw("GET", "containers/json?al=true&nosuch=1").status, 200);
}

TEST_F(Contract, PathsNeedAVersion) {
    EXPECT_EQ(raw_at("", "GET", "containers/json", "", "").status, 404);
}

TEST_F(Contract, CallsSurvivePodmansIdleExit) {
    ASSERT_OK(client_->list_containers(call()));
    idle_exit();
    EXPECT_OK(client_->list_containers(call()));
    make("contract-after-idle", stubborn());
    idle_exit();
    EXPECT_OK(client_->remove_container("contract-after-idle", {}, call()));
    EXPECT_EQ(row("contract-after-idle").id, "");
}

TEST_F(Contract, CallsEndByDeadline) {
    start("contract-slow", stubborn());
    const SystemClock clock;
    const SteadyTime begin = clock.steady_now();
    EXPECT_FAILS(Timeout,
                 client_->wait_container("contract-slow", call(std::chrono::milliseconds(300))));
    EXPECT_LT(clock.steady_now() - begin, std::chrono::seconds(5));
}

TEST_F(Contract, CallsEndByStopToken) {
    start("contract-slow", stubborn());
    std::stop_source source;
    std::jthread stopper([&] {
        EXPECT_TRUE(
            eventually([&] { return state("contract-slow") == podman::ContainerState::Running; }));
        source.request_stop();
    });
    EXPECT_FAILS(Cancelled, client_->wait_container(
                                "contract-slow", {std::chrono::seconds(30), source.get_token()}));
}

TEST_F(Contract, AbsentSocketIsUnavailable) {
    Client nobody("/nonexistent/podman.sock");
    EXPECT_FAILS(Unavailable, nobody.list_containers(call()));
    EXPECT_FAILS(Unavailable, nobody.version(call()));
}

TEST_F(Contract, BrokenReplyIsUnavailable) {
    if (real()) {
        // A real podman cannot be made to break off here; that nothing is half read is shown by a
        // whole reply.
        EXPECT_OK(client_->list_containers(call()));
        return;
    }
    using Cut = fakes::FakePodman::Cut;
    for (const Cut cut : {Cut::MiddleOfReply, Cut::BeforeReply, Cut::BeforeWork}) {
        fake().drop_next("GET", "containers/json", cut, 2);
        EXPECT_FAILS(Unavailable, client_->list_containers(call()));
        EXPECT_TRUE(
            eventually([&] { return static_cast<bool>(client_->list_containers(call())); }));
    }
    fake().refuse(true);
    EXPECT_FAILS(Unavailable, client_->list_containers(call()));
    fake().refuse(false);
    EXPECT_OK(client_->list_containers(call()));
}

TEST_F(Contract, ErrorsCarryPodmansWords) {
    const auto refused = client_->start_container("contract-nobody", call());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::NotFound);
    EXPECT_NE(refused.error().message.find("no such container"), std::string::npos)
        << refused.error().message;
    const json body = json::parse(raw("POST", "containers/contract-nobody/start").body);
    EXPECT_EQ(body["response"], 404);
    EXPECT_EQ(body["cause"], "no such container");
}

}  // namespace
}  // namespace podreeve::contract
