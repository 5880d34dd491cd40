#include "runtime/base/atomic_file.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"

namespace podreeve {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
  protected:
    std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(root)) {
            found.push_back(entry.path().filename().string());
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    static unsigned mode_of(const fs::path& path) {
        struct stat info {};

        EXPECT_EQ(::stat(path.c_str(), &info), 0);
        return info.st_mode & 07777U;
    }

    fakes::TempDir temp;
    fs::path root = temp.path();
};

TEST_F(AtomicFileTest, WritesAFileWithExactlyItsMode) {
    const mode_t before = ::umask(077);
    const Status done = write_file_atomically(root / "a", "content", 0644);
    ::umask(before);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(read_file(root / "a", 100).value(), "content");
    EXPECT_EQ(mode_of(root / "a"), 0644U);
    EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(AtomicFileTest, ReplacesWhatWasThereAndItsMode) {
    ASSERT_TRUE(write_file_atomically(root / "a", "a long first content", 0644));
    ASSERT_TRUE(write_file_atomically(root / "a", "short", 0600));
    EXPECT_EQ(read_file(root / "a", 100).value(), "short");
    EXPECT_EQ(mode_of(root / "a"), 0600U);
}

TEST_F(AtomicFileTest, WritesBytesOfAnyKind) {
    std::string content(300'000, '\0');
    for (std::size_t i = 0; i < content.size(); ++i) {
        content[i] = static_cast<char>(i * 7);
    }
    ASSERT_TRUE(write_file_atomically(root / "a", content, 0600));
    EXPECT_EQ(read_file(root / "a", content.size()).value(), content);
    ASSERT_TRUE(write_file_atomically(root / "empty", "", 0600));
    EXPECT_EQ(read_file(root / "empty", 0).value(), "");
}

TEST_F(AtomicFileTest, ReplacesALinkAndNotWhatItLeadsTo) {
    ASSERT_TRUE(write_file_atomically(root / "target", "old", 0600));
    fs::create_symlink("target", root / "link");
    ASSERT_TRUE(write_file_atomically(root / "link", "new", 0600));
    EXPECT_EQ(read_file(root / "target", 100).value(), "old");
    EXPECT_FALSE(fs::is_symlink(root / "link"));
}

TEST_F(AtomicFileTest, SaysThatItsDirectoryIsMissing) {
    const Status done = write_file_atomically(root / "none" / "a", "x", 0600);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Code::NotFound);
    EXPECT_TRUE(done.error().message.starts_with("cannot create a file beside " + root.string()));
}

TEST_F(AtomicFileTest, LeavesNothingBehindWhenItCannotReplace) {
    fs::create_directory(root / "taken");
    std::ofstream(root / "taken" / "file") << "x";
    const Status done = write_file_atomically(root / "taken", "x", 0600);
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().message.starts_with("cannot replace "));
    EXPECT_EQ(names(), std::vector<std::string>{"taken"});
}

TEST_F(AtomicFileTest, RefusesANameTooLongForItsTemporary) {
    const Status done = write_file_atomically(root / std::string(255, 'x'), "x", 0600);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Code::InvalidArgument);
    EXPECT_TRUE(names().empty());
}

TEST_F(AtomicFileTest, KeepsTheOldFileWhenTheDiskIsFull) {
    // /dev/full's cousin for whole files: no byte beyond the process' file size limit is written.
    ASSERT_TRUE(write_file_atomically(root / "a", "old", 0600));
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        struct rlimit limit {
            1000, 1000
        };

        ::signal(SIGXFSZ, SIG_IGN);
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const Status done = write_file_atomically(root / "a", std::string(5000, 'x'), 0600);
        ::_exit(done ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "the write did not fail";
    EXPECT_EQ(read_file(root / "a", 100).value(), "old");
    EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(AtomicFileTest, ReadsNoMoreThanAllowed) {
    ASSERT_TRUE(write_file_atomically(root / "a", "12345", 0600));
    EXPECT_EQ(read_file(root / "a", 5).value(), "12345");
    const auto larger = read_file(root / "a", 4);
    ASSERT_FALSE(larger);
    EXPECT_EQ(larger.error().code, Code::InvalidArgument);
}

TEST_F(AtomicFileTest, ReadsOnlyRegularFiles) {
    const auto missing = read_file(root / "none", 10);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::NotFound);
    const auto directory = read_file(root, 10);
    ASSERT_FALSE(directory);
    EXPECT_EQ(directory.error().code, Code::InvalidArgument);
    ASSERT_EQ(::mkfifo((root / "fifo").c_str(), 0600), 0);
    const auto fifo = read_file(root / "fifo", 10);
    ASSERT_FALSE(fifo);
    EXPECT_EQ(fifo.error().code, Code::InvalidArgument);
    fs::create_symlink("itself", root / "itself");
    const auto loop = read_file(root / "itself", 10);
    ASSERT_FALSE(loop);
    EXPECT_EQ(loop.error().code, Code::InvalidArgument);
}

}  // namespace
}  // namespace podreeve
