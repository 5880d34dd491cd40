#include <gtest/gtest.h>

#include "tests/unit/supervise/decide/given.h"

// Which version of an app is in force.
namespace podreeve::supervise {
namespace {

using Wanted = std::set<std::pair<std::string, std::string>>;

enum class Deployed { Nothing, Former, Newest };

struct VersionRow {
    const char* name;
    Deployed deployed;
    bool failed = false;     // the newest version has, a moment ago
    bool read_only = false;  // no new one can be begun
    bool is_kept = true;     // the manifest of the former one
    bool newest_expected = true;
    std::int64_t generation_expected = 3;
};

const VersionRow kVersionRows[] = {
    {.name = "TheNewestWhereNothingWasEverDeployed", .deployed = Deployed::Nothing},
    {.name = "TheNewestThatFailedWhereNothingWasEverDeployed",
     .deployed = Deployed::Nothing,
     .failed = true},
    {.name = "TheNewestAfterAChangeOfTheManifest", .deployed = Deployed::Former},
    {.name = "TheFormerWhileTheNewestHasFailed",
     .deployed = Deployed::Former,
     .failed = true,
     .newest_expected = false},
    {.name = "TheFormerWhileTheDiskIsFull",
     .deployed = Deployed::Former,
     .read_only = true,
     .newest_expected = false},
    {.name = "TheNewestWhereTheFormerIsNotKept",
     .deployed = Deployed::Former,
     .failed = true,
     .is_kept = false},
    {.name = "TheDeployedOneThoughItFailedOnce",
     .deployed = Deployed::Newest,
     .failed = true,
     .generation_expected = 2},
};

class ChosenVersions : public ::testing::TestWithParam<VersionRow> {};

TEST_P(ChosenVersions, AreChosen) {
    const VersionRow& row = GetParam();
    Given given;
    const SpecPointer newest = given.wants(Given::app("web", "image:2"));
    const auto former = std::make_shared<const manifests::AppSpec>(Given::app("web"));
    const std::string hash = manifests::spec_hash(*newest);
    const std::string former_hash = manifests::spec_hash(*former);
    state::AppRecord& record = given.remembers("web").record;
    record.generation = 2;
    record.spec = row.deployed == Deployed::Newest ? hash : former_hash;
    record.deployed_spec = row.deployed == Deployed::Nothing ? "" : record.spec;
    given.read_only = row.read_only;
    if (row.failed) {
        given.memory.failures.note_conflict("web", hash, "in the way", given.now);
    }
    for (const auto& key : versions_to_look_up(given.inputs(), given.memory)) {
        given.versions[key] = key.second == hash ? newest : row.is_kept ? former : nullptr;
    }
    const Decisions decided = given.decisions();
    EXPECT_EQ(decided.prepared.effective.apps.at("web"), row.newest_expected ? newest : former);
    EXPECT_EQ(decided.memory.effective.at("web"), row.newest_expected ? newest : former);
    EXPECT_EQ(decided.prepared.policy.apps.at("web").generation, row.generation_expected);
    const RecordEdit& edit = decided.edits.at("web");
    EXPECT_TRUE(edit.numbered);
    EXPECT_EQ(edit.app.record.generation, row.generation_expected);
    EXPECT_EQ(edit.app.record.spec, hash);
}

INSTANTIATE_TEST_SUITE_P(Decide,
                         ChosenVersions,
                         ::testing::ValuesIn(kVersionRows),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(VersionsToLookUp, AreNoneWhileTheDeployedOneIsWanted) {
    Given given;
    const std::string hash = manifests::spec_hash(*given.wants(Given::app("web")));
    StoredApp& web = given.remembers("web");
    web.record.spec = web.record.deployed_spec = hash;
    web.memory.ran = {{hash, 1, {}, false}};
    EXPECT_EQ(versions_to_look_up(given.inputs(), given.memory), Wanted{});
    web.memory.companions = "c1";
    EXPECT_EQ(versions_to_look_up(given.inputs(), given.memory), (Wanted{{"web", "c1"}}));
    web.memory.ran.clear();
    EXPECT_EQ(versions_to_look_up(given.inputs(), given.memory),
              (Wanted{{"web", "c1"}, {"web", hash}}));
    given.aside["web"] = {"crashed", {}};
    EXPECT_EQ(versions_to_look_up(given.inputs(), given.memory), Wanted{});
}

TEST(VersionsToLookUp, AreThoseOfAppsThatNoManifestNames) {
    Given given;
    given.remembers("web").record.deployed_spec = "s1";
    EXPECT_EQ(versions_to_look_up(given.inputs(), given.memory), (Wanted{{"web", "s1"}}));
}

TEST(LostRecords, AreNumberedByTheLabels) {
    Given given;
    given.wants(Given::app("web"));
    given.has("web", podman::ContainerState::Running).labels[observe::kLabelGeneration] = "7";
    EXPECT_EQ(given.decisions().edits.at("web").app.record.generation, 7);
}

}  // namespace
}  // namespace podreeve::supervise
