#include "runtime/loop/inotify.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <new>
#include <sys/inotify.h>

#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"

namespace podreeve::loop {
namespace {

namespace fs = std::filesystem;

using std::chrono::milliseconds;
using std::chrono::seconds;

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
    bool called(seconds patience = seconds(30)) {
        const int before = calls;
        bool late = false;
        const auto guard = loop->after(patience, [&] {
            late = true;
            loop->stop();
        });
        // A call that came with the one before may have left a stop behind.
        while (calls == before && !late) {
            EXPECT_TRUE(loop->run());
        }
        return calls > before;
    }

    // For what must not be seen: three times as long as a lone change is held back.
    bool stays_silent() {
        const int before = calls;
        const auto guard = loop->after(milliseconds(150), [this] { loop->stop(); });
        EXPECT_TRUE(loop->run());
        return calls == before;
    }

    fakes::TempDir temporary;
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

TEST_F(DirectoryWatchTest, SeesThatADirectoryAboveMayNoLongerBeEnteredAndMayAgain) {
    fs::create_directories(root / "etc" / "apps");
    fs::create_directories(root / "etc" / "other");
    watch({root / "etc" / "apps"});
    for (const fs::perms none : {fs::perms::owner_read | fs::perms::owner_write, fs::perms::none}) {
        fs::permissions(root / "etc", none);
        EXPECT_TRUE(called());
        fs::permissions(root / "etc", fs::perms::owner_all);
        EXPECT_TRUE(called());
    }
    fs::permissions(root / "etc" / "other", fs::perms::owner_all);
    EXPECT_TRUE(stays_silent()) << "of a neighbour";
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
    const SystemClock clock;
    int writes = 0;
    SteadyTime last = clock.steady_now();
    Duration longest_gap{};
    TimerHandle tick;
    std::function<void()> again = [&] {
        write(root / "busy", std::to_string(++writes));
        longest_gap = std::max(longest_gap, clock.steady_now() - last);
        last = clock.steady_now();
        tick = loop->after(milliseconds(10), again);
    };
    tick = loop->after(milliseconds(0), again);
    EXPECT_TRUE(called());
    const bool was_a_stream = longest_gap < milliseconds(40);  // 50 ms of silence end it
    EXPECT_TRUE(writes > 10 || !was_a_stream) << writes;
}

// A kernel that has no room for what is to be watched, until it has.
class FullKernel : public DirectoryWatchTest {
  protected:
    void watch_with_what_there_is() {
        InotifyCalls kernel = InotifyCalls::of_the_kernel();
        kernel.ask_again = milliseconds(1);
        kernel.init = [this, init = kernel.init] { return refused(init_error) ? -1 : init(); };
        kernel.add = [this, add = kernel.add](int fd, const char* path, std::uint32_t mask) {
            if (add_throws && path == root) {
                ++refusals;
                throw std::bad_alloc();
            }
            return path == root && refused(add_error) ? -1 : add(fd, path, mask);
        };
        auto made = DirectoryWatch::create(
            *loop, {root},
            [this] {
                ++calls;
                loop->stop();
            },
            [this](const std::string& why) { reported.push_back(why); }, std::move(kernel));
        ASSERT_TRUE(made) << made.error().message;
        directory_watch = std::move(*made);
    }

    bool refused(int error) {
        errno = error;
        refusals += error != 0 ? 1 : 0;
        return error != 0;
    }

    // Asked so often and refused, it goes on.
    void is_asked_again() {
        const int before = refusals;
        TimerHandle look;
        std::function<void()> wait = [&] {
            if (refusals > before + 3) {
                loop->stop();
            }
            look = loop->after(milliseconds(1), wait);
        };
        look = loop->after(milliseconds(0), wait);
        EXPECT_TRUE(loop->run());
        EXPECT_EQ(calls, 0);
    }

    bool called_once_there_is_room() {
        init_error = add_error = 0;
        add_throws = false;
        return called();
    }

    bool sees_changes() {
        write(root / "web.yaml", "a");
        return called();
    }

    void expect_told_until_there_is_room(const char* limit) {
        watch_with_what_there_is();
        is_asked_again();
        ASSERT_EQ(reported.size(), 1U) << "and not each time";
        EXPECT_NE(reported[0].find(limit), std::string::npos) << reported[0];
        EXPECT_TRUE(called_once_there_is_room()) << "for what went unseen";
        EXPECT_EQ(reported.back(), "");
        EXPECT_TRUE(sees_changes());
        EXPECT_EQ(reported.size(), 2U);
    }

    std::atomic<int> init_error = 0, add_error = 0, refusals = 0;  // it is asked on a thread beside
    std::atomic<bool> add_throws = false;
    std::vector<std::string> reported;
};

TEST_F(FullKernel, WithoutAnInstanceIsAskedAgainAndTellsWhichLimitItIs) {
    init_error = EMFILE;
    expect_told_until_there_is_room("fs.inotify.max_user_instances");
}

TEST_F(FullKernel, WithoutWatchesIsAskedAgainAndTellsWhichLimitItIs) {
    add_error = ENOSPC;
    expect_told_until_there_is_room("fs.inotify.max_user_watches");
}

TEST_F(FullKernel, ThatLacksSomethingElseIsAskedAgainToo) {
    init_error = ENOMEM;
    watch_with_what_there_is();
    ASSERT_EQ(reported.size(), 1U);
    EXPECT_NE(reported[0].find("Cannot allocate memory"), std::string::npos) << reported[0];
    EXPECT_TRUE(called_once_there_is_room());
    EXPECT_TRUE(sees_changes());
}

TEST_F(FullKernel, ThatThrowsIsAskedAgainToo) {
    add_throws = true;
    watch_with_what_there_is();
    is_asked_again();
    ASSERT_EQ(reported.size(), 1U);
    EXPECT_EQ(reported[0], "cannot watch directories: internal error: std::bad_alloc");
    EXPECT_TRUE(called_once_there_is_room()) << "for what went unseen";
    EXPECT_TRUE(sees_changes());
}

// Of two directories one is on a file system that does not answer, from when it is told to hang.
class HangingFileSystem : public DirectoryWatchTest {
  protected:
    HangingFileSystem() {
        fs::create_directory(root / "network");
        fs::create_directory(root / "disk");
    }

