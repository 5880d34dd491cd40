// Pods and service containers. Trap -> test:
//   start of a Running pod is 304 .............................................
//   StartOfARunningPodIsAlreadySo a start that failed in part is 409 with the errors of the members
//   ......... StartNamesTheMembersThatFailed stop of a pod that is not exactly Running is 304 and
//   stops nothing ........ StopOfADegradedPodStopsItsMembers the parameter of a pod's stop is t,
//   and 0 means each container's own ...... StopSendsT a member that dies leaves the pod Degraded
//   under `continue` ............... ExitPolicyDecidesWhatTheLastDeathMeans an init container runs
//   at each start, `once` vanishes, a failing one is 500 Init… the infra container cannot be
//   removed ..................................... InfraContainerGoesWithThePod a failed create of a
//   pod may leave the pod behind (4.3) ................... PodInAnAbsentNetworkIsNotFound the
//   service container: first up, last down, gone with the last ............
//   ServiceContainerLivesWithItsPods 4.3 and 4.4 drop the parameter and hold nothing
//   ........................... the same, its other branch a pod stopped member by member, as the
//   client does, leaves it running ..............................
//   ServiceContainerSurvivesTheStopOfSingleMembers it cannot be removed while a pod is linked
//   ................................ ServiceContainerIsHeldByItsPods a plain create makes none
//   ................................................. PlainCreateMakesNoServiceContainer the same
//   YAML played again meets the first one's name ..................... SameStubTwiceIsConflict
#include <algorithm>

#include "tests/contract/subject.h"

namespace podreeve::contract {
namespace {

using podman::ContainerState;
using podman::PodStatus;

std::string stub(const std::string& name) {
    return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name +
           "\nspec:\n  hostNetwork: true\n";
}

// The engine's way to a service container: stub, rename; the stub stays until the first real pod is
// linked.
struct Held {
    std::string service;

    static Held make(Client& client, const std::string& app) {
        const auto report = client.kube_play(stub("contract-stub-" + app), true, true, {});
        EXPECT_OK(report);
        EXPECT_NE(report->service_container_id, "");
        EXPECT_OK(
            client.rename_container(report->service_container_id, "contract-" + app + "-svc", {}));
        return {report->service_container_id};
    }

