#include <filesystem>
#include <fstream>
#include <functional>
#include <utility>

#include <gtest/gtest.h>

#include "agent/plan/steps.h"
#include "tests/unit/handlers/scenarios.h"

// Volumes that go while a container is made which mounts them: podman makes an empty one without
// labels in the place of each, and says nothing.
namespace podreeve::handlers::testing {
namespace {

using nlohmann::json;
using plan::StepKind;

manifests::Mount mount_of(const std::string& volume) {
    manifests::Mount mount;
    mount.source = volume;
    mount.target = "/" + volume;
    return mount;
}

// The lone container mounts the ConfigMap "web-cfg" and the claim "web-data".
class MountedVolumes : public ::testing::Test {
  protected:
    MountedVolumes() {
        auto spec = std::make_shared<manifests::AppSpec>(*bench.new_spec);
        for (manifests::ContainerSpec& container : spec->containers) {
            if (container.part == "solo" || container.part == "pod/server") {
                container.mounts = {mount_of("web-cfg"), mount_of("web-data")};
            }
        }
        bench.new_spec = spec;
        bench.new_hash = manifests::spec_hash(*spec);
        bench.specs.put(bench.new_hash, spec);
    }

    void make_volume(const std::string& name, const char* role) {
        const std::string part = "volume/" + name;
        bench.must(StepKind::CreateVolume, part, name,
                   {{"labels", bench.labels(part, role, "1")},
                    {"origin", std::string(role).substr(std::string("volume-").size())}});
    }

    void make_both() {
        make_volume("web-cfg", plan::kRoleVolumeConfigMap);
        make_volume("web-data", plan::kRoleVolumeClaim);
    }

    void make_foreign(const std::string& name) {
        podman::VolumeDetails theirs;
        theirs.name = name;
        ASSERT_TRUE(bench.client->create_volume(theirs, {}));
    }

    StoredTask create() {
        const auto& solo = *bench.new_spec->find_container("solo");
        return bench.task(StepKind::CreateContainer, "solo", "solo",
                          {{"labels", bench.labels("solo", "workload", plan::label_spec(solo))},
                           {"pod", ""},
                           {"role", "workload"},
                           {"image", solo.image}});
    }

    // As `podman volume rm` of all of them.
    void remove_volumes() {
        podman::Client person(bench.podman->socket_path());
        EXPECT_TRUE(person.remove_volumes_with("io.podreeve.app", "web", {}));
    }

    // The volumes go between podreeve's look at them and the making of the container.
    void remove_volumes_before_the_create(std::function<void()> after = {}) {
        const auto makes = [](const auto& entry) {
            return entry.path.find("containers/create") != std::string::npos;
        };
        bench.podman->on_request(
            [this, makes](const auto& entry) {
                if (makes(entry) && !std::exchange(went, true)) {
                    remove_volumes();
                }
            },
            [this, makes, after](const auto& entry) {
                if (makes(entry) && after && !std::exchange(looked, true)) {
                    after();
                }
            });
    }

    bool has_volume(const std::string& name) {
        return bench.client->inspect_volume(name, {}).has_value();
    }

    std::filesystem::path in_volume(const std::string& name, const std::string& file) {
        return std::filesystem::path(bench.podman->directory()) / "volumes" / name / "_data" / file;
    }

    void expect_mended_by_the_next_try() {
        make_both();
        StoredTask again = create();
        EXPECT_EQ(bench.run(again), "");
        EXPECT_EQ(bench.podman->state_of("solo"), "created");
    }

    static void expect_said(const std::string& text, const std::vector<std::string>& words) {
        for (const std::string& word : words) {
            EXPECT_NE(text.find(word), std::string::npos) << word << " is not in: " << text;
        }
    }

