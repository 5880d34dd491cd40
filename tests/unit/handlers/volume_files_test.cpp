#include "agent/handlers/volume_files.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"

namespace podreeve::handlers {

namespace {

namespace fs = std::filesystem;
using Files = std::vector<manifests::VolumeFile>;

class VolumeFiles : public ::testing::Test {
  protected:
    VolumeFiles() {
        root = top / "_data";
        fs::create_directory(root);
    }

    FilesWritten write(const Files& files) {
        const auto written = write_files(root, files);
        EXPECT_TRUE(written) << (written ? "" : written.error().message);
        return written.value_or(FilesWritten{});
    }

    static std::string read(const fs::path& path) {
        std::ifstream in(path);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    static unsigned mode(const fs::path& path) {
        struct stat there {};

        EXPECT_EQ(lstat(path.c_str(), &there), 0);
        return there.st_mode & 07777U;
    }

    static ino_t inode(const fs::path& path) {
        struct stat there {};

        EXPECT_EQ(lstat(path.c_str(), &there), 0);
        return there.st_ino;
    }

    fakes::TempDir temp;
    fs::path top = temp.path(), root;
};

TEST_F(VolumeFiles, AreWrittenWithTheirModesAndDirectories) {
    const FilesWritten files = write({{"a", "one", 0644}, {"deep/er/b", "two", 0600}});
    EXPECT_EQ(files.written, 2U);
    EXPECT_EQ(files.removed, 0U);
    EXPECT_EQ(read(root / "a"), "one");
    EXPECT_EQ(read(root / "deep/er/b"), "two");
    EXPECT_EQ(mode(root / "a"), 0644U);
    EXPECT_EQ(mode(root / "deep/er/b"), 0600U);
    EXPECT_EQ(mode(root / "deep"), 0755U);
}

TEST_F(VolumeFiles, AreOnlyTouchedWhenTheyDiffer) {
    write({{"a", "one", 0644}, {"b", "two", 0644}});
    const ino_t a = inode(root / "a"), b = inode(root / "b");
    const FilesWritten files = write({{"a", "one", 0644}, {"b", "TWO", 0644}});
    EXPECT_EQ(files.written, 1U);
    EXPECT_EQ(inode(root / "a"), a);
    EXPECT_NE(inode(root / "b"), b) << "replaced as a whole, so that no reader sees half of it";
}

TEST_F(VolumeFiles, StayThoseOfBeforeWhereThereIsNoRoomForAllOfTheNew) {
    write({{"a", "old", 0644}, {"sub/big", std::string(2000, 'x'), 0644}});
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit small{1000, before.rlim_max};
    const auto handler = ::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto written =
        write_files(root, {{"a", "new", 0644}, {"sub/big", std::string(2000, 'y'), 0644}});
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    ::signal(SIGXFSZ, handler);
    EXPECT_FALSE(written);
    EXPECT_EQ(read(root / "a"), "old");
    EXPECT_EQ(read(root / "sub/big"), std::string(2000, 'x'));
    EXPECT_EQ(std::distance(fs::recursive_directory_iterator(root), {}), 3) << "a, sub, sub/big";
}

TEST_F(VolumeFiles, GetANewModeInPlace) {
    write({{"a", "one", 0644}});
    EXPECT_EQ(write({{"a", "one", 0600}}).written, 0U);
    EXPECT_EQ(mode(root / "a"), 0600U);
}

TEST_F(VolumeFiles, AreRemovedWhenTheyAreNotWantedAnyMore) {
    write({{"a", "one", 0644}, {"deep/b", "two", 0644}, {"deep/er/c", "three", 0644}});
    std::ofstream(root / ".podreeve-0123") << "of a write that was killed";
    const FilesWritten files = write({{"deep/b", "two", 0644}});
    EXPECT_EQ(files.removed, 3U);
    EXPECT_FALSE(fs::exists(root / "a"));
    EXPECT_FALSE(fs::exists(root / "deep/er"));
    EXPECT_FALSE(fs::exists(root / ".podreeve-0123"));
    EXPECT_EQ(read(root / "deep/b"), "two");
    write({});
    EXPECT_TRUE(fs::is_empty(root));
}

TEST_F(VolumeFiles, NeverFollowALinkOutOfTheVolume) {
    const fs::path outside = top / "outside";
    fs::create_directory(outside);
    std::ofstream(outside / "b") << "theirs";
    fs::create_directory_symlink(outside, root / "deep");
    fs::create_symlink(outside / "b", root / "a");
    write({{"a", "one", 0644}, {"deep/b", "two", 0644}});
    EXPECT_EQ(read(outside / "b"), "theirs");
    EXPECT_FALSE(fs::is_symlink(root / "a"));
    EXPECT_FALSE(fs::is_symlink(root / "deep"));
    EXPECT_EQ(read(root / "deep/b"), "two");
    fs::create_directory_symlink(outside, root / "link");
    write({});
    EXPECT_EQ(read(outside / "b"), "theirs") << "the link went, not what it leads to";
}

TEST_F(VolumeFiles, TakeThePlaceOfWhateverElseStandsThere) {
    fs::create_directories(root / "a/inner");
    std::ofstream(root / "deep") << "a file";
    write({{"a", "one", 0644}, {"deep/b", "two", 0644}});
    EXPECT_EQ(read(root / "a"), "one");
    EXPECT_EQ(read(root / "deep/b"), "two");
}

TEST_F(VolumeFiles, StayInside) {
    for (const char* path : {"", "/etc/x", "../x", "a/../../x", "a/./b", "a/", "."}) {
        const auto written = write_files(root, {{path, "x", 0644}});
        ASSERT_FALSE(written) << path;
        EXPECT_EQ(written.error().code, Code::InvalidArgument) << path;
    }
    EXPECT_TRUE(fs::is_empty(root));
}

TEST_F(VolumeFiles, AreNotInTheErrorTheyCause) {
    const auto written = write_files(top / "absent", {{"a", "hunter2", 0644}});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().message.find("hunter2"), std::string::npos);
    EXPECT_NE(written.error().message.find("absent"), std::string::npos);
}

// As a container makes it with mkdir and cd, deeper than any path may be long.
void dig(const fs::path& root, int levels) {
    int at = ::open(root.c_str(), O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < levels; ++i) {
        ASSERT_EQ(::mkdirat(at, "d", 0755), 0);
        const int next = ::openat(at, "d", O_RDONLY | O_DIRECTORY);
        ::close(at);
        ASSERT_GE(next, 0);
        at = next;
    }
    ::close(at);
}

// With as few descriptors as that.
class FewDescriptors {
  public:
    explicit FewDescriptors(rlim_t most) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit few{most, before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &few);
    }

    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

TEST_F(VolumeFiles, RemoveWhatIsDeepWithFewDescriptors) {
    dig(root, 3000);
    std::ofstream(root / "d/d/file") << "x";
    const FewDescriptors few(64);
    EXPECT_EQ(write({{"a", "one", 0644}}).removed, 1U);
    EXPECT_EQ(std::distance(fs::directory_iterator(root), fs::directory_iterator()), 1);
    dig(root, 500);
    EXPECT_EQ(write({{"d", "two", 0644}}).written, 1U) << "a file in the place of the deep tree";
    EXPECT_EQ(std::distance(fs::directory_iterator(root), fs::directory_iterator()), 1);
}

TEST_F(VolumeFiles, RemoveWhatIsManyInPieces) {
    for (int i = 0; i < 3000; ++i) {
        std::ofstream(root / std::to_string(i));
    }
    fs::create_directory(root / "way");
    for (int i = 0; i < 1500; ++i) {
        std::ofstream(root / "way" / std::to_string(i));
    }
    EXPECT_EQ(write({{"way/a", "one", 0644}}).removed, 4500U);
    EXPECT_EQ(read(root / "way/a"), "one");
}

TEST_F(VolumeFiles, AFifoInTheirPlaceHoldsNobodyUp) {
    ASSERT_EQ(::mkfifo((root / "a").c_str(), 0666), 0);
    EXPECT_EQ(write({{"a", "one", 0644}}).written, 1U);
    EXPECT_EQ(read(root / "a"), "one");
}

// The look and the opening are two moments; a container has the one between them to itself.
TEST_F(VolumeFiles, AFifoThatComesBetweenHoldsNobodyUp) {
    write({{"a", "one", 0644}});
    ASSERT_EQ(::mkfifo((top / "fifo").c_str(), 0666), 0);
    std::atomic<bool> over = false;
    std::thread hostile([&] {
        while (!over) {
            ::renameat2(AT_FDCWD, (top / "fifo").c_str(), AT_FDCWD, (root / "a").c_str(),
                        RENAME_EXCHANGE);
        }
    });
    for (int i = 0; i < 200; ++i) {
        // A FIFO that is back once more is the next round's; that it comes to an end is all.
        (void)write_files(root, {{"a", "one", 0644}});
    }
    over = true;
    hostile.join();
    EXPECT_EQ(write({{"a", "one", 0644}}).removed, 0U);
}

// The volume of a user who is not root, in which a container made things as another user.
class ForeignFiles : public VolumeFiles {
  protected:
    static constexpr uid_t kUser = 4242, kOther = 4343;

