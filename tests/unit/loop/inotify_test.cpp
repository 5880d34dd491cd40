#include "runtime/loop/inotify.h"

#include <filesystem>
#include <fstream>
#include <sys/inotify.h>

#include <gtest/gtest.h>

namespace podreeve::loop {
namespace {

namespace fs = std::filesystem;

using std::chrono::milliseconds;
using std::chrono::seconds;

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        std::string pattern =
            (fs::canonical(fs::temp_directory_path()) / "podreeve-XXXXXX").string();
        EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
        path_ = pattern;
    }

    ~TemporaryDirectory() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }

    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

void write(const fs::path& path, const std::string& text) {
    std::ofstream(path) << text;
}

class DirectoryWatchTest : public testing::Test {
  protected:
    void SetUp() override {
        auto made = Loop::create();
        ASSERT_TRUE(made);
        loop = std::move(*made);
    }

    void watch(std::vector<fs::path> directories) {
        auto made = DirectoryWatch::create(*loop, std::move(directories), [this] {
            ++calls;
            loop->stop();
        });
        ASSERT_TRUE(made) << made.error().message;
        directory_watch = std::move(*made);
    }

    // Turns the loop until the watch calls, and says whether it did in good time.
    bool called(seconds patience = seconds(5)) {
        const int before = calls;
        const auto guard = loop->after(patience, [this] { loop->stop(); });
        EXPECT_TRUE(loop->run());
        return calls > before;
    }

    // For what must not be seen: three times as long as a lone change is held back.
    bool stays_silent() {
        const int before = calls;
        const auto guard = loop->after(milliseconds(150), [this] { loop->stop(); });
        EXPECT_TRUE(loop->run());
        return calls == before;
    }

    TemporaryDirectory temporary;
    const fs::path root = temporary.path();
    std::unique_ptr<Loop> loop;
    std::unique_ptr<DirectoryWatch> directory_watch;
    int calls = 0;
};

TEST_F(DirectoryWatchTest, SaysNothingOfWhatIsThereAtTheStart) {
    write(root / "web.yaml", "a");
    watch({root});
    EXPECT_TRUE(stays_silent());
}

TEST_F(DirectoryWatchTest, SeesAFileComeChangeAndGo) {
    watch({root});
    write(root / "web.yaml", "a");
    EXPECT_TRUE(called());
    write(root / "web.yaml", "b");
    EXPECT_TRUE(called());
    fs::rename(root / "web.yaml", root / "db.yaml");
    EXPECT_TRUE(called());
    fs::permissions(root / "db.yaml", fs::perms::owner_read);
    EXPECT_TRUE(called());
    fs::remove(root / "db.yaml");
    EXPECT_TRUE(called());
    EXPECT_TRUE(stays_silent());
}

TEST_F(DirectoryWatchTest, GathersABurstIntoOneCall) {
    watch({root});
    for (int i = 0; i < 200; ++i) {
        write(root / ("app" + std::to_string(i) + ".yaml"), "a");
    }
    EXPECT_TRUE(called());
    EXPECT_TRUE(stays_silent());
    EXPECT_EQ(calls, 1);
}

TEST_F(DirectoryWatchTest, WaitsForADirectoryThatDoesNotExistYet) {
    watch({root / "a" / "b" / "c"});
    fs::create_directory(root / "a");
    EXPECT_TRUE(called());
    fs::create_directories(root / "a" / "b" / "c");
    EXPECT_TRUE(called());
    write(root / "a" / "b" / "c" / "web.yaml", "a");
    EXPECT_TRUE(called());
}

TEST_F(DirectoryWatchTest, IgnoresItsNeighboursWhileItWaitsForADirectory) {
    watch({root / "apps"});
    write(root / "something-else", "a");
    fs::create_directory(root / "other");
    EXPECT_TRUE(stays_silent());
}

TEST_F(DirectoryWatchTest, SeesWhatIsMadeTogetherWithItsDirectory) {
    watch({root / "apps"});
    fs::create_directory(root / "new");
    write(root / "new" / "web.yaml", "a");
    fs::rename(root / "new", root / "apps");
    EXPECT_TRUE(called());
    write(root / "apps" / "web.yaml", "b");
    EXPECT_TRUE(called());
}

TEST_F(DirectoryWatchTest, FollowsADirectoryThatIsRemovedAndMadeAnew) {
    fs::create_directory(root / "apps");
    watch({root / "apps"});
    fs::remove_all(root / "apps");
    EXPECT_TRUE(called());
    fs::create_directory(root / "apps");
    EXPECT_TRUE(called());
    write(root / "apps" / "web.yaml", "a");
    EXPECT_TRUE(called());
}

TEST_F(DirectoryWatchTest, SeesThatADirectoryAboveIsRenamed) {
    fs::create_directories(root / "etc" / "apps");
    watch({root / "etc" / "apps"});
    fs::rename(root / "etc", root / "old");
    EXPECT_TRUE(called());
    write(root / "old" / "apps" / "web.yaml", "a");
    EXPECT_TRUE(stays_silent());
    fs::create_directories(root / "etc" / "apps");
    EXPECT_TRUE(called());
}