    static void drop_stub(Client& client, const std::string& app) {
        EXPECT_OK(client.remove_pod("contract-stub-" + app, true, {}));
    }
};

TEST_F(Contract, DuplicatePodNameIsConflict) {
    const std::string id = make_pod("contract-p");
    podman::PodCreate create;
    create.name = "contract-p";
    EXPECT_FAILS(Conflict, client_->create_pod(create, call()));
    EXPECT_EQ(pod_row("contract-p").id, id);
}

TEST_F(Contract, PodStatusFollowsItsMembers) {
    make_pod("contract-p", [](podman::PodCreate& create) { create.labels = {{"a", "b"}}; });
    make("contract-p-a", stubborn(), "contract-p");
    make("contract-p-b", stubborn(), "contract-p");
    podman::PodSummary pod = pod_row("contract-p");
    EXPECT_EQ(pod.status, PodStatus::Created);
    EXPECT_EQ(pod.labels.at("a"), "b");
    EXPECT_EQ(pod.members.size(), 3U);
    EXPECT_FALSE(pod.infra_id.empty());
    ASSERT_EQ(client_->start_pod("contract-p", call()), Effect::Changed);
    EXPECT_EQ(pod_row("contract-p").status, PodStatus::Running);
    ASSERT_OK(client_->stop_container("contract-p-a", 0, call()));
    EXPECT_EQ(pod_row("contract-p").status, PodStatus::Degraded);
    ASSERT_OK(client_->start_container("contract-p-a", call()));
    EXPECT_EQ(client_->inspect_pod("contract-p", call())->status, PodStatus::Running);
    ASSERT_EQ(client_->stop_pod("contract-p", 1, call()), Effect::Changed);
    EXPECT_EQ(pod_row("contract-p").status, PodStatus::Exited);
    EXPECT_EQ(client_->stop_pod("contract-p", 1, call()), Effect::AlreadySo);
}

TEST_F(Contract, MembersTellTheirPod) {
    const std::string id = make_pod("contract-p");
    make("contract-p-a", stubborn(), "contract-p");
    const podman::ContainerSummary member = row("contract-p-a");
    EXPECT_EQ(member.pod_id, id);
    EXPECT_EQ(member.pod_name, "contract-p");
    EXPECT_FALSE(member.is_infra);
    EXPECT_TRUE(row(pod_row("contract-p").infra_id).is_infra);
    // Starting one member starts the infra container it depends on, and no other.
    make("contract-p-b", stubborn(), "contract-p");
    ASSERT_OK(client_->start_container("contract-p-a", call()));
    EXPECT_EQ(row(pod_row("contract-p").infra_id).state, ContainerState::Running);
    EXPECT_EQ(state("contract-p-b"), ContainerState::Created);
}

TEST_F(Contract, StartOfARunningPodIsAlreadySo) {
    make_pod("contract-p");
    make("contract-p-a", stubborn(), "contract-p");
    EXPECT_EQ(client_->start_pod("contract-p", call()), Effect::Changed);
    EXPECT_EQ(client_->start_pod("contract-p", call()), Effect::AlreadySo);
    EXPECT_EQ(raw("POST", "pods/contract-p/start").status, 304);
    EXPECT_FAILS(NotFound, client_->start_pod("contract-nobody", call()));
    EXPECT_FAILS(NotFound, client_->stop_pod("contract-nobody", 1, call()));
    EXPECT_FAILS(NotFound, client_->inspect_pod("contract-nobody", call()));
}

TEST_F(Contract, StartNamesTheMembersThatFailed) {
    make_pod("contract-p");
    const std::string bad = make("contract-p-bad", {"/nonexistent"}, "contract-p");
    make("contract-p-good", stubborn(), "contract-p");
    const auto refused = client_->start_pod("contract-p", call());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find(bad.substr(0, 12)), std::string::npos)
        << refused.error().message;
    EXPECT_NE(refused.error().message.find("/nonexistent"), std::string::npos)
        << refused.error().message;
    EXPECT_EQ(state("contract-p-good"), ContainerState::Running);
    EXPECT_EQ(state("contract-p-bad"), ContainerState::Created);
    EXPECT_EQ(raw("POST", "pods/contract-p/start").status, 409);
}

TEST_F(Contract, StopOfADegradedPodStopsItsMembers) {
    make_pod("contract-p");
    make("contract-p-a", stubborn(), "contract-p");
    make("contract-p-b", stubborn(), "contract-p");
    ASSERT_OK(client_->start_pod("contract-p", call()));
    ASSERT_OK(client_->stop_container("contract-p-a", 0, call()));
    EXPECT_EQ(raw("POST", "pods/contract-p/stop?t=1").status, 304);
    EXPECT_EQ(state("contract-p-b"), ContainerState::Running);
    EXPECT_EQ(client_->stop_pod("contract-p", 1, call()), Effect::Changed);
    EXPECT_TRUE(over("contract-p-b"));
    EXPECT_EQ(pod_row("contract-p").status, PodStatus::Exited);
}

TEST_F(Contract, StopSendsT) {
    make_pod("contract-p");
    make("contract-p-a", obedient(), "contract-p",
         [](podman::ContainerCreate& create) { create.stop_timeout = 10; });
    ASSERT_OK(client_->start_pod("contract-p", call()));
    await_ready("contract-p-a");
    ASSERT_OK(client_->stop_pod("contract-p", 10, call()));
    EXPECT_EQ(row("contract-p-a").exit_code, 3);
    ASSERT_OK(client_->start_pod("contract-p", call()));
    ASSERT_OK(client_->stop_pod("contract-p", 0, call()));  // no grace: not "each its own"
    EXPECT_EQ(row("contract-p-a").exit_code, 137);
}

TEST_F(Contract, ExitPolicyDecidesWhatTheLastDeathMeans) {
    make_pod("contract-p");
    make("contract-p-a", failing(5), "contract-p");
    ASSERT_OK(client_->start_pod("contract-p", call()));
    EXPECT_TRUE(eventually([&] { return pod_row("contract-p").status == PodStatus::Degraded; }));
    EXPECT_EQ(row(pod_row("contract-p").infra_id).state, ContainerState::Running);
    make_pod("contract-q", [](podman::PodCreate& create) { create.exit_policy = "stop"; });
    make("contract-q-a", failing(5), "contract-q");
    ASSERT_OK(client_->start_pod("contract-q", call()));
    EXPECT_TRUE(eventually([&] { return pod_row("contract-q").status == PodStatus::Exited; }));
}

TEST_F(Contract, InitContainersRunBeforeTheOthers) {
    const auto init = [](const char* type) {
        return [type](podman::ContainerCreate& create) { create.init_container_type = type; };
    };
    make_pod("contract-p");
    make("contract-p-once", {"true"}, "contract-p", init("once"));
    make("contract-p-always", {"true"}, "contract-p", init("always"));
    make("contract-p-a", stubborn(), "contract-p");
    ASSERT_OK(client_->start_pod("contract-p", call()));
    EXPECT_EQ(row("contract-p-once").id, "");
    EXPECT_TRUE(over("contract-p-always"));
    EXPECT_EQ(state("contract-p-a"), ContainerState::Running);
    EXPECT_EQ(pod_row("contract-p").status, PodStatus::Running);  // those do not count
}

TEST_F(Contract, InitContainerThatFailsHoldsTheOthers) {
    make_pod("contract-p");
    make("contract-p-init", failing(9), "contract-p",
         [](podman::ContainerCreate& create) { create.init_container_type = "always"; });
    make("contract-p-a", stubborn(), "contract-p");
    const auto refused = client_->start_pod("contract-p", call());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("code 9"), std::string::npos) << refused.error().message;
    EXPECT_EQ(state("contract-p-a"), ContainerState::Created);
}