    void SetUp() override {
        ASSERT_EQ(::geteuid(), 0U) << "needs root, who can be two users";
        fs::permissions(top, fs::perms(0755));
        give(root, kUser);
    }

    static void give(const fs::path& path, uid_t user) {
        ASSERT_EQ(::lchown(path.c_str(), user, user), 0);
    }

    // A directory of the other user's with a file in it.
    void put_theirs(const fs::path& path, unsigned mode) {
        fs::create_directory(root / path);
        std::ofstream(root / path / "x") << "theirs";
        fs::permissions(root / path, fs::perms(mode));
        give(root / path / "x", kOther);
        give(root / path, kOther);
    }

    FilesWritten write_as_user(const Files& files) {
        ::setfsuid(kUser);
        const auto written = write_files(root, files);
        ::setfsuid(::geteuid());
        EXPECT_TRUE(written) << (written ? "" : written.error().message);
        return written.value_or(FilesWritten{});
    }
};

TEST_F(ForeignFiles, AreLeftAndToldAndKeepNoUpdateFromBeingMade) {
    write_as_user({{"a", "one", 0644}, {"deep/b", "two", 0644}, {"old", "x", 0644}});
    put_theirs("theirs", 0700);
    put_theirs("shown", 0755);
    std::ofstream(root / "file") << "can be removed, since the directory is ours";
    give(root / "file", kOther);
    const FilesWritten files = write_as_user({{"a", "ONE", 0644}, {"deep/b", "two", 0600}});
    EXPECT_EQ(files.written, 1U);
    EXPECT_EQ(files.removed, 2U) << "old and file";
    EXPECT_EQ(files.left, 2U);
    EXPECT_TRUE(files.first_left == "theirs" || files.first_left == "shown") << files.first_left;
    EXPECT_EQ(read(root / "a"), "ONE");
    EXPECT_EQ(mode(root / "deep/b"), 0600U);
    EXPECT_EQ(read(root / "theirs/x"), "theirs");
}

TEST(ForeignFilesLeft, AreToldWithTheCommandThatRemovesThem) {
    EXPECT_EQ(words_of_left("/v/_data", {.left = 1, .first_left = "db"}),
              "left /v/_data/db: another user of the container's owns that; 'podman unshare rm -r "
              "/v/_data/db' removes it");
    EXPECT_NE(words_of_left("/v/_data", {.left = 3, .first_left = "db"}).find("db and 2 more: "),
              std::string::npos);
}

TEST(ForeignFilesLeft, HaveNamesThatNoShellTakesForCommands) {
    const std::string hostile =
        words_of_left("/v/_data", {.left = 1, .first_left = "x;rm -rf ~;$(id)"});
    EXPECT_NE(hostile.find(R"x(rm -r "/v/_data/x;rm -rf ~;\$(id)"')x"), std::string::npos)
        << hostile;
    const std::string unreadable = words_of_left("/v/_data", {.left = 1, .first_left = "x\ny"});
    EXPECT_EQ(unreadable.find("rm -r"), std::string::npos) << unreadable;
    EXPECT_NE(unreadable.find("ls -lb /v/_data' shows"), std::string::npos) << unreadable;
}

TEST_F(ForeignFiles, GoAsFarAsTheyCanBeRemoved) {
    fs::create_directory(root / "mixed");
    give(root / "mixed", kUser);
    put_theirs("mixed/theirs", 0700);
    std::ofstream(root / "mixed/ours") << "x";
    give(root / "mixed/ours", kUser);
    const FilesWritten files = write_as_user({{"a", "one", 0644}});
    EXPECT_EQ(files.left, 1U);
    EXPECT_EQ(files.first_left, "mixed");
    EXPECT_FALSE(fs::exists(root / "mixed/ours"));
    EXPECT_TRUE(fs::exists(root / "mixed/theirs/x"));
}

TEST_F(ForeignFiles, InTheWayAreMovedAside) {
    put_theirs("a", 0700);
    put_theirs("deep", 0755);
    put_theirs("wide", 0777);
    const FilesWritten files =
        write_as_user({{"a", "one", 0644}, {"deep/b", "two", 0644}, {"wide/c", "three", 0644}});
    EXPECT_EQ(files.written, 3U);
    EXPECT_EQ(read(root / "a"), "one");
    EXPECT_EQ(read(root / "deep/b"), "two");
    EXPECT_EQ(mode(root / "wide"), 0755U);
    EXPECT_EQ(files.left, 2U) << "what is in a directory that all may write in can be removed";
}

TEST_F(ForeignFiles, AFileThatWasGivenAwayIsWrittenAnew) {
    write_as_user({{"a", "one", 0644}});
    give(root / "a", kOther);
    EXPECT_EQ(write_as_user({{"a", "one", 0644}}).written, 0U);
    EXPECT_EQ(write_as_user({{"a", "one", 0600}}).written, 1U);
    EXPECT_EQ(mode(root / "a"), 0600U);
}

TEST_F(VolumeFiles, MakeRoomForASubPath) {
    EXPECT_TRUE(make_sub_path(root, "a/b"));
    EXPECT_TRUE(fs::is_directory(root / "a/b"));
    EXPECT_TRUE(make_sub_path(root, "a/b")) << "twice is once";
    std::ofstream(root / "file") << "x";
    EXPECT_TRUE(make_sub_path(root, "file")) << "a file may be mounted, too";
    EXPECT_EQ(read(root / "file"), "x");
    EXPECT_FALSE(make_sub_path(root, "../x"));
    fs::create_directory_symlink(top, root / "link");
    EXPECT_TRUE(make_sub_path(root, "link/x"));
    EXPECT_FALSE(fs::exists(top / "x"));
}

TEST_F(VolumeFiles, MakeSubPathsThatAnyUserOfAContainerCanEnter) {
    const mode_t before = umask(0077);
    EXPECT_TRUE(make_sub_path(root, "a/b"));
    umask(before);
    EXPECT_EQ(mode(root / "a"), 0755U);
    EXPECT_EQ(mode(root / "a/b"), 0755U);
}

}  // namespace

}  // namespace podreeve::handlers
