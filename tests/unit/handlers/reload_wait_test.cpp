#include "agent/handlers/reload_wait.h"

#include <gtest/gtest.h>

#include "tests/unit/handlers/bench.h"

// One daemon-reload for all that is written at once, and for whom it does not wait.
namespace podreeve::handlers::testing {
namespace {

using plan::StepKind;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Looks {
  public:
    std::optional<Duration> look(const std::set<state::TaskId>& ahead, bool all_committed = true) {
        return wait_.look(ahead, all_committed, now_);
    }

    // Looks as often as it is told to, until it waits no longer; how long that took.
    Duration looks_until_the_end(const std::set<state::TaskId>& ahead) {
        const SteadyTime begin = now_;
        while (const auto next = look(ahead)) {
            EXPECT_GT(*next, Duration{});
            EXPECT_LE(*next, milliseconds(640));
            now_ += *next;
        }
        return now_ - begin;
    }

    void pass(Duration time) { now_ += time; }

  private:
    ReloadWait wait_;
    SteadyTime now_{seconds(100)};
};

TEST(ReloadWait, IsNoneWhereNobodyWrites) {
    EXPECT_EQ(Looks().look({}), std::nullopt);
}

TEST(ReloadWait, IsForAllThatAreCommittedByThePass) {
    Looks looks;
    EXPECT_EQ(looks.look({}, false), Duration{}) << "more is to come";
    EXPECT_EQ(looks.look({1}, false), Duration{});
    EXPECT_EQ(looks.look({2}, true), milliseconds(20));
    EXPECT_EQ(looks.look({}, true), std::nullopt);
}

TEST(ReloadWait, IsNotForThoseThatComeLater) {
    Looks looks;
    EXPECT_TRUE(looks.look({1, 2}));
    EXPECT_TRUE(looks.look({2, 3}));
    EXPECT_FALSE(looks.look({3, 4}));
}

TEST(ReloadWait, EndsFiveSecondsAfterTheLastWriteThatEnded) {
    Looks looks;
    EXPECT_EQ(looks.looks_until_the_end({1}), seconds(5));
    Looks slow;
    std::set<state::TaskId> ahead;
    for (state::TaskId id = 1; id <= 25; ++id) {
        ahead.insert(id);
    }
    for (; ahead.size() > 1; ahead.erase(ahead.begin())) {
        EXPECT_TRUE(slow.look(ahead)) << ahead.size();
        slow.pass(seconds(4));
    }
    EXPECT_EQ(slow.looks_until_the_end(ahead), seconds(5));
}

TEST(ReloadWait, EndsAlsoWhenAPassHangsWhileItCommits) {
    Looks looks;
    EXPECT_TRUE(looks.look({1}, false));
    looks.pass(seconds(4));
    EXPECT_TRUE(looks.look({1, 2}, false));
    looks.pass(seconds(5));
    EXPECT_FALSE(looks.look({1, 2}, false));
}

// The same asked of the step.
class ReloadStep : public ::testing::Test {
  protected:
    void commit(const std::string& app, const std::vector<std::string>& kinds) {
        state::NewChange change;
        change.kind = "repair-companions";
        change.subject = app + "/companions";
        for (const std::string& kind : kinds) {
            change.tasks.push_back({.kind = kind, .summary = kind});
        }
        EXPECT_TRUE(bench_.state->add_change(change));
    }

    bool waits() { return std::holds_alternative<state::TaskRetry>(bench_.run_once(reload_)); }

    Bench bench_;
    StoredTask reload_ = bench_.task(StepKind::ReloadUnits, "", "web", {{"reloads", 0}});
};

TEST_F(ReloadStep, WaitsForTheFilesOfOthersAndForNothingElse) {
    commit("web", {"install-unit", "reload-units"});
    commit("db", {"stop-unit", "remove-unit"});
    commit("lan", {"start-unit"});
    EXPECT_FALSE(waits());
    EXPECT_EQ(bench_.units.journal(), std::vector<std::string>{"reload"});
}

TEST_F(ReloadStep, IsMadeWhenTheOthersWritingHangs) {
    commit("db", {"install-unit", "reload-units"});
    const SteadyTime begin = bench_.time.steady_now();
    while (waits()) {
        EXPECT_TRUE(bench_.units.journal().empty());
        bench_.time.advance(milliseconds(100));
    }
    EXPECT_EQ(bench_.time.steady_now() - begin, seconds(5));
    EXPECT_TRUE(bench_.companions->waits.lock()->empty()) << "nothing is left of it";
}

TEST_F(ReloadStep, WaitsForThePassThatCommits) {
    {
        const ReloadGate::Committing pass(&bench_.companions->reloads);
        EXPECT_TRUE(waits());
        commit("db", {"remove-unit"});
        EXPECT_TRUE(waits());
    }
    EXPECT_TRUE(waits()) << "for what it has committed";
    ASSERT_TRUE(bench_.state->abort_change(bench_.state->active_changes().at(0).id));
    EXPECT_FALSE(waits());
    EXPECT_EQ(bench_.units.journal(), std::vector<std::string>{"reload"});
}

}  // namespace
}  // namespace podreeve::handlers::testing
