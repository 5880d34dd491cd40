#include <algorithm>
#include <regex>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/handlers/scenarios.h"

// What every task kind has to hold: doing twice is doing once, undoing reverses, a kill at any
// instant is healed by running again, and what is not ours stays as it is.
namespace podreeve::handlers::testing {

namespace {

struct Case {
    const Scenario* scenario;
    std::string version;
};

void PrintTo(const Case& one, std::ostream* out) {
    *out << one.scenario->name << " on podman " << one.version;
}

// Podman's versions differ where pods and service containers are concerned; the rest is tried on
// one.
bool differs_by_version(const Scenario& scenario) {
    return scenario.name.find("pod") != std::string::npos ||
           scenario.name.find("service") != std::string::npos;
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const Scenario& scenario : scenarios()) {
        all.push_back({&scenario, "5.4.2"});
        if (differs_by_version(scenario)) {
            all.push_back({&scenario, "5.8.6"});
        }
        if (differs_by_version(scenario) && !scenario.only_held) {
            all.push_back({&scenario, "4.3.1"});
        }
    }
    return all;
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
    std::string name = info.param.scenario->name + "_" + info.param.version;
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
    return name;
}

// "POST containers/<id>/start" as a rule for the fake: ids differ from world to world.
struct Call {
    std::string method, path;
};

Call call_of(const std::string& mutation) {
    const auto space = mutation.find(' ');
    std::string path = mutation.substr(space + 1);
    path = path.substr(0, path.find('?'));
    path = std::regex_replace(path, std::regex("[0-9a-f]{64}"), "[0-9a-f]{64}");
    return {mutation.substr(0, space), path};
}

// Down is down: that something has run once cannot be taken back. Podman 5.8 leaves a service
// container running once it is made, 5.4 does not.
std::string at_rest(const std::string& snapshot) {
    static const std::regex down("\"(created|exited|stopped|Created|Exited|Stopped)\"");
    static const std::regex service("(\"web-service\",\\s*)\"running\"");
    return std::regex_replace(std::regex_replace(snapshot, service, "$1\"down\""), down,
                              "\"down\"");
}

class EveryKind : public ::testing::TestWithParam<Case> {
  protected:
    static const Scenario& scenario() { return *GetParam().scenario; }

    static std::unique_ptr<Bench> bench() {
        auto bench = std::make_unique<Bench>(GetParam().version);
        scenario().given(*bench);
        bench->podman->clear_journal();
        return bench;
    }

    struct Clean {
        std::string before, after;
        std::vector<std::string> mutations;
        int saves = 0;
    };

    // What an unbroken run leads to: the same for all tests of a case, since nothing in it is
    // random.
    static const Clean& clean_run() {
        static std::map<std::string, Clean> runs;
        const std::string key = scenario().name + GetParam().version;
        const auto known = runs.find(key);
        return known != runs.end() ? known->second : runs.emplace(key, run_clean()).first->second;
    }