TEST_F(DirectoryWatchTest, LooksIntoDropInDirectories) {
    watch({root});
    fs::create_directory(root / "web.yaml.d");
    EXPECT_TRUE(called());
    write(root / "web.yaml.d" / "10-image.yaml", "a");
    EXPECT_TRUE(called());
    fs::remove_all(root / "web.yaml.d");
    EXPECT_TRUE(called());
}

TEST_F(DirectoryWatchTest, DoesNotLookIntoOtherSubdirectories) {
    fs::create_directory(root / "data");
    watch({root});
    write(root / "data" / "file", "a");
    EXPECT_TRUE(stays_silent());
}

TEST_F(DirectoryWatchTest, SeesTheTargetOfALinkChange) {
    fs::create_directory(root / "apps");
    fs::create_directory(root / "shared");
    write(root / "shared" / "web.yaml", "a");
    fs::create_symlink("../shared/web.yaml", root / "apps" / "web.yaml");
    watch({root / "apps"});
    write(root / "shared" / "web.yaml", "b");
    EXPECT_TRUE(called());
    write(root / "shared" / "unrelated.yaml", "b");
    EXPECT_TRUE(stays_silent());
    fs::remove(root / "shared" / "web.yaml");
    EXPECT_TRUE(called());
    write(root / "shared" / "web.yaml", "c");
    EXPECT_TRUE(called());
}

TEST_F(DirectoryWatchTest, SeesALinkSwappedInTheMiddleOfAPath) {
    fs::create_directories(root / "v1");
    fs::create_directories(root / "v2");
    write(root / "v1" / "web.yaml", "a");
    write(root / "v2" / "web.yaml", "b");
    fs::create_symlink("v1", root / "current");
    fs::create_directory(root / "apps");
    fs::create_symlink("../current/web.yaml", root / "apps" / "web.yaml");
    watch({root / "apps"});
    fs::create_symlink("v2", root / "next");
    fs::rename(root / "next", root / "current");
    EXPECT_TRUE(called());
    write(root / "v2" / "web.yaml", "c");
    EXPECT_TRUE(called());
}

TEST_F(DirectoryWatchTest, WatchesADirectoryThatIsItselfALink) {
    fs::create_directory(root / "real");
    fs::create_directory(root / "other");
    fs::create_directory_symlink("real", root / "apps");
    watch({root / "apps"});
    write(root / "real" / "web.yaml", "a");
    EXPECT_TRUE(called());
    fs::remove(root / "apps");
    fs::create_directory_symlink("other", root / "apps");
    EXPECT_TRUE(called());
    write(root / "other" / "web.yaml", "a");
    EXPECT_TRUE(called());
}

TEST_F(DirectoryWatchTest, SurvivesALinkThatLeadsToItself) {
    fs::create_symlink("loop", root / "loop");
    watch({root, root / "loop" / "apps"});
    write(root / "web.yaml", "a");
    EXPECT_TRUE(called());
}

TEST_F(DirectoryWatchTest, WatchesSeveralDirectoriesAtOnce) {
    fs::create_directory(root / "a");
    fs::create_directory(root / "b");
    watch({root / "a", root / "b"});
    write(root / "a" / "x", "1");
    EXPECT_TRUE(called());
    write(root / "b" / "x", "1");
    EXPECT_TRUE(called());
}

TEST_F(DirectoryWatchTest, CallsWithinHalfASecondOfAStreamOfChanges) {
    watch({root});
    int writes = 0;
    TimerHandle tick;
    std::function<void()> again = [&] {
        write(root / "busy", std::to_string(++writes));
        tick = loop->after(milliseconds(10), again);
    };
    tick = loop->after(milliseconds(0), again);
    EXPECT_TRUE(called(seconds(3)));
    EXPECT_GT(writes, 10);
}

TEST_F(DirectoryWatchTest, RefusesARelativePath) {
    const auto made = DirectoryWatch::create(*loop, {"apps"}, [] {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::InvalidArgument);
}

TEST(WatchPlan, AsksOnlyForRenamesOfTheDirectoriesAbove) {
    TemporaryDirectory temporary;
    fs::create_directories(temporary.path() / "a" / "b");
    const WatchPlan plan = plan_watches({temporary.path() / "a" / "b"});
    ASSERT_TRUE(plan.contains((temporary.path() / "a").string()));
    EXPECT_EQ(plan.at((temporary.path() / "a").string()),
              (Interest{IN_MOVE_SELF | IN_DELETE_SELF, false, {}}));
    EXPECT_TRUE(plan.at((temporary.path() / "a" / "b").string()).all_names);
}

TEST(WatchPlan, AsksForTheNextComponentOfAPathThatIsNotThere) {
    TemporaryDirectory temporary;
    const WatchPlan plan = plan_watches({temporary.path() / "a" / "b"});
    const Interest& nearest = plan.at(temporary.path().string());
    EXPECT_FALSE(nearest.all_names);
    EXPECT_EQ(nearest.names, std::set<std::string>{"a"});
    EXPECT_EQ(nearest.mask & IN_CLOSE_WRITE, 0U);
}

}  // namespace
}  // namespace podreeve::loop