    Bench bench;
    bool went = false, looked = false;
};

TEST_F(MountedVolumes, AreThereBeforeTheContainerIsMade) {
    make_volume("web-data", plan::kRoleVolumeClaim);
    StoredTask task = create();
    expect_said(bench.run(task), {"cannot create container solo", "volume web-cfg is gone"});
    EXPECT_EQ(bench.podman->state_of("solo"), "");
    EXPECT_FALSE(has_volume("web-cfg"));
    expect_mended_by_the_next_try();
}

TEST_F(MountedVolumes, OfAClaimAreThereToo) {
    make_volume("web-cfg", plan::kRoleVolumeConfigMap);
    StoredTask task = create();
    expect_said(bench.run(task), {"cannot create container solo", "volume web-data is gone"});
    EXPECT_FALSE(has_volume("web-data"));
}

TEST_F(MountedVolumes, OfSomebodyElseAreMountedAsAClaimAndNeverAsAConfigMap) {
    make_volume("web-cfg", plan::kRoleVolumeConfigMap);
    make_foreign("web-data");
    StoredTask task = create();
    EXPECT_EQ(bench.run(task), "");
    ASSERT_TRUE(bench.podman->remove_behind_back("solo"));

    remove_volumes();
    make_foreign("web-cfg");
    StoredTask again = create();
    expect_said(bench.run(again), {"volume web-cfg", "was not made for web"});
    EXPECT_EQ(bench.podman->state_of("solo"), "");
    EXPECT_TRUE(has_volume("web-cfg"));
}

TEST_F(MountedVolumes, ThatPodmanMadeInTheGapAreRemovedWithTheContainer) {
    make_both();
    remove_volumes_before_the_create();
    StoredTask task = create();
    expect_said(bench.run(task), {"cannot create container solo", "web-cfg", "web-data"});
    EXPECT_EQ(bench.podman->state_of("solo"), "");
    EXPECT_FALSE(has_volume("web-cfg"));
    EXPECT_FALSE(has_volume("web-data"));
    expect_mended_by_the_next_try();
}

TEST_F(MountedVolumes, ThatPodmanMadeInTheGapAreFoundAfterADeathOfTheAgentToo) {
    make_both();
    remove_volumes_before_the_create(
        [this] { bench.podman->fail_next("GET", "volumes/web-cfg/json", 500, "no word"); });
    StoredTask task = create();
    expect_said(bench.run(task), {"no word"});
    ASSERT_EQ(bench.podman->state_of("solo"), "created");
    expect_said(bench.run(task), {"cannot create container solo", "web-cfg"});
    EXPECT_EQ(bench.podman->state_of("solo"), "");
    EXPECT_FALSE(has_volume("web-cfg"));
    expect_mended_by_the_next_try();
}

TEST_F(MountedVolumes, ThatPodmanMadeForAContainerItCouldNotMakeAreRemoved) {
    make_both();
    bench.podman->fail_next("POST", "containers/create", 500, "no such runtime");
    remove_volumes_before_the_create([this] {
        make_foreign("web-cfg");
        make_foreign("web-data");
    });
    StoredTask task = create();
    expect_said(bench.run(task), {"no such runtime"});
    EXPECT_FALSE(has_volume("web-cfg"));
    EXPECT_FALSE(has_volume("web-data"));
}

TEST_F(MountedVolumes, ThatHoldSomethingAreLeftAndNamed) {
    make_both();
    remove_volumes_before_the_create(
        [this] { std::ofstream(in_volume("web-data", "precious")) << "mine"; });
    StoredTask task = create();
    expect_said(bench.run(task), {"web-data", "is not empty", "podman volume rm web-data"});
    EXPECT_EQ(bench.podman->state_of("solo"), "");
    EXPECT_TRUE(std::filesystem::exists(in_volume("web-data", "precious")));
    EXPECT_FALSE(has_volume("web-cfg"));
}

// Podman would take the beginning of a name for it, should the volume itself go meanwhile.
TEST_F(MountedVolumes, WhoseNameBeginsAnothersAreLeftAndNamed) {
    make_both();
    make_foreign("web-data-of-mine");
    remove_volumes_before_the_create();
    StoredTask task = create();
    expect_said(bench.run(task), {"web-data-of-mine", "podman volume rm web-data"});
    EXPECT_TRUE(has_volume("web-data"));
    EXPECT_TRUE(has_volume("web-data-of-mine"));
}

TEST_F(MountedVolumes, ThatAPersonMadeWithLabelsInTheGapAreLeftAndNamed) {
    make_both();
    bool made = false;
    bench.podman->on_request(
        [&](const auto& entry) {
            if (entry.path.find("containers/create") != std::string::npos &&
                !std::exchange(made, true)) {
                remove_volumes();
                podman::VolumeDetails theirs;
                theirs.name = "web-data";
                theirs.labels = {{"mine", "yes"}};
                podman::Client person(bench.podman->socket_path());
                EXPECT_TRUE(person.create_volume(theirs, {}));
            }
        },
        nullptr);
    StoredTask task = create();
    expect_said(bench.run(task), {"web-data", "podman volume rm web-data"});
    EXPECT_EQ(bench.podman->state_of("solo"), "");
    EXPECT_TRUE(has_volume("web-data"));
}

TEST_F(MountedVolumes, AreLookedAtWhenAPodIsMadeAgainToo) {
    was_deployed(bench);
    state::AppRecord record = *bench.state->app("web");
    record.deployed_spec = bench.new_hash;
    ASSERT_TRUE(bench.state->put_app(record));
    const auto& pod = *bench.new_spec->find_pod("pod");
    const std::string hash = plan::label_spec(*bench.new_spec, pod);
    bench.must(
        StepKind::CreatePod, "pod", "web",
        {{"labels", bench.labels("pod", plan::kRolePod, hash)}, {"held", false}, {"service", ""}});
    StoredTask remove = bench.task(StepKind::RemovePod, "pod", "web",
                                   {{"why", "replaced"},
                                    {"force", true},
                                    {"old_spec", hash},
                                    {"old_generation", 1},
                                    {"service", ""},
                                    {"held", false}},
                                   bench.podman->id_of("web"));
    ASSERT_EQ(bench.run(remove), "");
    expect_said(bench.undo(remove), {"cannot create container web-server", "web-cfg is gone"});
    EXPECT_FALSE(has_volume("web-cfg"));
    make_both();
    EXPECT_EQ(bench.undo(remove), "");
    EXPECT_EQ(bench.podman->state_of("web-server"), "created");
}

}  // namespace
}  // namespace podreeve::handlers::testing
