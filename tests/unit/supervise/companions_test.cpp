#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/supervise/decide/memory.h"
#include "agent/supervise/supervisor.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

// Which version of an app's companions is in force, and when a unit that is down is started again.
namespace podreeve::supervise {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using systemd::UnitState;

constexpr const char* kPart = "web.container";
constexpr const char* kService = "web.service";

std::shared_ptr<const manifests::AppSpec> version(const std::string& text) {
    auto spec = std::make_shared<manifests::AppSpec>();
    spec->name = "web";
    manifests::CompanionSpec companion;
    companion.part = kPart;
    companion.text = text;
    spec->companions.push_back(companion);
    return spec;
}

// An agent that knows of one app with one unit.
class CompanionAgent {
  public:
    CompanionAgent() {
        time.set_wall(WallTime(std::chrono::hours(500'000)));
        state = std::move(*state::State::open(temp.path(), time));
        supervisor.emplace(*state, time, [this](const std::string&, const std::string& hash) {
            return hash == manifests::spec_hash(*former) ? former : nullptr;
        });
        desired.apps["web"] = newest;
        observed.companions.emplace();
        observed.companions->wanted[kPart] = {{kService}, false};
    }

    plan::CompanionPolicy pass(const UnitState& unit) {
        observed.companions->units.emplace();
        observed.companions->units->units[kService] = unit;
        prepared = supervisor->prepare(desired, observed, {});
        return prepared.policy.apps.at("web").companions;
    }

    AppMemory memory() const { return memory_from(state->app("web")->extra); }

    void remember(const AppMemory& memory) {
        ASSERT_TRUE(state->edit_app(
            "web", [&](state::AppRecord& record) { record.extra = to_extra(memory); }));
    }

    // A start of the unit is on its way.
    void tell_to_start() {
        plan::Plan plan;
        plan::AppPlan& planned = plan.companions["web"];
        planned.app = "web";
        planned.companions = true;
        plan::Step step;
        step.kind = plan::StepKind::StartUnit;
        step.object = kService;
        planned.steps.push_back(step);
        ASSERT_EQ(supervisor->admit_companions(plan).size(), 1U);
    }

    bool newest_in_force() {
        pass({});
        return prepared.companions.at("web") == newest;
    }

    fakes::TempDir temp;
    fakes::FakeTime time;
    std::unique_ptr<state::State> state;
    std::shared_ptr<const manifests::AppSpec> former = version("[Container]\nImage=a\n");
    std::shared_ptr<const manifests::AppSpec> newest = version("[Container]\nImage=b\n");
    std::optional<Supervisor> supervisor;
    manifests::Desired desired;
    observe::Observed observed;
    Prepared prepared;
};

UnitState down(const char* active, WallTime since, WallTime until) {
    UnitState unit;
    unit.load_state = "loaded";
    unit.active_state = active;
    unit.result = "success";
    unit.active_since = since;
    unit.inactive_since = until;
    return unit;
}

const WallTime kToday{std::chrono::hours(500'000)};
const UnitState kShort = down("inactive", kToday - seconds(2), kToday - seconds(1));
const UnitState kLong = down("inactive", kToday - seconds(90), kToday - seconds(1));
const UnitState kForgotten = down("inactive", {}, {});

UnitState changed(UnitState unit, const std::function<void(UnitState&)>& how) {
    how(unit);
    return unit;
}

struct UnitEnd {
    const char* name;
    UnitState unit;
    bool reported;  // to start, since it was last seen
    std::int64_t short_runs;
    bool rests;
    bool ends = false;  // it does one thing, and its author wants it not to stay active
};

// Each after two short runs, of which the time of the next start is not here yet.
TEST(CompanionEnds, AreCountedOnceAndHoldTheNextStart) {
    const UnitEnd rows[] = {
        {"a third short run", kShort, true, 3, true},
        {"a good run", kLong, true, 0, false},
        {"still down, and systemd has forgotten it", kForgotten, false, 2, true},
        {"started, and never seen active: a condition of its own", kForgotten, true, 3, true},
        {"a start that failed is its change's to hold",
         changed(kForgotten, [](UnitState& unit) { unit.active_state = "failed"; }), true, 2, true},
        {"masked", changed(kShort, [](UnitState& unit) { unit.load_state = "masked"; }), true, 2,
         false},
        {"it runs", changed(kShort, [](UnitState& unit) { unit.active_state = "active"; }), true, 2,
         false},
        {"a one-shot that is done", kShort, true, 2, false, true},
    };
    for (const UnitEnd& row : rows) {
        CompanionAgent agent;
        agent.pass(changed(kShort, [](UnitState& unit) { unit.active_state = "active"; }));
        AppMemory memory = agent.memory();
        memory.restarts[kService] = {2, 2, "web.service/1", agent.time.system_now() + seconds(1)};
        agent.remember(memory);
        agent.observed.companions->wanted[kPart].ends = row.ends;
        if (row.reported) {
            agent.tell_to_start();
        }
        const auto policy = agent.pass(row.unit);
        EXPECT_EQ(agent.memory().restarts[kService].short_runs, row.short_runs) << row.name;
        EXPECT_EQ(policy.resting.contains(kService), row.rests) << row.name;
        agent.pass(row.unit);
        EXPECT_EQ(agent.memory().restarts[kService].short_runs, row.short_runs) << row.name;
    }
}

// A renamed unit is another, and the counter of the one before would stay for ever.
TEST(CompanionEnds, OfServicesThatNoVersionHasAreForgotten) {
    CompanionAgent agent;
    agent.pass({});
    AppMemory memory = agent.memory();
    memory.restarts["former.service"] = {3, 3, "former.service/1", {}};
    memory.restarts[kService] = {2, 2, "web.service/1", {}};
    agent.remember(memory);
    agent.observed.companions->wanted.clear();
    agent.pass({});
    EXPECT_TRUE(agent.memory().restarts.contains("former.service")) << "nothing is known of units";
    agent.observed.companions->wanted[kPart] = {{kService}, false};
    agent.pass({});
    EXPECT_FALSE(agent.memory().restarts.contains("former.service"));
    EXPECT_TRUE(agent.memory().restarts.contains(kService));
}

TEST(CompanionEnds, AreForgottenWithTheLastCompanion) {
    CompanionAgent agent;
    agent.pass({});
    AppMemory memory = agent.memory();
    memory.restarts[kService] = {2, 2, "web.service/1", {}};
    memory.companions.clear();
    agent.remember(memory);
    auto without = std::make_shared<manifests::AppSpec>(*agent.newest);
    without->companions.clear();
    agent.desired.apps["web"] = without;
    agent.prepared = agent.supervisor->prepare(agent.desired, agent.observed, {});
    EXPECT_TRUE(agent.memory().restarts.empty());
}

TEST(ContainerEnds, OfContainersThatNoVersionHasAreForgotten) {
    for (const bool with_units : {false, true}) {
        CompanionAgent agent;
        agent.pass({});
        AppMemory memory = agent.memory();
        memory.restarts["db"] = {3, 3, "1", {}};
        memory.restarts["former"] = {3, 3, "2", {}};
        if (!with_units) {
            memory.companions.clear();
        }
        agent.remember(memory);
        auto renamed = std::make_shared<manifests::AppSpec>(*agent.newest);
        if (!with_units) {
            renamed->companions.clear();
        }
        manifests::ContainerSpec container;
        container.name = container.part = "db";
        renamed->containers.push_back(container);
        agent.desired.apps["web"] = renamed;
        agent.prepared = agent.supervisor->prepare(agent.desired, agent.observed, {});
        EXPECT_FALSE(agent.memory().restarts.contains("former")) << with_units;
        EXPECT_TRUE(agent.memory().restarts.contains("db")) << with_units;
    }
}

TEST(CompanionRestart, IsNotOverWhileTheUnitCannotBeSeen) {
    CompanionAgent agent;
    agent.pass(changed(kShort, [](UnitState& unit) { unit.active_state = "active"; }));
    AppMemory memory = agent.memory();
    memory.restart = 5;
    agent.remember(memory);
    agent.observed.companions->units.reset();
    agent.prepared = agent.supervisor->prepare(agent.desired, agent.observed, {});
    EXPECT_EQ(agent.memory().restart, 5);
    agent.pass(kLong);
    EXPECT_EQ(agent.memory().restart, 0);
}

TEST(CompanionEnds, HoldNobodyThatAPersonStopped) {
    CompanionAgent agent;
    agent.pass({});
    ASSERT_TRUE(agent.supervisor->request("web", {.verb = Verb::Stop}));
    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(
            agent.pass(changed(kShort, [&](UnitState& unit) { unit.active_since += seconds(i); }))
                .resting.empty());
    }
    EXPECT_EQ(agent.memory().restarts[kService].short_runs, 0);
}

// What follows a stop, or a shutdown of the host, waits that long.
TEST(CompanionEnds, OnRequestCountInHowLongAStopMayTake) {
    CompanionAgent agent;
    agent.pass({});
    const auto report = agent.supervisor->request("web", {.verb = Verb::Stop});
    ASSERT_TRUE(report);
    EXPECT_EQ(report->at_most, seconds(90));
}

struct EndedChange {
    const char* name;
    const char* kind;
    state::TaskStatus status;
    const char* task;    // of its change
    bool newest_now;     // is in force right after it
    bool newest_later;   // six minutes later; after another five it is
    bool former_stands;  // is remembered as what stood last
};

TEST(CompanionVersions, FollowWhatBecameOfTheChangeThatBroughtThem) {
    using state::TaskStatus;
    const EndedChange rows[] = {
        {"it failed before it touched what runs", "deploy-companions", TaskStatus::Error,
         "install-unit", false, true, true},
        {"it failed, and took down what runs", "deploy-companions", TaskStatus::Error,
         "restart-unit", false, false, true},
        {"it was aborted by the agent", "deploy-companions", TaskStatus::Undone, "restart-unit",
         false, true, true},
        {"a repair failed", "repair-companions", TaskStatus::Error, "start-unit", true, true, true},
    };
    for (const EndedChange& row : rows) {
        CompanionAgent agent;
        agent.pass({});
        AppMemory memory;
        memory.companions = manifests::spec_hash(*agent.former);
        agent.remember(memory);
        state::ChangeView change;
        change.id = 7;
        change.subject = plan::companions_of("web");
        change.kind = row.kind;
        change.status = row.status;
        change.error = "cannot do it";
        change.ready = agent.time.system_now();
        change.data = fmt::format(R"({{"spec":"{}"}})", manifests::spec_hash(*agent.newest));
        state::TaskView task;
        task.kind = row.task;
        task.status = row.status;
        change.tasks.push_back(task);
        agent.supervisor->change_ended(change);
        EXPECT_EQ(agent.newest_in_force(), row.newest_now) << row.name;
        agent.time.advance(minutes(6));
        EXPECT_EQ(agent.newest_in_force(), row.newest_later) << row.name;
        agent.time.advance(minutes(5));
        EXPECT_TRUE(agent.newest_in_force()) << row.name;
        agent.supervisor->change_ended(change);
        agent.supervisor->forget_failures(std::nullopt);
        EXPECT_TRUE(agent.newest_in_force()) << row.name << ": a person asks for it";
        EXPECT_EQ(agent.memory().companions == manifests::spec_hash(*agent.former),
                  row.former_stands)
            << row.name;
    }
}

state::ChangeView undo_of(const manifests::AppSpec& spec) {
    state::ChangeView undo;
    undo.id = 8;
    undo.subject = plan::companions_of("web");
    undo.kind = state::kUndoKind;
    undo.status = state::TaskStatus::Undone;
    undo.data = fmt::format(R"({{"spec":"{}","undoes":7,"undoes_kind":"deploy-companions"}})",
                            manifests::spec_hash(spec));
    return undo;
}

TEST(CompanionVersions, ThatAPersonUndidGiveWayToTheOneBefore) {
    CompanionAgent agent;
    agent.pass({});
    AppMemory memory;
    memory.companions = manifests::spec_hash(*agent.newest);
    memory.companions_before = manifests::spec_hash(*agent.former);
    agent.remember(memory);
    EXPECT_TRUE(agent.newest_in_force());
    agent.supervisor->change_ended(undo_of(*agent.newest));
    EXPECT_FALSE(agent.newest_in_force());
    agent.time.advance(minutes(60));
    EXPECT_FALSE(agent.newest_in_force());
    EXPECT_EQ(agent.memory().companions, manifests::spec_hash(*agent.former));
    EXPECT_EQ(agent.memory().companions_before, "");
}

TEST(CompanionVersions, ThatWereUndoneAfterAPassHadPlannedDoNotStandAgainByIt) {
    CompanionAgent agent;
    agent.pass({});
    AppMemory memory;
    memory.companions = manifests::spec_hash(*agent.newest);
    memory.companions_before = manifests::spec_hash(*agent.former);
    agent.remember(memory);
    agent.pass({});
    plan::Plan plan;
    plan::AppPlan& planned = plan.companions["web"];
    planned.app = "web";
    planned.companions = true;
    planned.spec = manifests::spec_hash(*agent.newest);
    agent.supervisor->change_ended(undo_of(*agent.newest));
    agent.supervisor->conclude(agent.desired, agent.prepared, agent.observed, plan);
    EXPECT_EQ(agent.memory().companions, manifests::spec_hash(*agent.former));
    EXPECT_FALSE(agent.newest_in_force());
}

// Else what it needs would be stopped before it, and a restart be over at its half.
TEST(CompanionParts, RunWhileSystemdStartsReloadsOrStopsThem) {
    for (const char* state : {"active", "reloading", "activating", "deactivating"}) {
        PartStatus part;
        part.kind = "companion";
        part.state = state;
        EXPECT_TRUE(count_parts({part}, nullptr).any_running) << state;
    }
    PartStatus down;
    down.kind = "companion";
    down.state = "inactive";
    EXPECT_FALSE(count_parts({down}, nullptr).any_running);
}

// What was started from another's file runs on when that file is gone.
TEST(CompanionRuns, OneThatWasStartedFromAnothersFileIsKnownUntilItIsStartedAgain) {
    CompanionAgent agent;
    agent.observed.companions->folder = "/q/podreeve";
    UnitState foreign = changed(kShort, [](UnitState& unit) {
        unit.active_state = "active";
        unit.source_path = "/q/web.container";
        unit.invocation = "one";
    });
    EXPECT_TRUE(agent.pass(foreign).foreign_runs.empty()) << "it is not ours to restart";
    UnitState ours = changed(
        foreign, [](UnitState& unit) { unit.source_path = "/q/podreeve/web/web.container"; });
    EXPECT_EQ(agent.pass(ours).foreign_runs, std::set<std::string>{kService});
    EXPECT_EQ(agent.pass(ours).foreign_runs, std::set<std::string>{kService}) << "until it is over";
    ours.invocation = "two";
    EXPECT_TRUE(agent.pass(ours).foreign_runs.empty());
    EXPECT_TRUE(agent.memory().foreign_runs.empty());
}

TEST(CompanionParts, AUnitWhoseContainerIsPausedIsNotReady) {
    observe::Observed observed;
    observed.companions.emplace();
    observed.companions->folder = "/q/podreeve";
    observed.companions->wanted[kPart] = {{kService}, false};
    observed.companions->units.emplace();
    UnitState& unit = observed.companions->units->units[kService];
    unit.load_state = "loaded";
    unit.active_state = "active";
    unit.source_path = "/q/podreeve/web/web.container";
    podman::ContainerSummary container;
    container.name = "systemd-web";
    container.state = podman::ContainerState::Paused;
    container.labels[observe::kLabelSystemdUnit] = kService;
    observed.containers.push_back(container);
    const auto spec = version("[Container]\nImage=a\n");
    const auto part = list_parts("web", spec.get(), ObservedIndex(observed, "me"), {}).at(0);
    EXPECT_EQ(part.state, "paused");
    EXPECT_TRUE(part.up);
    EXPECT_FALSE(part.ready);
    EXPECT_NE(part.health_message.find("podman unpause systemd-web"), std::string::npos);
}

}  // namespace
}  // namespace podreeve::supervise