    ~HangingFileSystem() override { reply(); }

    // What hangs may do so for longer than the test lasts, so that it owns all that it needs.
    void watch_both(Duration patience = milliseconds(200)) {
        InotifyCalls kernel = InotifyCalls::of_the_kernel();
        kernel.patience = patience;
        kernel.ask_again = milliseconds(1);
        kernel.plan = [hangs = hangs, asked = asked, gate = gate, network = root / "network",
                       plan = kernel.plan](const fs::path& directory) {
            if (directory == network && *hangs) {
                ++*asked;
                gate.wait();
            }
            return plan(directory);
        };
        auto made = DirectoryWatch::create(
            *loop, {root / "network", root / "disk"},
            [this] {
                ++calls;
                loop->stop();
            },
            [this](const std::string& why) { reported.push_back(why); }, std::move(kernel));
        ASSERT_TRUE(made) << made.error().message;
        directory_watch = std::move(*made);
    }

    void reply() {
        if (!std::exchange(replied, true)) {
            *hangs = false;
            opened.set_value();
        }
    }

    std::promise<void> opened;
    bool replied = false;
    const std::shared_future<void> gate = opened.get_future().share();
    const std::shared_ptr<std::atomic<bool>> hangs = std::make_shared<std::atomic<bool>>(false);
    const std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);
    std::vector<std::string> reported;
};

TEST_F(HangingFileSystem, DoesNotHoldTheLoop) {
    watch_both(std::chrono::minutes(1));
    *hangs = true;
    int turns = 0;
    TimerHandle tick;
    std::function<void()> again = [&] {
        if (*asked > 0 && ++turns > 10) {
            reply();
        }
        tick = loop->after(milliseconds(1), again);
    };
    tick = loop->after(milliseconds(0), again);
    write(root / "network" / "web.yaml", "a");
    EXPECT_TRUE(called()) << "its last watch still tells";
    EXPECT_GT(*asked, 0);
    EXPECT_GT(turns, 10) << "while it was asked";
}

TEST_F(HangingFileSystem, KeepsOthersFromNothingAndIsToldUntilItAnswers) {
    watch_both();
    *hangs = true;
    write(root / "disk" / "web.yaml", "a");
    EXPECT_TRUE(called());
    write(root / "disk" / "web.yaml", "b");
    EXPECT_TRUE(called());
    ASSERT_FALSE(reported.empty());
    const std::string hung = (root / "network").string() + ": its file system does not answer";
    EXPECT_TRUE(std::ranges::any_of(reported, [&](const std::string& why) {
        return why.find(hung) != std::string::npos;
    })) << reported[0];
    reply();
    while (!reported.back().empty()) {
        ASSERT_TRUE(called()) << "for what went unseen";
    }
    write(root / "network" / "web.yaml", "a");
    EXPECT_TRUE(called());
}

TEST_F(HangingFileSystem, FromTheBeginKeepsOthersFromNothing) {
    *hangs = true;
    watch_both();
    EXPECT_EQ(reported.size(), 1U);
    write(root / "disk" / "web.yaml", "a");
    EXPECT_TRUE(called());
}

TEST_F(HangingFileSystem, IsLeftBehindAtTheEnd) {
    *hangs = true;
    watch_both();
    directory_watch.reset();
    EXPECT_FALSE(replied);
}

TEST_F(DirectoryWatchTest, RefusesARelativePath) {
    const auto made = DirectoryWatch::create(*loop, {"apps"}, [] {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::InvalidArgument);
}

TEST(WatchPlan, AsksOnlyForRenamesAndModesOfTheDirectoriesAbove) {
    fakes::TempDir temporary;
    fs::create_directories(temporary.path() / "a" / "b");
    const WatchPlan plan = plan_watches({temporary.path() / "a" / "b"});
    ASSERT_TRUE(plan.contains((temporary.path() / "a").string()));
    EXPECT_EQ(plan.at((temporary.path() / "a").string()),
              (Interest{IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB, false, {"b"}}));
    EXPECT_TRUE(plan.at((temporary.path() / "a" / "b").string()).all_names);
}

TEST(WatchPlan, AsksForTheNextComponentOfAPathThatIsNotThere) {
    fakes::TempDir temporary;
    const WatchPlan plan = plan_watches({temporary.path() / "a" / "b"});
    const Interest& nearest = plan.at(temporary.path().string());
    EXPECT_FALSE(nearest.all_names);
    EXPECT_EQ(nearest.names, std::set<std::string>{"a"});
    EXPECT_EQ(nearest.mask & IN_CLOSE_WRITE, 0U);
}

}  // namespace
}  // namespace podreeve::loop
