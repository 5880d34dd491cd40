#include "agent/state/store.h"

#include <fstream>
#include <new>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "agent/state/core.h"
#include "agent/state/migrations/migrations.h"
#include "runtime/base/atomic_file.h"
#include "tests/unit/state/engine.h"

namespace podreeve::state {
namespace {

namespace fs = std::filesystem;
using test::MemoryDir;
using test::open_state;

mode_t mode_of(const fs::path& path) {
    struct stat info {};

    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

void write(const fs::path& path, std::string_view content) {
    std::ofstream(path, std::ios::binary) << content;
}

// A directory that holds a state with one change, one app and one event.
class StateOnDisk : public testing::Test {
  protected:
    StateOnDisk() {
        const auto state = open_state(dir_.path(), time_);
        owner_ = state->owner();
        EXPECT_TRUE(state->add_change(test::one_task("a", "web")));
        EXPECT_TRUE(state->put_app({.name = "web", .generation = 3, .spec = "x"}));
        EXPECT_TRUE(state->append_event({.app = "web", .state = "Running", .message = "up"}));
    }

    fs::path database() const { return dir_.path() / "state.db"; }

    // Opens, and expects a new empty state that keeps the owner and the old file beside it.
    void expect_set_aside() {
        const auto state = open_state(dir_.path(), time_);
        EXPECT_TRUE(state->changes().empty());
        EXPECT_TRUE(state->apps().empty());
        EXPECT_EQ(state->owner(), owner_);
        const std::string aside = state->health().set_aside;
        EXPECT_TRUE(aside.starts_with("state.db.corrupt-")) << aside;
        EXPECT_TRUE(fs::exists(dir_.path() / aside));
        EXPECT_TRUE(state->add_change(test::one_task("a", "web"))) << "the new one is no good";
    }

    MemoryDir dir_;
    fakes::FakeTime time_;
    std::string owner_;
};

TEST_F(StateOnDisk, IsThereAgainAfterAnOpen) {
    const auto state = open_state(dir_.path(), time_);
    ASSERT_EQ(state->changes().size(), 1U);
    EXPECT_EQ(state->changes()[0].subject, "web");
    EXPECT_EQ(state->app("web")->generation, 3);
    ASSERT_EQ(state->events_since(0).size(), 1U);
    EXPECT_EQ(state->events_since(0)[0].message, "up");
    EXPECT_EQ(state->health().set_aside, "");
}

TEST_F(StateOnDisk, TakesWhatACommitThrowsForACommitThatFailed) {
    {
        const auto state = open_state(dir_.path(), time_);
        state->core().store.before_commit = []() -> Status { throw std::bad_alloc(); };
        const Status put = state->put_app({.name = "db"});
        ASSERT_FALSE(put);
        EXPECT_EQ(put.error().code, Code::Internal);
        EXPECT_TRUE(state->health().read_only);
        EXPECT_FALSE(state->app("db"));
        state->core().store.before_commit = nullptr;
        EXPECT_TRUE(state->put_app({.name = "mail"})) << "and the next is none the worse for it";
        EXPECT_FALSE(state->health().read_only);
    }
    const auto state = open_state(dir_.path(), time_);
    EXPECT_TRUE(state->app("mail"));
    EXPECT_FALSE(state->app("db"));
}

TEST_F(StateOnDisk, IsForItsOwnerAlone) {
    ::chmod(dir_.path().c_str(), 0755);
    ::chmod(database().c_str(), 0644);
    const auto state = open_state(dir_.path(), time_);
    EXPECT_EQ(mode_of(dir_.path()), 0700U);
    EXPECT_TRUE(state->put_app({.name = "db"}));
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator(dir_.path())) {
        EXPECT_EQ(mode_of(entry.path()), 0600U) << entry.path();
        ++files;
    }
    EXPECT_EQ(files, 4U) << "state.db, its -wal, lock and owner";
}

// Of a file that somebody has made up.
TEST_F(StateOnDisk, TrustsNoSchemaAndLetsNobodyWriteOne) {
    const auto db = sqlite::Database::open(database());
    ASSERT_TRUE(db) << db.error().message;
    EXPECT_EQ(db->integer("PRAGMA trusted_schema").value_or(-1), 0);
    EXPECT_EQ(db->integer("PRAGMA cell_size_check").value_or(-1), 1);
    EXPECT_TRUE(db->run("PRAGMA writable_schema=ON"));
    EXPECT_FALSE(db->run("UPDATE sqlite_master SET sql=''"));
}

TEST_F(StateOnDisk, RefusesASecondAgentAndNamesTheFirst) {
    auto first = open_state(dir_.path(), time_);
    const auto second = State::open(dir_.path(), time_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::Conflict);
    EXPECT_NE(second.error().message.find("pid " + std::to_string(::getpid())), std::string::npos)
        << second.error().message;
    first.reset();
    EXPECT_TRUE(State::open(dir_.path(), time_)) << "the lock outlived its holder";
}

TEST_F(StateOnDisk, KeepsAndRestoresTheOwner) {
    fs::remove(dir_.path() / "owner");
    EXPECT_EQ(open_state(dir_.path(), time_)->owner(), owner_) << "the database has a copy";
    write(dir_.path() / "owner", "not an id");
    EXPECT_EQ(open_state(dir_.path(), time_)->owner(), owner_);
    EXPECT_EQ(*read_file(dir_.path() / "owner", 100), owner_ + "\n");
}

TEST_F(StateOnDisk, BelievesTheOwnerFileMoreThanTheDatabase) {
    write(dir_.path() / "owner", "0123456789abcdef\n");
    EXPECT_EQ(open_state(dir_.path(), time_)->owner(), "0123456789abcdef");
}

TEST_F(StateOnDisk, SetsGarbageAside) {
    write(database(), std::string(100000, 'g'));
    expect_set_aside();
}

TEST_F(StateOnDisk, SetsATruncatedFileAside) {
    fs::resize_file(database(), fs::file_size(database()) / 2);
    expect_set_aside();
}

TEST_F(StateOnDisk, SetsAFileWithADamagedPageAside) {
    std::fstream file(database(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(4096 * 2);
    file << std::string(4096, '\xee');
    file.close();
    expect_set_aside();
}

TEST_F(StateOnDisk, SetsADatabaseOfSomethingElseAside) {
    for (const auto& entry : fs::directory_iterator(dir_.path())) {
        if (entry.path().filename().string().starts_with("state.db")) {
            fs::remove(entry.path());
        }
    }
    write(database(), "");
    ASSERT_TRUE(sqlite::Database::open(database())->run("CREATE TABLE cookies (x)"));
    expect_set_aside();
}

TEST_F(StateOnDisk, SetsRowsThatMakeNoSenseAside) {
    const char* const damages[] = {
        "UPDATE tasks SET status = 42",
        "UPDATE tasks SET lanes = '[]'",
        "UPDATE tasks SET lanes = 'x'",
        "UPDATE tasks SET waits_for = '[77]'",
        "UPDATE tasks SET waits_for = '[1]'",
        "UPDATE tasks SET log = '[[1,2]]'",
        "UPDATE tasks SET data = '[]'",
        "UPDATE changes SET data = ''",
        "DELETE FROM tasks",
        "DROP TABLE events",
    };
    for (const char* const damage : damages) {
        SCOPED_TRACE(damage);
        ASSERT_TRUE(sqlite::Database::open(database())->run(damage));
        expect_set_aside();
        time_.advance(std::chrono::seconds(1));
    }
}

TEST_F(StateOnDisk, RefusesAFileFromTheFutureAndLeavesItAlone) {
    ASSERT_TRUE(sqlite::Database::open(database())->run("PRAGMA user_version=1000"));
    const auto state = State::open(dir_.path(), time_);
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, Code::Unsupported);
    EXPECT_NE(state.error().message.find("written by a newer podreeve (schema 1000"),
              std::string::npos)
        << state.error().message;
    EXPECT_TRUE(fs::exists(database()));
}

TEST_F(StateOnDisk, RefusesADirectoryThatIsNone) {
    const auto state = State::open(database(), time_);
    ASSERT_FALSE(state);
    EXPECT_TRUE(state.error().message.starts_with("cannot open the directory "))
        << state.error().message;
}

TEST_F(StateOnDisk, RefusesALinkInPlaceOfTheDatabase) {
    fs::rename(database(), dir_.path() / "elsewhere.db");
    fs::create_symlink(dir_.path() / "elsewhere.db", database());
    EXPECT_FALSE(State::open(dir_.path(), time_));
}

TEST_F(StateOnDisk, GivesNoIdTwiceAlsoAfterPruning) {
    {
        const auto state = open_state(dir_.path(), time_);
        ASSERT_TRUE(state->abort_change(1));
        time_.advance(std::chrono::hours(25));
        ASSERT_TRUE(state->prune());
        ASSERT_TRUE(state->changes().empty());
    }
    const auto state = open_state(dir_.path(), time_);
    EXPECT_EQ(*state->add_change(test::one_task("a")), 2);
    EXPECT_EQ(state->change(2)->tasks[0].id, 2);
}

TEST(NewState, MakesTheDirectoryAndThoseAboveIt) {
    const MemoryDir dir;
    fakes::FakeTime time;
    const auto state = open_state(dir.path() / "a" / "b", time);
    EXPECT_EQ(mode_of(dir.path() / "a" / "b"), 0700U);
    EXPECT_EQ(state->owner().size(), 16U);
    EXPECT_EQ(state->rows_written(), 0U);
}

TEST(NewState, IsNotBegunInADirectoryOfOtherThings) {
    const MemoryDir dir;
    fakes::FakeTime time;
    const std::filesystem::path home = dir.path() / "home";
    std::filesystem::create_directory(home);
    std::ofstream(home / "letter") << "dear";
    ASSERT_EQ(::chmod(home.c_str(), 0755), 0);
    const auto refused = State::open(home, time);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Conflict);
    EXPECT_NE(refused.error().message.find("holds other things"), std::string::npos)
        << refused.error().message;
    EXPECT_EQ(mode_of(home), 0755U);
    ASSERT_EQ(std::filesystem::remove(home / "letter"), true);
    ASSERT_TRUE(State::open(home, time));
    EXPECT_EQ(mode_of(home), 0700U) << "an empty one was made for it";
}

TEST(NewState, IsNotBegunInADirectoryOfAnotherUser) {
    ASSERT_EQ(::geteuid(), 0U) << "needs root, who can give a directory away";
    constexpr uid_t kSomebodyElse = 54321;
    const MemoryDir dir;
    fakes::FakeTime time;
    const std::filesystem::path home = dir.path() / "home";
    for (const mode_t mode : {0755U, 0700U}) {
        std::filesystem::create_directory(home);
        ASSERT_EQ(::chmod(home.c_str(), mode), 0);
        ASSERT_EQ(::chown(home.c_str(), kSomebodyElse, kSomebodyElse), 0);
        const auto refused = State::open(home, time);
        ASSERT_FALSE(refused) << mode;
        EXPECT_EQ(refused.error().code, Code::Denied);
        EXPECT_EQ(refused.error().message, "cannot keep the state in " + home.string() +
                                               ": it belongs to user 54321; run 'chown 0 " +
                                               home.string() + "' if it is to be the agent's");
        EXPECT_EQ(mode_of(home), mode) << "left as it was";
        EXPECT_TRUE(std::filesystem::is_empty(home));
        std::filesystem::remove(home);
    }
}

TEST(NewState, LeavesAFileAloneThatIsNotItsLock) {
    const MemoryDir dir;
    fakes::FakeTime time;
    const std::filesystem::path home = dir.path() / "home";
    std::filesystem::create_directory(home);
    ASSERT_EQ(::chmod(home.c_str(), 0700), 0);
    std::ofstream(home / "lock") << "left hand door";
    EXPECT_FALSE(State::open(home, time));
    EXPECT_EQ(std::filesystem::file_size(home / "lock"), 14U);
}

TEST(Schema, IsBroughtUpFromEveryOlderVersion) {
    // A new file is version 0, and what a step leaves is its version; see migrations_test.cpp.
    const MemoryDir dir;
    fakes::FakeTime time;
    { const auto state = open_state(dir.path(), time); }
    const auto db = sqlite::Database::open(dir.path() / "state.db");
    EXPECT_EQ(*db->integer("PRAGMA user_version"), static_cast<std::int64_t>(kSchemaVersion));
}

}  // namespace
}  // namespace podreeve::state
