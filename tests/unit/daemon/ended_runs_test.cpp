#include "agent/daemon/ended_runs.h"

#include <filesystem>
#include <fstream>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "agent/state/state_directory.h"
#include "quadlet/stamp.h"
#include "runtime/base/log.h"
#include "tests/fakes/fake_podman/fake_podman.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::daemon {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwner = "0123456789abcdef";

class EndedRuns : public testing::Test {
  protected:
    void SetUp() override {
        runs = root / "run";
        place = make("0a1b2c3d4e5f");
    }

    fs::path make(const std::string& key) {
        const fs::path made = runs / key;
        fs::create_directories(made / "accepted");
        std::ofstream(made / "owner") << kOwner << "\n";
        std::ofstream(made / "lock") << "1\n";
        std::ofstream(made / "state.db") << "rows";
        std::ofstream(made / "accepted" / "web.json") << "s3cret";
        return made;
    }

    void clear() { clear_ended_runs(runs, client, root / "quadlet", {}); }

    nlohmann::json labelled(const std::string& name, const std::string& owner) {
        return {{"name", name},
                {"image", "localhost/busybox:latest"},
                {"labels", {{"io.podreeve.owner", owner}}}};
    }

    void make_volume(const std::string& owner) {
        podman::VolumeDetails volume;
        volume.name = "data";
        volume.labels = {{"io.podreeve.owner", owner}};
        ASSERT_TRUE(client.create_volume(volume, {}));
    }

    fakes::TempDir temp;
    fs::path root = temp.path(), runs, place;
    fakes::FakePodman podman;
    podman::Client client{podman.socket_path()};
};

TEST_F(EndedRuns, GoWithTheirSecretsWhenPodmanHasNothingOfThem) {
    podman.create_behind_back(labelled("other", "fedcba9876543210"));
    clear();
    EXPECT_FALSE(fs::exists(place));
    EXPECT_TRUE(fs::exists(runs));
}

TEST_F(EndedRuns, StayWholeWhileAContainerOfTheirsIsThere) {
    podman.create_behind_back(labelled("web", kOwner), false);
    clear();
    EXPECT_TRUE(fs::exists(place / "accepted" / "web.json"));
    podman.remove_behind_back("web");
    clear();
    EXPECT_FALSE(fs::exists(place));
}

// Without it the next run would take the claim for another podreeve's.
TEST_F(EndedRuns, KeepTheirOwnersIdWhileAVolumeOfTheirsIsThere) {
    make_volume(kOwner);
    clear();
    EXPECT_TRUE(fs::exists(place / "owner"));
    EXPECT_EQ(std::distance(fs::directory_iterator(place), {}), 1);
    clear();
    EXPECT_TRUE(fs::exists(place / "owner"));
}

TEST_F(EndedRuns, StayWhileItIsNotKnownWhatIsLeft) {
    podman.refuse(true);
    clear();
    EXPECT_TRUE(fs::exists(place / "accepted" / "web.json"));
    podman.refuse(false);
    podman.fail_next("GET", "secrets", 500, "database is locked");
    clear();
    EXPECT_TRUE(fs::exists(place / "accepted" / "web.json"));
}

TEST_F(EndedRuns, StayWhileAnAgentIsAtThem) {
    {
        const auto held = state::StateDirectory::open(place);
        ASSERT_TRUE(held) << held.error().message;
        clear();
        EXPECT_TRUE(fs::exists(place / "state.db"));
    }
    clear();
    EXPECT_FALSE(fs::exists(place));
}

TEST_F(EndedRuns, StayWhileAnotherIsBeingMade) {
    const auto staging = lock_runs(runs, true);
    ASSERT_TRUE(staging);
    clear();
    EXPECT_TRUE(fs::exists(place));
}

fs::perms mode_of(const fs::path& path) {
    return fs::status(path).permissions();
}

// From a shell, whose umask is another one than the unit's.
TEST_F(EndedRuns, LeaveAStateDirectoryThatTheAgentTakes) {
    const mode_t before = ::umask(0022);
    EXPECT_TRUE(lock_runs(root / "fresh/state/run", true));
    ::umask(before);
    EXPECT_EQ(mode_of(root / "fresh/state"), fs::perms::owner_all);
    EXPECT_EQ(mode_of(root / "fresh/state/run"), fs::perms::owner_all);
    EXPECT_TRUE(state::StateDirectory::open(root / "fresh/state"));
}