    static Clean run_clean() {
        auto world = bench();
        Clean clean;
        StoredTask task = scenario().step(*world);
        clean.before = world->snapshot();
        world->podman->clear_journal();
        EXPECT_EQ(world->run(task), "");
        clean.mutations = world->podman->mutations();
        clean.saves = task.saves;
        clean.after = world->snapshot();
        return clean;
    }
};

TEST_P(EveryKind, DoesWhatItSays) {
    const Clean& clean = clean_run();
    EXPECT_EQ(clean.before != clean.after, scenario().changes) << clean.after;
}

TEST_P(EveryKind, DoneTwiceIsDoneOnce) {
    auto world = bench();
    StoredTask task = scenario().step(*world);
    ASSERT_EQ(world->run(task), "");
    const std::string after = world->snapshot();
    world->podman->clear_journal();
    EXPECT_EQ(world->run(task), "");
    EXPECT_EQ(world->podman->mutations(), std::vector<std::string>());
    EXPECT_EQ(world->snapshot(), after);
}

TEST_P(EveryKind, IsUndone) {
    const KindRow* row = row_of(scenario().kind);
    ASSERT_NE(row, nullptr);
    ASSERT_EQ(row->undo != nullptr, scenario().undoable);
    auto world = bench();
    StoredTask task = scenario().step(*world);
    const std::string before = world->snapshot();
    ASSERT_EQ(world->run(task), "");
    const std::string after = world->snapshot();
    EXPECT_EQ(world->undo(task), "");
    if (scenario().reverses && scenario().undoable) {
        EXPECT_EQ(at_rest(world->snapshot()), at_rest(before));
    }
    if (!scenario().undoable) {
        EXPECT_EQ(world->snapshot(), after);
    }
    const std::string undone = world->snapshot();
    EXPECT_EQ(world->undo(task), "");
    EXPECT_EQ(world->snapshot(), undone) << "undone twice is undone once";
}

TEST_P(EveryKind, LeavesTheOldStateAloneWhenItsUndoIsNotWanted) {
    auto world = bench();
    StoredTask task = scenario().step(*world);
    ASSERT_TRUE(task.save({{"details", {{"undo", false}}}}));
    ASSERT_EQ(world->run(task), "");
    const std::string after = world->snapshot();
    EXPECT_EQ(world->undo(task), "");
    EXPECT_EQ(world->snapshot(), after);
}

TEST_P(EveryKind, HealsWhenKilledBeforeOrAfterAnyCall) {
    const Clean& clean = clean_run();
    for (const std::string& mutation : clean.mutations) {
        const Call call = call_of(mutation);
        for (const auto cut :
             {fakes::FakePodman::Cut::BeforeWork, fakes::FakePodman::Cut::BeforeReply}) {
            auto world = bench();
            StoredTask task = scenario().step(*world);
            world->podman->drop_next(call.method, call.path, cut);
            EXPECT_EQ(world->run(task), "") << mutation;
            EXPECT_EQ(world->snapshot(), clean.after) << mutation;
        }
    }
}

TEST_P(EveryKind, HealsWhenKilledAfterAnySave) {
    const Clean& clean = clean_run();
    for (int save = 1; save <= clean.saves; ++save) {
        auto world = bench();
        StoredTask task = scenario().step(*world);
        task.dies_at_save = save;
        EXPECT_EQ(world->run(task), "killed");
        EXPECT_EQ(world->run(task), "") << "save " << save;
        EXPECT_EQ(world->snapshot(), clean.after) << "save " << save;
    }
}

TEST_P(EveryKind, HealsWhenKilledWhileUndoing) {
    if (!scenario().undoable) {
        EXPECT_EQ(row_of(scenario().kind)->undo, nullptr);
        return;
    }
    auto first = bench();
    StoredTask done = scenario().step(*first);
    ASSERT_EQ(first->run(done), "");
    first->podman->clear_journal();
    ASSERT_EQ(first->undo(done), "");
    const auto mutations = first->podman->mutations();
    const std::string undone = first->snapshot();
    for (const std::string& mutation : mutations) {
        const Call call = call_of(mutation);
        for (const auto cut :
             {fakes::FakePodman::Cut::BeforeWork, fakes::FakePodman::Cut::BeforeReply}) {
            auto world = bench();
            StoredTask task = scenario().step(*world);
            ASSERT_EQ(world->run(task), "");
            world->podman->drop_next(call.method, call.path, cut);
            EXPECT_EQ(world->undo(task), "") << mutation;
            EXPECT_EQ(world->snapshot(), undone) << mutation;
        }
    }
}

TEST_P(EveryKind, LeavesWhatIsNotOursAsItIs) {
    auto world = std::make_unique<Bench>(GetParam().version);
    if (!scenario().foreign) {
        EXPECT_TRUE(scenario().step(*world).data().is_object());
        return;
    }
    // A step made of a world where it was ours, so that it names the foreign one by name alone.
    auto donor = bench();
    StoredTask task = scenario().step(*donor);
    ASSERT_TRUE(task.save({{"id", nullptr}}));
    scenario().foreign(*world);
    const std::string before = world->snapshot();
    EXPECT_NE(world->run(task), "");
    EXPECT_EQ(world->snapshot(), before);
    world->undo(task);
    EXPECT_EQ(world->snapshot(), before);
}

TEST_P(EveryKind, WaitsWhilePodmanIsAway) {
    const Clean& clean = clean_run();
    auto world = bench();
    StoredTask task = scenario().step(*world);
    if (clean.mutations.empty()) {
        EXPECT_EQ(world->run(task), "");
        return;
    }
    world->podman->refuse(true);
    const auto away = world->run_once(task);
    EXPECT_TRUE(std::holds_alternative<state::TaskRetry>(away));
    world->podman->refuse(false);
    EXPECT_EQ(world->run(task), "");
    EXPECT_EQ(world->snapshot(), clean.after);
}

TEST_P(EveryKind, EndsAtOnceWhenItIsStopped) {
    auto world = bench();
    StoredTask task = scenario().step(*world);
    const std::string before = world->snapshot();
    task.stopping.request_stop();
    const auto outcome = world->run_once(task);
    ASSERT_TRUE(std::holds_alternative<Error>(outcome));
    EXPECT_EQ(std::get<Error>(outcome).code, Code::Cancelled);
    EXPECT_EQ(world->snapshot(), before);
}

INSTANTIATE_TEST_SUITE_P(Handlers, EveryKind, ::testing::ValuesIn(cases()), case_name);

TEST(Handlers, HaveARowAndAScenarioForEveryKind) {
    for (int number = 0; number <= static_cast<int>(plan::StepKind::RemoveLeftover); ++number) {
        const auto kind = static_cast<plan::StepKind>(number);
        const std::string name(to_string(kind));
        EXPECT_EQ(plan::step_kind_from(name), kind);
        EXPECT_NE(row_of(kind), nullptr) << name;
        const bool has_scenario =
            std::any_of(scenarios().begin(), scenarios().end(),
                        [&](const Scenario& scenario) { return scenario.kind == kind; });
        EXPECT_TRUE(has_scenario) << name;
    }
    EXPECT_EQ(table().size(), static_cast<std::size_t>(plan::StepKind::RemoveLeftover) + 1);
}

TEST(Handlers, LimitEachKindSoThatSlowOnesCannotStarveTheRest) {
    const auto limit = [](plan::StepKind kind, const Limits& limits) {
        Bench bench("5.4.2");
        return handlers_for(*row_of(kind), *bench.world, limits).limit;
    };
    EXPECT_EQ(limit(plan::StepKind::PullImage, {}), 3U);
    EXPECT_EQ(limit(plan::StepKind::StopPod, {}), 8U);
    EXPECT_EQ(limit(plan::StepKind::CreatePod, {}), 4U);
    EXPECT_EQ(limit(plan::StepKind::StartPod, {}), 4U);
    const Limits others{.pulls = 1, .stops = 2, .creates = 5, .starts = 6};
    EXPECT_EQ(limit(plan::StepKind::PullImage, others), 1U);
    EXPECT_EQ(limit(plan::StepKind::RemoveVolume, others), 2U);
    EXPECT_EQ(limit(plan::StepKind::MarkDeployed, others), 5U);
    EXPECT_EQ(limit(plan::StepKind::StartContainer, others), 6U);
}

TEST(Handlers, HaveALimitForTheirSortTogetherOfWhichOneAppTakesHalf) {
    Bench bench("5.4.2");
    const auto of = [&](StepKind kind) {
        return handlers_for(*row_of(kind), *bench.world, Limits{});
    };
    for (const StepKind kind : {StepKind::RemoveVolume, StepKind::RetainContainer}) {
        EXPECT_EQ(of(kind).sort, of(StepKind::StopPod).sort) << to_string(kind);
    }
    for (const StepKind kind : {StepKind::StartPod, StepKind::PullImage, StepKind::StartUnit}) {
        EXPECT_NE(of(kind).sort, of(StepKind::StopPod).sort) << to_string(kind);
    }
    for (const KindRow& row : table()) {
        const state::TaskHandlers handlers = of(row.kind);
        EXPECT_EQ(handlers.share, std::max(handlers.limit / 2, 1U)) << to_string(row.kind);
        EXPECT_NE(handlers.sort, "") << to_string(row.kind);
    }
}

}  // namespace

}  // namespace podreeve::handlers::testing
