#include "agent/handlers/volume_files.h"

#include <cstdlib>
#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace podreeve::handlers {

namespace {

namespace fs = std::filesystem;
using Files = std::vector<manifests::VolumeFile>;

class VolumeFiles : public ::testing::Test {
  protected:
    VolumeFiles() {
        std::string pattern = (fs::temp_directory_path() / "volume-XXXXXX").string();
        top = mkdtemp(pattern.data());
        root = top / "_data";
        fs::create_directory(root);
    }

    ~VolumeFiles() override { fs::remove_all(top); }

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

    fs::path top, root;
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

}  // namespace

}  // namespace podreeve::handlers