TEST_F(EndedRuns, OfAnEarlierPodreeveThatLeftItOpenLeaveOneTheAgentTakes) {
    fs::create_directories(root / "open/run");
    std::ofstream(root / "open/run/lock");
    fs::permissions(root / "open", fs::perms::owner_all | fs::perms::others_read);
    const auto opened = state::StateDirectory::open(root / "open");
    EXPECT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(mode_of(root / "open"), fs::perms::owner_all);
}

// As /var has, where run is a link to /run.
TEST_F(EndedRuns, AreNotBegunInADirectoryOfOtherThings) {
    constexpr auto kOpen = fs::perms::owner_all | fs::perms::others_exec | fs::perms::others_read;
    fs::create_directories(root / "var/log");
    fs::create_directories(root / "elsewhere");
    fs::create_directory_symlink(root / "elsewhere", root / "var/run");
    fs::permissions(root / "var", kOpen);
    fs::permissions(root / "elsewhere", kOpen);
    const auto taken = lock_runs(root / "var/run", true);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, Code::Conflict);
    EXPECT_EQ(mode_of(root / "elsewhere"), kOpen);
    fs::permissions(root / "var", fs::perms::owner_all);
    EXPECT_FALSE(lock_runs(root / "var/run", true)) << "a link is not followed";
    EXPECT_EQ(mode_of(root / "elsewhere"), kOpen);
}

TEST_F(EndedRuns, AreOnlyWhatRunsAreCalled) {
    make("backup");
    const fs::path elsewhere = root / "elsewhere";
    fs::create_directories(elsewhere);
    std::ofstream(elsewhere / "mine") << "mine";
    fs::create_directory_symlink(elsewhere, runs / "ffffffffffff");
    clear();
    EXPECT_TRUE(fs::exists(runs / "backup" / "state.db"));
    EXPECT_TRUE(fs::exists(elsewhere / "mine"));
}

// For this thread's file system calls, of root, somebody without its rights.
class AsNobody {
  public:
    AsNobody() { ::setfsuid(::geteuid() == 0 ? kNobody : ::geteuid()); }

    ~AsNobody() { ::setfsuid(::geteuid()); }

    static void give(const fs::path& path) {
        if (::geteuid() == 0) {
            ASSERT_EQ(::lchown(path.c_str(), kNobody, kNobody), 0) << path;
        }
    }

  private:
    static constexpr uid_t kNobody = 65534;
};

TEST_F(EndedRuns, TellWhatOfThemCannotBeRemovedAlsoBesideTheOwnersId) {
    make_volume(kOwner);
    fs::permissions(place / "accepted", fs::perms::owner_read | fs::perms::owner_exec);
    fs::permissions(root, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    const fs::path socket = podman.socket_path();
    for (const fs::path& path : {socket, socket.parent_path()}) {
        fs::permissions(path, fs::perms::all);
    }
    AsNobody::give(place);
    for (const auto& entry : fs::recursive_directory_iterator(place)) {
        AsNobody::give(entry.path());
    }
    log::init(log::Sink::Journal, "info");
    ::testing::internal::CaptureStderr();
    {
        const AsNobody nobody;
        clear_runs({place}, client, root / "quadlet", {});
    }
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("cannot remove " + (place / "accepted").string()), std::string::npos)
        << said;
    EXPECT_TRUE(fs::exists(place / "accepted" / "web.json"));
    EXPECT_FALSE(fs::exists(place / "state.db")) << "what can be removed is";
    EXPECT_TRUE(fs::exists(place / "owner"));
}

TEST_F(EndedRuns, StayWholeWhileAUnitOfTheirsIsInstalled) {
    const fs::path unit = root / "quadlet" / "web" / "web.container";
    fs::create_directories(unit.parent_path());
    std::ofstream(unit) << *quadlet::stamped("[Container]\nImage=i\n", "web", 1, kOwner);
    clear();
    EXPECT_TRUE(fs::exists(place / "accepted" / "web.json"));
    std::string damaged = *quadlet::stamped("[Container]\nImage=i\n", "web", 1, kOwner);
    damaged.replace(damaged.find("Generation="), 11, "Generatoin=");
    std::ofstream(unit) << damaged;
    clear();
    EXPECT_TRUE(fs::exists(place / "accepted" / "web.json")) << "it could be anybody's";
    std::ofstream(unit) << *quadlet::stamped("[Container]\nImage=i\n", "web", 1,
                                             "fedcba9876543210");
    clear();
    EXPECT_FALSE(fs::exists(place));
}

TEST_F(EndedRuns, AskPodmanNothingWhereThereAreNone) {
    fs::remove_all(runs);
    podman.clear_journal();
    clear();
    EXPECT_TRUE(podman.journal().empty());
    EXPECT_FALSE(fs::exists(runs));
}

}  // namespace
}  // namespace podreeve::daemon
