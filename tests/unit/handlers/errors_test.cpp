#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

#include "agent/plan/steps.h"
#include "tests/unit/handlers/scenarios.h"

// What people are told when something cannot be done, and what is left behind then.
namespace podreeve::handlers::testing {

namespace {

using nlohmann::json;
using plan::StepKind;

void expect_said(const std::string& error, std::initializer_list<const char*> words) {
    for (const char* word : words) {
        EXPECT_NE(error.find(word), std::string::npos) << error;
    }
}

StoredTask start_task(Bench& bench) {
    return bench.task(
        StepKind::StartPod, "pod", "web",
        {{"service", "web-service"}, {"held", true}, {"containers", {"web-server", "web-side"}}});
}

TEST(HandlerErrors, NameTheImageThatIsNotThereAndMayNotBePulled) {
    Bench bench;
    StoredTask pull =
        bench.task(StepKind::PullImage, "", "localhost:5000/no:1", {{"policy", "Never"}});
    expect_said(bench.run(pull), {"cannot use image localhost:5000/no:1", "imagePullPolicy"});
}

// A host directory that two containers share, of which one mounts a part.
class SharedPath {
  public:
    explicit SharedPath(Bench& bench) : share_(bench.directory / "share") {
        std::filesystem::create_directories(share_ / "sub");
        manifests::AppSpec app = *bench.new_spec;
        for (manifests::ContainerSpec& container : app.containers) {
            if (container.name == "web-side" || container.name == "solo") {
                manifests::Mount mount;
                mount.kind = manifests::MountKind::Bind;
                mount.source = share_.string();
                mount.sub_path = "sub";
                mount.target = "/t";
                container.mounts.push_back(mount);
            }
        }
        bench.specs.forget("web");
        bench.specs.put(bench.old_hash, bench.old_spec);
        bench.specs.put(bench.new_hash, std::make_shared<const manifests::AppSpec>(app));
    }

    void plant_link() const {
        std::filesystem::rename(share_ / "sub", share_ / "moved");
        std::filesystem::create_directory_symlink("/", share_ / "sub");
    }

    void mend() const {
        std::filesystem::remove(share_ / "sub");
        std::filesystem::rename(share_ / "moved", share_ / "sub");
    }

