// A store of every older schema, with something in every table, is brought up and loses nothing.
#include "agent/state/migrations/migrations.h"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/fakes/faulty_disk.h"
#include "tests/unit/state/engine.h"

namespace podreeve::state {
namespace {

using test::MemoryDir;

// What the first podreeve wrote: a change that ended, one that is under way, an app, an event.
constexpr const char* kRowsOfSchema1 = R"sql(
INSERT INTO meta VALUES ('owner', '0123456789abcdef');
INSERT INTO changes VALUES (4, 'deploy-app', 'Deploy web', 'web', '{"spec":"s"}', 1000, 2000);
INSERT INTO changes VALUES (5, 'repair-app', 'Repair web', 'web', '{}', 3000, 0);
INSERT INTO tasks VALUES (7, 4, 'pull-image', 'Pull', 4, 0, '[1]', '[]', 'layers', 7, 7,
    '[[1500,false,"pulled"]]', '{"object":"x"}', '', 0, 1000, 2000);
INSERT INTO tasks VALUES (8, 5, 'start-pod', 'Start', 3, 0, '[1,2]', '[]', '', 0, 1, '[]', '{}',
    'podman is away', 9000, 3000, 0);
INSERT INTO tasks VALUES (9, 5, 'mark-deployed', 'Mark', 10, 4, '[1]', '[8]', '', 0, 1, '[]', '{}',
    'a reboot', 0, 3000, 0);
INSERT INTO apps VALUES ('web', 3, 'new', 'old', 1, '{"n":1}');
INSERT INTO events VALUES (11, 2000, 'web', 'Running', 'up');
)sql";

// A store as the podreeve of that schema left it.
void make_store(const std::filesystem::path& file, std::size_t version) {
    std::ofstream(file).flush();
    const auto db = sqlite::Database::open(file.string());
    ASSERT_TRUE(db);
    for (std::size_t step = 0; step < version; ++step) {
        ASSERT_TRUE(db->run(kMigrations[step]));
        if (step == 0) {
            const Status filled = db->run(kRowsOfSchema1);
            ASSERT_TRUE(filled) << filled.error().message;
        }
    }
    ASSERT_TRUE(db->run("PRAGMA user_version=" + std::to_string(version)));
}

void expect_everything(const State& state) {
    EXPECT_EQ(state.health().set_aside, "");
    EXPECT_EQ(state.owner(), "0123456789abcdef");
    ASSERT_EQ(state.changes().size(), 2U);
    const ChangeView ended = *state.change(4);
    EXPECT_EQ(ended.status, TaskStatus::Done);
    EXPECT_EQ(ended.data, R"({"spec":"s"})");
    EXPECT_EQ(ended.tasks.at(0).log.at(0).text, "pulled");
    EXPECT_EQ(ended.tasks[0].progress.label, "layers");
    EXPECT_EQ(ended.tasks[0].data, R"({"object":"x"})");
    const ChangeView under_way = *state.change(5);
    EXPECT_EQ(under_way.tasks.at(0).status, TaskStatus::Doing);
    EXPECT_EQ(under_way.tasks[0].wait_reason, "podman is away");
    EXPECT_EQ(under_way.tasks[0].at, WallTime(Duration(9000)));
    EXPECT_EQ(under_way.tasks[0].also_lanes, std::vector<int>{2});
    EXPECT_EQ(under_way.tasks.at(1).status, TaskStatus::Wait);
    EXPECT_EQ(under_way.tasks[1].waited, TaskStatus::Done);
    EXPECT_EQ(under_way.tasks[1].after, std::vector<TaskId>{8});
    const AppRecord web{.name = "web",
                        .generation = 3,
                        .spec = "new",
                        .deployed_spec = "old",
                        .stopped = true,
                        .extra = R"({"n":1})"};
    EXPECT_EQ(state.app("web"), web);
    EXPECT_EQ(state.last_event_seq(), 11);
    // What came with later schemas begins as nothing.
    EXPECT_FALSE(ended.tasks[0].clean);
    EXPECT_EQ(ended.tasks[0].doing, Duration{});
    EXPECT_EQ(under_way.behind, 0);
}

// By the names that the first release gave them.
TEST(Migration, GivesWhatIsStoredTheNamesOfToday) {
    const MemoryDir dir;
    fakes::FakeTime time;
    make_store(dir.path() / "state.db", 2);
    {
        const auto db = sqlite::Database::open((dir.path() / "state.db").string());
        const Status filled = db->run(R"sql(
UPDATE apps SET extra = '{"alone":true,"wish":7}';
UPDATE changes SET data = '{"spec":"parked","wish":7}' WHERE id = 5;
UPDATE tasks SET kind = 'park-container', data = '{"details":{"parked":"a-parked-01"},"object":"parked"}'
    WHERE id = 8;
UPDATE tasks SET data = '{"details":{"why":"wedged"},"object":"wedged"}' WHERE id = 9;
UPDATE tasks SET data = '{"details":{"why":"parked"}}' WHERE id = 7;
INSERT INTO apps VALUES ('torn', 1, '', '', 0, '{"wish":');
)sql");
        ASSERT_TRUE(filled) << filled.error().message;
    }
    const auto state = test::open_state(dir.path(), time);
    EXPECT_EQ(state->app("web")->extra, R"({"alone":true,"request":7})");
    EXPECT_EQ(state->app("torn")->extra, R"({"wish":)");
    const ChangeView change = *state->change(5);
    EXPECT_EQ(change.data, R"({"spec":"parked","request":7})");
    EXPECT_EQ(change.tasks[0].kind, "retain-container");
    EXPECT_EQ(change.tasks[0].data, R"({"details":{"retained":"a-parked-01"},"object":"parked"})");
    EXPECT_EQ(change.tasks[1].data, R"({"details":{"why":"stuck"},"object":"wedged"})");
    EXPECT_EQ(state->change(4)->tasks[0].data, R"({"details":{"why":"retained"}})");
}

class FromSchema : public testing::TestWithParam<std::size_t> {};

TEST_P(FromSchema, EverythingIsThereAndCanBeGoneOnWith) {
    const MemoryDir dir;
    fakes::FakeTime time;
    make_store(dir.path() / "state.db", GetParam());
    {
        const auto state = test::open_state(dir.path(), time);
        expect_everything(*state);
        EXPECT_EQ(*state->core().store.database().integer("PRAGMA user_version"),
                  static_cast<std::int64_t>(kSchemaVersion));
        EXPECT_EQ(*state->add_change(test::one_task("a", "db")), 6);
        ASSERT_TRUE(state->supersede_change(5, "newer"));
    }
    const auto again = test::open_state(dir.path(), time);
    EXPECT_EQ(again->change(6)->tasks[0].id, 10);
    EXPECT_EQ(again->change(5)->tasks[0].status, TaskStatus::Abort);
}

INSTANTIATE_TEST_SUITE_P(Schemas, FromSchema, testing::Range(std::size_t{1}, kSchemaVersion + 1));

TEST(Migration, ThatIsCutOffByAFullDiskIsMadeAtTheNextStart) {
    fakes::FaultyDisk disk;
    fakes::FakeTime time;
    unsigned refused = 0;
    for (unsigned write = 1; write <= 12; ++write) {
        SCOPED_TRACE("write " + std::to_string(write));
        const MemoryDir dir;
        disk.mend();
        make_store(dir.path() / "state.db", 1);
        disk.fail_from(write, fakes::DiskFault::Full);
        const auto cut = State::open(dir.path(), time);
        refused += cut ? 0 : 1;
        disk.mend();
        if (!cut) {
            expect_everything(*test::open_state(dir.path(), time));
        }
    }
    EXPECT_GT(refused, 0U);
}

}  // namespace
}  // namespace podreeve::state