TEST_F(Contract, InfraContainerGoesWithThePod) {
    make_pod("contract-p");
    make("contract-p-a", stubborn(), "contract-p");
    ASSERT_OK(client_->start_pod("contract-p", call()));
    const std::string infra = pod_row("contract-p").infra_id;
    podman::RemoveOptions options;
    options.force = true;
    EXPECT_FALSE(client_->remove_container(infra, options, call()));
    EXPECT_FALSE(client_->remove_pod("contract-p", false, call()));
    EXPECT_EQ(state("contract-p-a"), ContainerState::Running);
    EXPECT_OK(client_->remove_pod("contract-p", true, call()));
    EXPECT_EQ(row(infra).id, "");
    EXPECT_EQ(row("contract-p-a").id, "");
    EXPECT_OK(client_->remove_pod("contract-p", true, call()));
}

TEST_F(Contract, PodInAnAbsentNetworkIsNotFound) {
    podman::PodCreate create;
    create.name = "contract-p";
    create.netns = "bridge";
    create.networks = {{"contract-nonet", {}}};
    EXPECT_FAILS(NotFound, client_->create_pod(create, call()));
    EXPECT_EQ(pod_row("contract-p").id.empty(), at_least(5, 0));
}

TEST_F(Contract, ContainerInAnAbsentPodIsNotFound) {
    podman::ContainerCreate create;
    create.name = "contract-lost";
    create.image = kImage;
    create.command = stubborn();
    create.pod = "contract-nopod";
    EXPECT_FAILS(NotFound, client_->create_container(create, call()));
}

TEST_F(Contract, PodsHoldHostPortsByTheirInfraContainer) {
    const auto with_port = [](podman::PodCreate& create) {
        create.ports = {{"", 80, 18235, "tcp"}};
    };
    make_pod("contract-p", with_port);
    make_pod("contract-q", with_port);
    make("contract-q-a", stubborn(), "contract-q");
    ASSERT_OK(client_->start_pod("contract-p", call()));
    const auto refused = client_->start_pod("contract-q", call());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("18235"), std::string::npos) << refused.error().message;
    EXPECT_EQ(pod_row("contract-q").status, PodStatus::Created);
    ASSERT_OK(client_->remove_pod("contract-p", true, call()));
    EXPECT_TRUE(
        eventually([&] { return static_cast<bool>(client_->start_pod("contract-q", call())); }));
}

TEST_F(Contract, ServiceContainerLivesWithItsPods) {
    ASSERT_EQ(client_->holds_service_containers(call()), at_least(4, 5));
    if (!at_least(4, 5)) {
        // EXPECT_FAILS(Unsupported, client_->kube_play(stub("contract-stub-a"), true, true,
        // call())); Podman itself plays it all the same, without a service container.
        const http::Response played = raw("POST", "kube/play?serviceContainer=true&start=false",
                                          stub("contract-stub-a"), "application/yaml");
        EXPECT_EQ(played.status, 200);
        EXPECT_EQ(json::parse(played.body).value("ServiceContainerID", ""), "");

        const auto rows = client_->list_containers(call());
        EXPECT_TRUE(std::none_of(
            rows->begin(), rows->end(),
            [](const podman::ContainerSummary& one) { return one.name.ends_with("-service"); }));
        return;
    }
    const Held held = Held::make(*client_, "a");
    const auto linked = [&](podman::PodCreate& create) {
        create.service_container_id = held.service;
    };
    make_pod("contract-p", linked);
    make_pod("contract-q", linked);
    Held::drop_stub(*client_, "a");
    make("contract-p-a", stubborn(), "contract-p");
    make("contract-q-a", stubborn(), "contract-q");
    EXPECT_TRUE(client_->inspect_container(held.service, call())->is_service);
    EXPECT_EQ(row("contract-a-svc").pod_id, "");

    ASSERT_OK(client_->start_pod("contract-p", call()));
    EXPECT_EQ(state("contract-a-svc"), ContainerState::Running);  // revived before its pod
    ASSERT_OK(client_->start_pod("contract-q", call()));
    ASSERT_OK(client_->stop_pod("contract-p", 1, call()));
    EXPECT_EQ(state("contract-a-svc"), ContainerState::Running);  // one pod still runs
    // Podman's own stop of the last one.
    ASSERT_EQ(raw("POST", "pods/contract-q/stop?t=1").status, 200);
    EXPECT_TRUE(eventually([&] { return state("contract-a-svc") == ContainerState::Exited; }));
    EXPECT_EQ(row("contract-a-svc").exit_code, 0);
    ASSERT_OK(client_->start_pod("contract-q", call()));
    EXPECT_EQ(state("contract-a-svc"), ContainerState::Running);
    ASSERT_OK(client_->remove_pod("contract-q", true, call()));
    EXPECT_NE(row("contract-a-svc").id, "");
    ASSERT_OK(client_->remove_pod("contract-p", true, call()));
    EXPECT_TRUE(eventually([&] { return row("contract-a-svc").id.empty(); }));
}