  private:
    std::filesystem::path share_;
};

TEST(SubPaths, ThatHaveBecomeALinkKeepTheirContainerFromBeingMade) {
    Bench bench;
    const SharedPath shared(bench);
    shared.plant_link();
    StoredTask create = bench.task(StepKind::CreateContainer, "solo", "solo",
                                   {{"labels", bench.labels("solo", "workload", "x")}});
    expect_said(bench.run(create), {"cannot mount sub of", "at /t", "is a link"});
    EXPECT_EQ(bench.podman->id_of("solo"), "");
    shared.mend();
    EXPECT_EQ(bench.run(create), "");
}

TEST(SubPaths, ThatHaveBecomeALinkKeepTheirContainerFromBeingStarted) {
    Bench bench;
    const SharedPath shared(bench);
    make_alone(bench, false);
    shared.plant_link();
    StoredTask start =
        bench.task(StepKind::StartContainer, "solo", "solo", {{"pod", ""}, {"role", "workload"}});
    expect_said(bench.run(start), {"cannot mount sub of", "is a link"});
    EXPECT_NE(bench.podman->state_of("solo"), "running");
    shared.mend();
    EXPECT_EQ(bench.run(start), "");
    EXPECT_EQ(bench.podman->state_of("solo"), "running");
}

TEST(SubPaths, ThatHaveBecomeALinkKeepTheirPodFromBeingStarted) {
    Bench bench;
    const SharedPath shared(bench);
    make_service(bench, true);
    make_pod(bench, "web-service", true, false);
    shared.plant_link();
    StoredTask start = start_task(bench);
    expect_said(bench.run(start), {"cannot mount sub of", "is a link"});
    EXPECT_NE(bench.podman->state_of("web-side"), "running");
    shared.mend();
    EXPECT_EQ(bench.run(start), "");
    EXPECT_EQ(bench.podman->state_of("web-side"), "running");
}

// The version that is on its way has a secret of one value, the one before it of another.
void plant_secrets(Bench& bench) {
    manifests::AppSpec before = *bench.old_spec, after = *bench.new_spec;
    before.secrets = {{"secret/key", "web-key", "FORMERSECRET", {}}};
    after.secrets = {{"secret/key", "web-key", "TOPSECRET42", {}}};
    bench.specs.forget("web");
    bench.specs.put(bench.old_hash, std::make_shared<const manifests::AppSpec>(before));
    bench.specs.put(bench.new_hash, std::make_shared<const manifests::AppSpec>(after));
    EXPECT_TRUE(bench.state->edit_app(
        "web", [&](state::AppRecord& record) { record.deployed_spec = bench.old_hash; }));
}

constexpr const char* kCrun =
    "crun: executable file '/bin/app-TOPSECRET42' not found, FORMERSECRET";
constexpr const char* kCrunTold = "crun: executable file '/bin/app-[secret]' not found, [secret]";

StoredTask start_of_solo(Bench& bench, nlohmann::json more = json::object()) {
    json details = {{"pod", ""}, {"role", "workload"}};
    details.update(more);
    return bench.task(StepKind::StartContainer, "solo", "solo", details);
}

TEST(SecretsInErrors, OfTheVersionsBeforeAndAfterAreNotTold) {
    Bench bench;
    plant_secrets(bench);
    make_alone(bench, false);
    bench.podman->fail_next("POST", "containers/.*/start", 500, kCrun);
    StoredTask start = start_of_solo(bench);
    expect_said(bench.run(start), {kCrunTold});
    for (const std::string& line : start.lines) {
        EXPECT_EQ(line.find("SECRET"), std::string::npos) << line;
    }
}

TEST(SecretsInErrors, AreNotToldOfWhatIsTriedAgain) {
    Bench bench;
    plant_secrets(bench);
    make_alone(bench, false);
    bench.podman->fail_next("POST", "containers/.*/start", 503, kCrun);
    StoredTask start = start_of_solo(bench);
    const state::TaskOutcome outcome = bench.run_once(start);
    const auto* error = std::get_if<Error>(&outcome);
    const auto* again = std::get_if<state::TaskRetry>(&outcome);
    ASSERT_TRUE(error != nullptr || again != nullptr);
    expect_said(error != nullptr ? error->message : again->why, {kCrunTold});
}

TEST(SecretsInErrors, AreNotToldOfWhatIsLeftBehind) {
    Bench bench;
    plant_secrets(bench);
    make_alone(bench, false);
    bench.podman->fail_next("POST", "containers/.*/start", 500, kCrun);
    StoredTask start = start_of_solo(bench, {{"leftover", true}});
    EXPECT_EQ(bench.run(start), "");
    ASSERT_EQ(start.lines.size(), 1U);
    expect_said(start.lines[0], {"left behind", kCrunTold});
}

TEST(HandlerErrors, CarryTheRegistrysWords) {
    Bench bench;
    bench.podman->fail_pulls_of("localhost:5000/no:1", "manifest unknown");
    StoredTask pull =
        bench.task(StepKind::PullImage, "", "localhost:5000/no:1", {{"policy", "Always"}});
    expect_said(bench.run(pull), {"localhost:5000/no:1", "manifest unknown"});
}

TEST(HandlerErrors, NameTheInitContainerThatFailedAndWhereItsWordsAre) {
    Bench bench;
    bench.podman->set_program("web-prepare", fakes::program_that_exits(3));
    make_service(bench, true);
    make_pod(bench, "web-service", true, true);
    StoredTask start = start_task(bench);
    expect_said(bench.run(start),
                {"cannot start pod web", "web-prepare", "exit code 3", "podman logs web-prepare"});
    EXPECT_NE(bench.podman->state_of("web-server"), "running");

    // Mended, it is run again by the next try and goes once it has ended well.
    bench.podman->set_program("web-prepare", fakes::program_that_exits(0));
    StoredTask again = start_task(bench);
    EXPECT_EQ(bench.run(again), "");
    EXPECT_EQ(bench.podman->state_of("web-server"), "running");
    EXPECT_EQ(bench.podman->id_of("web-prepare"), "");
}

TEST(HandlerErrors, SayWhyPodmanDidNotStartAMember) {
    Bench bench;
    bench.podman->set_program(
        "web-side", fakes::program_that_cannot_start("executable file `/nope` not found in $PATH"));
    make_service(bench, true);
    make_pod(bench, "web-service", true, false);
    StoredTask start = start_task(bench);
    expect_said(bench.run(start), {"web", "`/nope` not found"});
}

TEST(HandlerErrors, SayWhyPodmanDidNotStartAContainer) {
    Bench bench;
    bench.podman->set_program(
        "solo", fakes::program_that_cannot_start("executable file `/nope` not found"));
    make_alone(bench, false);
    StoredTask start = bench.task(StepKind::StartContainer, "solo", "solo", {{"role", "workload"}});
    expect_said(bench.run(start), {"solo", "`/nope` not found"});
}

// As on a host that goes down, where netavark cannot end its part any more.
TEST(StopPod, IsDoneWhenItIsDownWhateverPodmanSaysOfTheNetwork) {
    for (const bool ends : {true, false}) {
        Bench bench;
        make_service(bench, true);
        make_pod(bench, "web-service", true, false);
        start_pod(bench, "web-service", true);
        const auto pod = bench.client->inspect_pod("web", {});
        ASSERT_TRUE(pod);
        const std::string stop_infra = "containers/" + pod->infra_id + "/stop";
        bench.podman->fail_next("POST", stop_infra, 500, "netavark: aardvark-dns failed to start");
        bench.podman->on_request(
            [&](const auto& entry) {
                if (ends && entry.path.find(stop_infra) != std::string::npos) {
                    bench.podman->kill_process(pod->infra_id);
                }
            },
            nullptr);
        StoredTask stop = bench.task(StepKind::StopPod, "pod", "web", {{"grace", 1}});
        const std::string error = bench.run(stop);
        if (ends) {
            EXPECT_EQ(error, "");
            EXPECT_EQ(bench.podman->state_of("web-service"), "exited") << "last of all";
            ASSERT_FALSE(stop.lines.empty());
            expect_said(stop.lines.back(), {"pod web is down", "aardvark-dns failed to start"});
        } else {
            expect_said(error, {"cannot stop pod web", "aardvark-dns failed to start"});
            EXPECT_EQ(bench.podman->state_of("web-service"), "running");
        }
    }
}

// podman refuses to start what it still stops.
TEST(UndoingAStop, WaitsForAStopThatWasCutOff) {
    Bench bench;
    make_alone(bench, true);
    StoredTask stop = bench.task(StepKind::StopContainer, "solo", "solo", {{"role", "workload"}});
    ASSERT_EQ(bench.run(stop), "");
    ASSERT_TRUE(bench.podman->wedge("solo", "stopping"));
    EXPECT_TRUE(std::holds_alternative<state::TaskRetry>(bench.undo_once(stop)));
    ASSERT_TRUE(bench.podman->wedge("solo", "exited"));
    EXPECT_EQ(bench.undo(stop), "");
    EXPECT_EQ(bench.podman->state_of("solo"), "running");
}

TEST(HandlerErrors, DoNotCountAContainerThatEndsAtOnce) {
    Bench bench;
    bench.podman->set_program("web-side", fakes::program_that_exits(1));
    make_service(bench, true);
    make_pod(bench, "web-service", true, false);
    StoredTask start = start_task(bench);
    EXPECT_EQ(bench.run(start), "");
    ASSERT_FALSE(start.lines.empty());
    expect_said(start.lines.back(), {"web-side", "exited"});
}

TEST(HandlerErrors, SayThatAnotherVersionIsStillThere) {
    Bench bench;
    make_alone(bench, false);
    json labels = bench.labels("solo", "workload", "ffffffffffffffff");
    StoredTask create = bench.task(StepKind::CreateContainer, "solo", "solo",
                                   {{"labels", labels}, {"pod", ""}, {"role", "workload"}});
    expect_said(bench.run(create), {"cannot create container solo", "another version"});
}

TEST(HandlerErrors, KeepSecretsToThemselves) {
    Bench bench;
    bench.podman->fail_next("POST", "secrets/create", 500, "it broke");
    StoredTask create = bench.task(
        StepKind::CreateSecret, "secret/key", "web-key",
        {{"labels",
          bench.labels("secret/key", "secret", plan::label_spec(bench.new_spec->secrets[0]))}});
    const std::string error = bench.run(create);
    expect_said(error, {"it broke"});
    EXPECT_EQ(error.find("hunter2"), std::string::npos);
    EXPECT_EQ(create.data().dump().find("hunter2"), std::string::npos);
}

TEST(HandlerErrors, SayThatTheManifestIsNotKeptAnyMore) {
    Bench bench;
    bench.specs.forget("web");
    StoredTask create = bench.task(StepKind::CreateContainer, "solo", "solo",
                                   {{"labels", json::object()}, {"pod", ""}});
    expect_said(bench.run(create), {"cannot find the manifest of web", "next pass"});
}

TEST(HandlerErrors, RefuseATaskThatNobodyHereWrote) {
    Bench bench;
    StoredTask odd("create-pod", "{}");
    expect_said(bench.run(odd), {"cannot read what task 1 (create-pod) is about"});
}

TEST(Volumes, OfPeopleAreNeverRemovedWhateverThePlanSays) {
    Bench bench;
    bench.must(StepKind::CreateVolume, "volume/web-data", "web-data",
               {{"labels", bench.labels("volume/web-data", plan::kRoleVolumeClaim, "1")},
                {"origin", "claim"}});
    const std::string before = bench.snapshot();
    StoredTask remove = bench.task(StepKind::RemoveVolume, "volume/web-data", "web-data",
                                   {{"origin", "empty-dir"}});
    expect_said(bench.run(remove), {"cannot remove volume web-data", "podman volume rm"});
    EXPECT_EQ(bench.snapshot(), before);
}

// A volume of ours for the part of a ConfigMap of the sample app, made as a claim, with a file in
// it.
std::filesystem::path claim_in_the_way(Bench& bench, const std::string& name) {
    bench.must(StepKind::CreateVolume, "volume/" + name, name,
               {{"labels", bench.labels("volume/" + name, plan::kRoleVolumeClaim, "1")},
                {"origin", "claim"}});
    const auto volume = bench.client->inspect_volume(name, {});
    const std::filesystem::path file = std::filesystem::path(volume->mountpoint) / "precious";
    std::ofstream(file) << "mine";
    return file;
}

const manifests::VolumeSpec& filled_volume(const Bench& bench) {
    for (const manifests::VolumeSpec& volume : bench.new_spec->volumes) {
        if (volume.origin == manifests::VolumeOrigin::ConfigMap) {
            return volume;
        }
    }
    throw std::logic_error("the sample app has no ConfigMap");
}

TEST(Volumes, OfAnotherRoleAreNeitherTakenNorWritten) {
    Bench bench;
    was_deployed(bench);
    const std::string name = filled_volume(bench).name;
    const auto file = claim_in_the_way(bench, name);
    const std::string before = bench.snapshot();
    StoredTask create =
        bench.task(StepKind::CreateVolume, "volume/" + name, name,
                   {{"labels", bench.labels("volume/" + name, plan::kRoleVolumeConfigMap, "1")},
                    {"origin", "config-map"}});
    expect_said(bench.run(create), {"is a claim, and is wanted as a ConfigMap"});
    EXPECT_EQ(bench.undo(create), "");
    StoredTask write =
        bench.task(StepKind::WriteVolumeFiles, "volume/" + name, name, json::object());
    expect_said(bench.run(write), {"is a claim, and is wanted as a ConfigMap"});
    EXPECT_EQ(bench.undo(write), "");
    EXPECT_TRUE(std::filesystem::exists(file));
    EXPECT_EQ(bench.snapshot(), before);
}

TEST(Volumes, ThatWereMadeAsOneThingAreNotClaimedAsAnother) {
    Bench bench;
    bench.must(StepKind::CreateVolume, "volume/web-tmp", "web-tmp",
               {{"labels", bench.labels("volume/web-tmp", plan::kRoleVolumeEmptyDir, "1")},
                {"origin", "empty-dir"}});
    StoredTask claim =
        bench.task(StepKind::CreateVolume, "volume/web-tmp", "web-tmp",
                   {{"labels", bench.labels("volume/web-tmp", plan::kRoleVolumeClaim, "1")},
                    {"origin", "claim"}});
    expect_said(bench.run(claim), {"is an emptyDir, and is wanted as a claim"});
}

TEST(Volumes, AreNeverWrittenForAPartThatHasNoFiles) {
    Bench bench;
    for (const manifests::VolumeSpec& volume : bench.new_spec->volumes) {
        if (volume.origin != manifests::VolumeOrigin::Claim) {
            continue;
        }
        const auto file = claim_in_the_way(bench, volume.name);
        StoredTask write =
            bench.task(StepKind::WriteVolumeFiles, volume.part, volume.name, json::object());
        expect_said(bench.run(write), {"which podreeve never writes to"});
        EXPECT_TRUE(std::filesystem::exists(file));
        return;
    }
    FAIL() << "the sample app has no claim";
}

// A ConfigMap's volume in which a container has made far more than one run of a step removes.
void fill_volume(Bench& bench, const std::string& name) {
    bench.must(StepKind::CreateVolume, "volume/" + name, name,
               {{"labels", bench.labels("volume/" + name, plan::kRoleVolumeConfigMap, "1")},
                {"origin", "config-map"}});
    const auto volume = bench.client->inspect_volume(name, {});
    for (int i = 0; i < 500; ++i) {
        std::ofstream(std::filesystem::path(volume->mountpoint) / std::to_string(i)) << "x";
    }
    bench.world->most_removed = 10;
}

TEST(Volumes, ThatAreFilledForEverKeepNoChangeForEver) {
    Bench bench;
    was_deployed(bench);
    const std::string name = filled_volume(bench).name;
    fill_volume(bench, name);
    StoredTask write =
        bench.task(StepKind::WriteVolumeFiles, "volume/" + name, name, json::object());
    for (int run = 1; run < 10; ++run) {
        EXPECT_TRUE(std::holds_alternative<state::TaskRetry>(bench.run_once(write))) << run;
    }
    const auto ended = bench.run_once(write);
    ASSERT_TRUE(std::holds_alternative<Error>(ended));
    expect_said(std::get<Error>(ended).message, {"there is too much in it", "stop what fills it"});
    for (int run = 1; run < 10; ++run) {
        EXPECT_TRUE(std::holds_alternative<state::TaskRetry>(bench.undo_once(write))) << run;
    }
    EXPECT_TRUE(std::holds_alternative<state::TaskDone>(bench.undo_once(write)));
    ASSERT_FALSE(write.lines.empty());
    expect_said(write.lines.back(), {"stop what fills it", "is left as it is"});
}

TEST(Volumes, ThatWereFilledAreWrittenAFewRunsLater) {
    Bench bench;
    const std::string name = filled_volume(bench).name;
    fill_volume(bench, name);
    bench.world->most_removed = 100;
    StoredTask write =
        bench.task(StepKind::WriteVolumeFiles, "volume/" + name, name, json::object());
    EXPECT_EQ(bench.run(write), "");
}

TEST(PullImage, IsKeptDownByNoRegistryWhenItIsOnlyRefreshed) {
    Bench bench;
    bench.podman->fail_pulls_of("localhost/busybox:latest", "connection refused");
    StoredTask refresh = bench.task(StepKind::PullImage, "", "localhost/busybox:latest",
                                    {{"policy", "Always"}, {"refresh", true}});
    EXPECT_EQ(bench.run(refresh), "");
    ASSERT_FALSE(refresh.lines.empty());
    expect_said(refresh.lines.back(), {"could not be refreshed", "connection refused"});
    StoredTask deploy =
        bench.task(StepKind::PullImage, "", "localhost/busybox:latest", {{"policy", "Always"}});
    EXPECT_NE(bench.run(deploy), "");
}

// Podman removes "web-tmp-mine" when it is told to remove "web-tmp" a moment after that went.
TEST(Volumes, ThatGoWhileTheyAreRemovedCostNoOtherVolume) {
    Bench bench;
    bench.must(StepKind::CreateVolume, "volume/web-tmp", "web-tmp",
               {{"labels", bench.labels("volume/web-tmp", plan::kRoleVolumeEmptyDir, "1")},
                {"origin", "empty-dir"}});
    podman::VolumeDetails theirs;
    theirs.name = "web-tmp-mine";
    ASSERT_TRUE(bench.client->create_volume(theirs, {}));
    StoredTask remove =
        bench.task(StepKind::RemoveVolume, "volume/web-tmp", "web-tmp", {{"origin", "empty-dir"}});
    EXPECT_EQ(bench.run(remove), "");
    EXPECT_FALSE(bench.client->inspect_volume("web-tmp", {}));
    for (const auto& entry : bench.podman->journal()) {
        EXPECT_NE(entry.method + " " + entry.path, "DELETE volumes/web-tmp") << "is no exact way";
    }
    EXPECT_TRUE(bench.client->inspect_volume("web-tmp-mine", {}));
}

TEST(Volumes, OfSomebodyElseMayBeClaimed) {
    Bench bench;
    podman::VolumeDetails theirs;
    theirs.name = "web-data";
    ASSERT_TRUE(bench.client->create_volume(theirs, {}));
    const std::string before = bench.snapshot();
    bench.must(StepKind::CreateVolume, "volume/web-data", "web-data",
               {{"labels", bench.labels("volume/web-data", plan::kRoleVolumeClaim, "1")},
                {"origin", "claim"}});
    EXPECT_EQ(bench.snapshot(), before);
}

TEST(ParkContainer, StartsTheOldOneAgainWhenItsNewNameIsTaken) {
    Bench bench;
    make_alone(bench, true);
    bench.podman->create_behind_back(
        {{"name", "solo-retained-0"}, {"image", "localhost/busybox:latest"}});
    const std::string before = bench.snapshot();
    StoredTask park =
        bench.task(StepKind::RetainContainer, "solo", "solo",
                   {{"retained", "solo-retained-0"}, {"grace", 1}}, bench.podman->id_of("solo"));
    EXPECT_NE(bench.run(park), "");
    EXPECT_EQ(bench.snapshot(), before);
}

TEST(RemoveContainer, GoesThroughWithOneWhoseMonitorWasKilledToo) {
    for (const char* version : {"5.4.2", "4.3.1", "5.8.6"}) {
        Bench bench(version);
        make_alone(bench, true);
        const std::string id = bench.podman->id_of("solo");
        bench.podman->kill_with_conmon("solo");
        bench.must(StepKind::RemoveContainer, "solo", "solo", {{"force", true}, {"why", "stuck"}},
                   id);
        EXPECT_EQ(bench.podman->id_of("solo"), "") << version;
    }
}

TEST(RemoveContainer, GoesThroughWithOneThatPodmansStorageLost) {
    Bench bench;
    make_alone(bench, true);
    const std::string id = bench.podman->id_of("solo");
    bench.podman->fail_next("GET", "containers/" + id + "/json", 500,
                            "getting container from store \"" + id + "\": container not known");
    bench.must(StepKind::RemoveContainer, "solo", "solo", {{"force", true}, {"why", "stuck"}}, id);
    EXPECT_EQ(bench.podman->id_of("solo"), "");
}

TEST(RemoveContainer, LeavesOneThatPodmansStorageLostAndThatIsSomebodyElses) {
    Bench bench;
    bench.podman->create_behind_back({{"name", "solo"}, {"image", "localhost/busybox:latest"}});
    bench.podman->fail_next("GET", "containers/solo/json", 500,
                            "getting container from store \"18ba\": container not known");
    StoredTask task =
        bench.task(StepKind::RemoveContainer, "solo", "solo", {{"force", true}, {"why", "stuck"}});
    EXPECT_NE(bench.run(task), "");
    EXPECT_NE(bench.podman->id_of("solo"), "");
}

TEST(Absence, IsAlsoWhatPodmanSaysOfSomethingThatGoesWhileItLooks) {
    Bench bench;
    bench.podman->fail_next("GET", "containers/solo/json", 500,
                            "no container with ID 0123 found in database: no such container");
    StoredTask stop = bench.task(StepKind::StopContainer, "solo", "solo", {{"role", "workload"}});
    EXPECT_EQ(bench.run(stop), "");
}

TEST(StopContainer, WakesOneThatIsPausedFirst) {
    Bench bench;
    make_alone(bench, true);
    ASSERT_TRUE(bench.podman->wedge("solo", "paused"));
    StoredTask stop_it = bench.task(StepKind::StopContainer, "solo", "solo", {{"role", "workload"}},
                                    bench.podman->id_of("solo"));
    EXPECT_EQ(bench.run(stop_it), "");
    ASSERT_EQ(stop_it.lines.size(), 1U);
    EXPECT_EQ(stop_it.lines[0], "solo was paused, and goes on so that it can stop");
    EXPECT_EQ(bench.client->inspect_container("solo", {})->summary.state,
              podman::ContainerState::Exited);
}

TEST(StopPod, IsUndoneByStartingWhatRanAndNothingElse) {
    Bench bench;
    make_service(bench, true);
    make_pod(bench, "web-service", true, true);
    start_pod(bench, "web-service", true);
    ASSERT_TRUE(bench.podman->kill_process("web-side", 0));
    StoredTask stop =
        bench.task(StepKind::StopPod, "pod", "web", {{"grace", 2}}, bench.podman->id_of("web"));
    ASSERT_EQ(bench.run(stop), "");
    ASSERT_EQ(bench.podman->state_of("web-server"), "exited");
    EXPECT_EQ(bench.undo(stop), "");
    EXPECT_EQ(bench.podman->state_of("web-server"), "running");
    EXPECT_EQ(bench.podman->state_of("web-service"), "running");
    EXPECT_EQ(bench.podman->state_of("web-side"), "exited") << "it had run to its end";
}

TEST(Absence, IsTheBeginningOfAnotherOnesId) {
    Bench bench;
    const std::string id = bench.podman->create_behind_back(
        {{"name", "theirs"}, {"image", "localhost/busybox:latest"}});
    StoredTask stop =
        bench.task(StepKind::StopContainer, "solo", id.substr(0, 6), {{"role", "workload"}});
    EXPECT_EQ(bench.run(stop), "");
    EXPECT_EQ(bench.podman->id_of("theirs"), id);
}

TEST(CreatePod, LeavesNoHalfMadePodBehindOnOldPodman) {
    Bench bench("4.3.1");
    const std::string hash = plan::label_spec(*bench.new_spec, *bench.new_spec->find_pod("pod"));
    auto spec = *bench.new_spec;
    spec.pods[0].networks = {"absent"};
    bench.specs.put(bench.new_hash, std::make_shared<const manifests::AppSpec>(spec));
    StoredTask create = bench.task(StepKind::CreatePod, "pod", "web",
                                   {{"labels", bench.labels("pod", "pod", hash)}});
    EXPECT_NE(bench.run(create), "");
    EXPECT_TRUE(bench.podman->pod_names().empty());
}

TEST(CheckPorts, RefusesAnAddressThatIsNotOurs) {
    Bench bench;
    StoredTask check = bench.task(
        StepKind::CheckPorts, "", "web",
        {{"ports", {{{"host_ip", "203.0.113.7"}, {"host_port", 8080}, {"protocol", "tcp"}}}}});
    expect_said(bench.run(check), {"203.0.113.7", "8080"});
}

}  // namespace

}  // namespace podreeve::handlers::testing
