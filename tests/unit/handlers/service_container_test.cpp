#include "agent/handlers/service_container.h"

#include <gtest/gtest.h>

#include "agent/plan/steps.h"
#include "tests/unit/handlers/scenarios.h"

// The life of a service container that podman holds, over several tasks.
namespace podreeve::handlers::testing {

namespace {

using plan::StepKind;
using Names = std::vector<std::string>;

TEST(ServiceContainer, IsPlayedRenamedAndFreedOfItsStubByTheFirstRealPod) {
    for (const char* version : {"5.4.2", "5.8.6"}) {
        Bench bench(version);
        make_service(bench, true);
        EXPECT_EQ(bench.podman->pod_names(), Names{"podreeve-stub-web"});
        EXPECT_NE(bench.podman->id_of("web-service"), "");
        make_pod(bench, "web-service", true, false);
        EXPECT_EQ(bench.podman->pod_names(), Names{"web"});
        EXPECT_NE(bench.podman->id_of("web-service"), "") << "it did not go with the stub";
        start_pod(bench, "web-service", true);
        EXPECT_EQ(bench.podman->state_of("web-service"), "running");
    }
}

TEST(ServiceContainer, IsOrdinaryAndLabelledWherePodmanCannotHoldIt) {
    Bench bench("4.3.1");
    make_service(bench, false);
    EXPECT_EQ(bench.podman->pod_names(), Names()) << "the pod that brought the image is gone";
    EXPECT_EQ(bench.podman->container_names(), Names{"web-service"});
    make_pod(bench, "web-service", false, false);
    start_pod(bench, "web-service", false);
    EXPECT_EQ(bench.podman->state_of("web-service"), "running");
}

TEST(ServiceContainer, IsSeenAsOursByTheNextTaskOnceAPodIsLinked) {
    Bench bench;
    make_service(bench, true);
    make_pod(bench, "web-service", true, false);
    const std::string id = bench.podman->id_of("web-service");
    make_service(bench, true);
    EXPECT_EQ(bench.podman->id_of("web-service"), id);
    EXPECT_EQ(bench.podman->pod_names(), Names{"web"});
}

TEST(ServiceContainer, IsMadeAnewOnceTheOldOneIsGone) {
    Bench bench;
    make_service(bench, true);
    make_pod(bench, "web-service", true, false);
    const std::string old = bench.podman->id_of("web-service");
    bench.podman->lag_service_work(25);  // podman removes it while the new one is asked for
    bench.podman->remove_behind_back("web");
    make_service(bench, true);
    EXPECT_NE(bench.podman->id_of("web-service"), "");
    EXPECT_NE(bench.podman->id_of("web-service"), old);
}

TEST(ServiceContainer, IsRemovedByForceWhenPodmanForgets) {
    Bench bench;
    make_service(bench, true);
    make_pod(bench, "web-service", true, false);
    const std::string id = bench.podman->id_of("web-service");
    bench.podman->lag_service_work(100'000);
    bench.podman->remove_behind_back("web");
    StoredTask remove = bench.task(StepKind::RemoveService, plan::kServicePart, "web-service",
                                   {{"held", true}}, id);
    EXPECT_EQ(bench.run(remove), "");
    EXPECT_EQ(bench.podman->id_of("web-service"), "");
}

TEST(ServiceContainer, OfSomebodyElseIsNotTakenForOurs) {
    Bench bench;
    // Played by hand, with a pod of its own, and renamed.
    const auto played = bench.client->kube_play(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: theirs}\nspec: {hostNetwork: true}\n", true,
        true, {});
    ASSERT_TRUE(played);
    ASSERT_TRUE(bench.client->rename_container(played->service_container_id, "web-service", {}));
    const std::string before = bench.snapshot();
    StoredTask task =
        bench.task(StepKind::CreateService, plan::kServicePart, "web-service",
                   {{"labels", bench.labels(plan::kServicePart, "service", "")}, {"held", true}});
    EXPECT_NE(bench.run(task), "");
    EXPECT_EQ(bench.snapshot(), before);
}

TEST(ServiceContainer, AndItsPodAreGoneWhenTheChangeIsUndone) {
    Bench bench;
    const std::string before = bench.snapshot();
    StoredTask service =
        bench.task(StepKind::CreateService, plan::kServicePart, "web-service",
                   {{"labels", bench.labels(plan::kServicePart, "service", "")}, {"held", true}});
    const std::string hash = plan::label_spec(*bench.new_spec, *bench.new_spec->find_pod("pod"));
    StoredTask pod = bench.task(StepKind::CreatePod, "pod", "web",
                                {{"labels", bench.labels("pod", plan::kRolePod, hash)},
                                 {"held", true},
                                 {"service", "web-service"}});
    ASSERT_EQ(bench.run(service), "");
    ASSERT_EQ(bench.run(pod), "");
    bench.podman->lag_service_work(30);
    EXPECT_EQ(bench.undo(pod), "");
    EXPECT_EQ(bench.undo(service), "");
    EXPECT_EQ(bench.snapshot(), before);
}

// The agent was killed while podman played, and podman went on.
TEST(ServiceContainer, ThatPodmanIsStillMakingIsWaitedForByDoAndUndo) {
    for (const bool undoes : {false, true}) {
        Bench bench;
        const std::string before = bench.snapshot();
        const Stub stub = stub_of("web", bench.world->owner);
        ASSERT_TRUE(bench.client->kube_play(stub.yaml, true, true, {}));
        StoredTask service = bench.task(
            StepKind::CreateService, plan::kServicePart, "web-service",
            {{"labels", bench.labels(plan::kServicePart, "service", "")}, {"held", true}});
        bench.podman->lag_service_work(1000);
        ASSERT_TRUE(bench.podman->remove_behind_back(stub.pod));
        bench.podman->fail_next("DELETE", "containers/", 500,
                                "container 0123 is the service container of pod(s) 4567 and cannot "
                                "be removed without removing the pod(s)");
        EXPECT_EQ(undoes ? bench.undo(service) : bench.run(service), "");
        if (undoes) {
            EXPECT_EQ(bench.snapshot(), before);
        } else {
            EXPECT_NE(bench.podman->id_of("web-service"), "");
        }
    }
}

TEST(ServiceContainer, IsStoppedWithAPodThatWasNotWhollyRunning) {
    Bench bench;
    make_service(bench, true);
    make_pod(bench, "web-service", true, false);
    start_pod(bench, "web-service", true);
    bench.podman->kill_process("web-side");
    bench.must(StepKind::StopPod, "pod", "web", {{"grace", 1}}, bench.podman->id_of("web"));
    bench.snapshot();
    EXPECT_NE(bench.podman->state_of("web-service"), "running");
}

TEST(Stub, IsTheSameTextForTheSameAppAndAgentAndAnotherForOthers) {
    EXPECT_EQ(stub_of("web", "a").yaml, stub_of("web", "a").yaml);
    EXPECT_NE(stub_of("web", "a").service, stub_of("web", "b").service);
    EXPECT_NE(stub_of("web", "a").service, stub_of("db", "a").service);
    EXPECT_EQ(stub_of("web", "a").pod, "podreeve-stub-web");
}

}  // namespace

}  // namespace podreeve::handlers::testing