TEST_F(Contract, ServiceContainerSurvivesTheStopOfSingleMembers) {
    if (!at_least(4, 5)) {
        EXPECT_EQ(client_->holds_service_containers(call()), false);
        return;
    }
    const Held held = Held::make(*client_, "a");
    make_pod("contract-p",
             [&](podman::PodCreate& create) { create.service_container_id = held.service; });
    Held::drop_stub(*client_, "a");
    make("contract-p-a", stubborn(), "contract-p");
    ASSERT_OK(client_->start_pod("contract-p", call()));
    ASSERT_OK(client_->stop_pod("contract-p", 1, call()));  // member by member
    EXPECT_EQ(pod_row("contract-p").status, PodStatus::Exited);
    EXPECT_EQ(state("contract-a-svc"), ContainerState::Running);
    // Killed from outside it takes nobody with it, and only a start of a pod that does not run
    // revives it.
    ASSERT_OK(client_->kill_container("contract-a-svc", "KILL", call()));
    EXPECT_EQ(client_->wait_container("contract-a-svc", call()), 137);
    ASSERT_OK(client_->start_container("contract-p-a", call()));
    EXPECT_TRUE(over("contract-a-svc"));
    EXPECT_EQ(client_->start_pod("contract-p", call()), Effect::AlreadySo);
    EXPECT_TRUE(over("contract-a-svc"));
    EXPECT_OK(client_->start_container("contract-a-svc", call()));
    EXPECT_EQ(state("contract-a-svc"), ContainerState::Running);
}

TEST_F(Contract, ServiceContainerIsHeldByItsPods) {
    if (!at_least(4, 5)) {
        EXPECT_EQ(client_->holds_service_containers(call()), false);
        return;
    }
    const Held held = Held::make(*client_, "a");
    make_pod("contract-p",
             [&](podman::PodCreate& create) { create.service_container_id = held.service; });
    Held::drop_stub(*client_, "a");
    podman::RemoveOptions options;
    options.force = true;
    EXPECT_FAILS(Conflict, client_->remove_container(held.service, options, call()));
    options.depend = true;
    EXPECT_OK(client_->remove_container(held.service, options, call()));
    EXPECT_EQ(pod_row("contract-p").id, "");
    EXPECT_TRUE(eventually([&] { return row("contract-a-svc").id.empty(); }));
    podman::PodCreate create;
    create.name = "contract-q";
    create.service_container_id = std::string(64, '0');
    EXPECT_FALSE(client_->create_pod(create, call()));
    EXPECT_EQ(pod_row("contract-q").id, "");
}

TEST_F(Contract, PlainCreateMakesNoServiceContainer) {
    make("contract-plain", stubborn(), "", [](podman::ContainerCreate& create) {
        create.extra_json["isService"] = "true";
        create.extra_json["IsService"] = "true";
    });
    EXPECT_FALSE(client_->inspect_container("contract-plain", call())->is_service);
}

TEST_F(Contract, SameStubTwiceIsConflict) {
    const bool held = at_least(4, 5);
    ASSERT_OK(client_->kube_play(stub("contract-stub-a"), held, may_start_played(), call()));
    EXPECT_FAILS(Conflict,
                 client_->kube_play(stub("contract-stub-a"), held, may_start_played(), call()));
}

}  // namespace
}  // namespace podreeve::contract
