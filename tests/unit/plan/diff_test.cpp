#include <algorithm>
#include <chrono>
#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/plan/steps.h"
#include "tests/fakes/cpu_time.h"
#include "tests/unit/plan/apps.h"
#include "tests/unit/plan/world.h"

namespace podreeve::plan::test {
namespace {

using podman::ContainerState;

manifests::Desired all_samples() {
    std::vector<manifests::AppSpec> apps;
    for (const std::string& name : sample_names()) {
        apps.push_back(sample(name));
        // Two samples would want the same part names of podman otherwise.
    }
    return desire(apps);
}

World deployed(const manifests::Desired& desired) {
    World world;
    for (const auto& [name, app] : diff(desired, world.observe(true), policy()).apps) {
        world.run(app);
    }
    return world;
}

// A host on which a bit of everything has happened.
World worn() {
    World world = deployed(all_samples());
    world.end_container("clock", 137);
    world.remove_container("duo-one");
    world.remove_pod("db");
    world.container("batch-work").state = ContainerState::Stopping;
    world.add_container("foreign", {{"mine", "yes"}});
    return world;
}

std::string all_of(const Plan& plan) {
    return to_json(plan).dump() + to_text(plan);
}

void shuffle(observe::Observed& observed, unsigned seed) {
    std::mt19937 random(seed);
    std::shuffle(observed.pods.begin(), observed.pods.end(), random);
    for (auto& pod : observed.pods) {
        std::shuffle(pod.members.begin(), pod.members.end(), random);
    }
}

TEST(Diff, GivesAByteIdenticalPlanForTheSameInputs) {
    const manifests::Desired desired = all_samples();
    const observe::Observed observed = worn().observe();
    const std::string first = all_of(diff(desired, observed, policy()));
    EXPECT_EQ(first, all_of(diff(desired, observed, policy())));
    // Not the same objects, but equal ones.
    EXPECT_EQ(first, all_of(diff(all_samples(), worn().observe(), policy())));
}

TEST(Diff, DoesNotDependOnTheOrderOfTheLists) {
    const manifests::Desired desired = all_samples();
    observe::Observed observed = worn().observe();
    const std::string first = all_of(diff(desired, observed, policy()));
    for (unsigned seed = 0; seed < 20; ++seed) {
        shuffle(observed, seed);
        EXPECT_EQ(first, all_of(diff(desired, observed, policy())));
    }
}

TEST(Diff, ShowsTheFirstOfThousandsOfMistakesAndWhereAllAre) {
    manifests::Desired desired;
    manifests::AppProblem problem{"web", "/apps/web.yaml", {}, false};
    for (int line = 1; line <= 5000; ++line) {
        Diagnostic diagnostic;
        diagnostic.position = {"web.yaml", line, 1};
        diagnostic.message = "unknown field";
        problem.diagnostics.push_back(diagnostic);
    }
    desired.problems.push_back(problem);
    const Plan plan = diff(desired, {}, policy());
    const std::string text = to_json(plan).dump();
    EXPECT_NE(text.find("web.yaml:20:1: unknown field"), std::string::npos) << text;
    EXPECT_EQ(text.find("web.yaml:21:1"), std::string::npos);
    EXPECT_NE(text.find("and 4980 more; `podreeve check /apps/web.yaml` shows all"),
              std::string::npos);
}

// Nothing to do, and not as the manifests say: what a script that asks must not take for the same.
TEST(Diff, DiffersAlsoByWhatIsHeldBack) {
    const World world = deployed(desire({sample("clock"), sample("duo")}));
    EXPECT_FALSE(
        diff(desire({sample("clock"), sample("duo")}), world.observe(), policy()).differs());
    manifests::Desired unreadable = desire({sample("duo")});
    unreadable.complete = false;
    const Plan held = diff(unreadable, world.observe(), policy());
    EXPECT_TRUE(held.empty());
    EXPECT_TRUE(held.differs());
    manifests::Desired many = desire({sample("clock"), sample("duo")});
    many.held["clock"] = {"ManyGone", "many went at once"};
    EXPECT_TRUE(diff(many, world.observe(), policy()).differs());
    EXPECT_TRUE(diff(desire({sample("duo")}), world.observe(), policy()).differs());
}

TEST(Diff, CountsADropInOfSomebodyElseAsNone) {
    Plan plan;
    plan.companions["web"].conditions.push_back({"ForeignDropIn", "DropInExists", "", ""});
    EXPECT_FALSE(plan.differs());
    plan.companions["web"].conditions.push_back({"Conflict", "UnitExists", "", ""});
    EXPECT_TRUE(plan.differs());
}

TEST(Diff, LeavesItsInputsAsTheyAre) {
    const manifests::Desired desired = all_samples();
    const observe::Observed observed = worn().observe(true);
    const std::string before = all_of(diff(desired, observed, policy()));
    for (int i = 0; i < 3; ++i) {
        diff({}, observed, policy());
        EXPECT_EQ(before, all_of(diff(desired, observed, policy())));
    }
}

TEST(Diff, PlansOneAppRegardlessOfTheOthers) {
    const World world = worn();
    const Plan together = diff(all_samples(), world.observe(), policy());
    for (const std::string& name : sample_names()) {
        const Plan alone = diff(desire({sample(name)}), world.observe(), policy());
        nlohmann::json one = to_json(alone).at("apps").at(name);
        EXPECT_EQ(one, to_json(together).at("apps").at(name)) << name;
    }
}

TEST(Diff, NamesEveryAppThatIsDesiredOrObserved) {
    const World world = deployed(desire({sample("clock"), sample("duo")}));
    const Plan plan = diff(desire({sample("duo"), sample("shop")}), world.observe(), policy());
    std::vector<std::string> names;
    for (const auto& [name, app] : plan.apps) {
        names.push_back(name + " " + std::string(to_string(app.action)));
    }
    EXPECT_EQ(names, (std::vector<std::string>{"clock remove", "duo none", "shop deploy"}));
}

TEST(Diff, TouchesNothingThatIsNotOurs) {
    World world = worn();
    std::set<std::string> foreign;
    for (const char* name :
         {"a-service", "0123456789ab-service", "x-retained-0123456789ab", "web-b"}) {
        foreign.insert(world.add_container(name, {}).id);
        foreign.insert(
            world
                .add_container(std::string(name) + "-other", {{observe::kLabelApp, "clock"},
                                                              {observe::kLabelPart, "clock"},
                                                              {observe::kLabelOwner, "another"}})
                .id);
        foreign.insert(world
                           .add_container(std::string(name) + "-unit",
                                          {{observe::kLabelApp, "clock"},
                                           {observe::kLabelPart, "clock"},
                                           {observe::kLabelOwner, kOwner},
                                           {observe::kLabelSystemdUnit, "x.service"}})
                           .id);
    }
    foreign.insert(world.add_pod("theirs", {}).id);
    for (const auto& desired : {all_samples(), manifests::Desired{}}) {
        const Plan plan = diff(desired, world.observe(true), policy());
        for (const auto& [name, app] : plan.apps) {
            for (const Step& step : app.steps) {
                EXPECT_FALSE(foreign.contains(step.id)) << step.object;
            }
        }
    }
}

TEST(Diff, NeverTakesAwayWhatItCannotName) {
    for (const std::string& name : sample_names()) {
        World world = deployed(desire({sample(name)}));
        for (const auto& row : world.observe().containers) {
            if (!row.is_infra) {
                world.container(row.name).state = ContainerState::Unknown;
            }
        }
        manifests::AppSpec changed = sample(name);
        for (auto& container : changed.containers) {
            container.env["COLOR"] = "red";
        }
        EXPECT_TRUE(diff(desire({sample(name)}), world.observe(), policy()).empty()) << name;
        EXPECT_TRUE(diff(desire({changed}), world.observe(), policy()).apps.at(name).empty())
            << name;
        EXPECT_TRUE(diff({}, world.observe(), policy()).empty()) << name;
    }
}

TEST(Diff, NeverPutsASecretIntoAPlan) {
    manifests::AppSpec app = sample("shop");
    app.containers[0].env["PASSWORD"] = "hunter2";
    const World world = deployed(desire({sample("clock")}));
    EXPECT_EQ(all_of(diff(desire({app}), world.observe(true), policy())).find("hunter2"),
              std::string::npos);
}

TEST(Digest, IsTheSameForAnUnrelatedContainerAndALaterMoment) {
    World world = worn();
    const std::string before = diff(all_samples(), world.observe(), policy()).digest;
    world.add_container("somebody-elses", {{"mine", "yes"}});
    Policy later = policy();
    later.now += std::chrono::hours(3);
    EXPECT_EQ(before, diff(all_samples(), world.observe(), later).digest);
}

TEST(Digest, MovesWithEverythingAPlanIsMadeFrom) {
    const manifests::Desired desired = all_samples();
    const World world = worn();
    std::set<std::string> digests{diff(desired, world.observe(), policy()).digest};
    const auto differs = [&](const manifests::Desired& wanted, const World& host,
                             const Policy& rules, bool resources = false) {
        return digests.insert(diff(wanted, host.observe(resources), rules).digest).second;
    };
    manifests::AppSpec changed = sample("clock");
    changed.containers[0].env["A"] = "b";
    manifests::Desired other = desired;
    other.apps["clock"] = std::make_shared<const manifests::AppSpec>(changed);
    EXPECT_TRUE(differs(other, world, policy())) << "spec";
    other = desired;
    other.complete = false;
    EXPECT_TRUE(differs(other, world, policy())) << "complete";
    other.let_go = {"clock"};
    EXPECT_TRUE(differs(other, world, policy())) << "let go";
    other = desired;
    other.held["clock"] = {"ManyRemovals", "many are gone"};
    EXPECT_TRUE(differs(other, world, policy())) << "held";
    World host = world;
    host.container("web-web").state = ContainerState::Exited;
    EXPECT_TRUE(differs(desired, host, policy())) << "state";
    host = world;
    host.end_container("clock", 1);
    EXPECT_TRUE(differs(desired, host, policy())) << "exit code";
    Policy rules = policy();
    rules.removals_allowed = false;
    EXPECT_TRUE(differs(desired, world, rules)) << "removals";
    rules = policy();
    rules.apps["clock"].parts["clock"].hold_start = true;
    EXPECT_TRUE(differs(desired, world, rules)) << "hold";
    rules = policy();
    rules.apps["clock"].stopped = true;
    EXPECT_TRUE(differs(desired, world, rules)) << "stopped";
    EXPECT_TRUE(differs(desired, world, policy(), true)) << "resources";
}

std::map<std::string, std::int64_t> graces(const Plan& plan, const std::string& app) {
    std::map<std::string, std::int64_t> out;
    for (const Step& step : plan.apps.at(app).steps) {
        if (step.kind == StepKind::StopContainer) {
            out[step.object] = nlohmann::json::parse(step.details).at("grace").get<std::int64_t>();
        }
    }
    return out;
}

TEST(Diff, StopsWithinTheShareOfItsGracesThatIsLeft) {
    using Graces = std::map<std::string, std::int64_t>;
    const manifests::Desired desired = desire({sample("duo")});
    const World world = deployed(desired);
    Policy rules = policy();
    rules.apps["duo"].stopped = true;
    EXPECT_EQ(graces(diff(desired, world.observe(), rules), "duo"),
              (Graces{{"duo-one", 10}, {"duo-two", 30}}));
    rules.apps["duo"].grace_share = 500;
    EXPECT_EQ(graces(diff(desired, world.observe(), rules), "duo"),
              (Graces{{"duo-one", 5}, {"duo-two", 15}}));
    rules.apps["duo"].grace_share = 1;
    EXPECT_EQ(graces(diff(desired, world.observe(), rules), "duo"),
              (Graces{{"duo-one", 1}, {"duo-two", 1}}))
        << "never killed without a word";
}

TEST(Diff, IsQuickOverTenThousandContainersThatAreAsDesired) {
    std::vector<manifests::AppSpec> apps;
    for (int i = 0; i < 5000; ++i) {
        manifests::AppSpec app = sample("duo");
        app.name = "duo" + std::to_string(i);
        app.containers[0].name = app.name + "-one";
        app.containers[1].name = app.name + "-two";
        apps.push_back(app);
    }
    const manifests::Desired desired = desire(apps);
    observe::Observed observed;
    std::uint64_t id = 1;
    for (const auto& [name, app] : desired.apps) {
        for (const auto& spec : app->containers) {
            podman::ContainerSummary row;
            row.id = std::to_string(1'000'000 + id++);
            row.name = spec.name;
            row.state = ContainerState::Running;
            row.labels = {{observe::kLabelApp, name},
                          {observe::kLabelPart, spec.part},
                          {observe::kLabelRole, "workload"},
                          {observe::kLabelSpec, label_spec(spec)},
                          {observe::kLabelOwner, kOwner}};
            observed.containers.push_back(row);
        }
    }
    ASSERT_TRUE(diff(desired, observed, policy()).empty());
    // The hashes are known now, as they are in every pass but the first. The bound is far above
    // what it takes, also with sanitizers; it is there to catch what grows with the square.
    const Duration begin = fakes::cpu_time();
    ASSERT_TRUE(diff(desired, observed, policy()).empty());
    const Duration took = fakes::cpu_time() - begin;
    RecordProperty(
        "microseconds",
        std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    EXPECT_LT(took, std::chrono::seconds(5));
}

TEST(Diff, AsksForResourcesOfAnAppThatIsOnlyRememberedOnce) {
    World world;
    world.volumes_["greeter-www"] = {"greeter-www",
                                     "",
                                     "",
                                     {{observe::kLabelApp, "greeter"},
                                      {observe::kLabelOwner, kOwner},
                                      {observe::kLabelRole, kRoleVolumeEmptyDir}},
                                     {},
                                     false,
                                     {}};
    Policy rules = policy();
    EXPECT_FALSE(diff({}, world.observe(), rules).needs_resources);
    rules.apps["greeter"];
    EXPECT_TRUE(diff({}, world.observe(), rules).needs_resources);
    const Plan plan = diff({}, world.observe(true), rules);
    ASSERT_EQ(plan.apps.at("greeter").steps.size(), 1U);
    EXPECT_EQ(plan.apps.at("greeter").steps[0].kind, StepKind::RemoveVolume);
}

TEST(Rendering, ForPeopleLeavesOutWhatIsAsDesired) {
    World world = deployed(desire({sample("clock"), sample("duo")}));
    const auto desired = desire({sample("clock"), sample("duo")});
    EXPECT_EQ(to_text(diff(desired, world.observe(), policy())), "nothing to do\n");
    world.end_container("clock", 137);
    EXPECT_EQ(to_text(diff(desired, world.observe(), policy())),
              "clock: repair\n"
              "  ~ start-container  clock  exited with code 137 2s ago\n");
}

TEST(Rendering, ForProgramsIsWholeAndParsesBack) {
    const auto json = to_json(diff(desire({sample("clock")}), World().observe(true), policy()));
    const auto& clock = json.at("apps").at("clock");
    EXPECT_EQ(clock.at("action"), "deploy");
    EXPECT_EQ(clock.at("steps").back().at("kind"), "mark-deployed");
    EXPECT_EQ(clock.at("steps")[1].at("details").at("policy"), "IfNotPresent");
    EXPECT_EQ(json.at("digest").get<std::string>().size(), 64U);
}

}  // namespace
}  // namespace podreeve::plan::test
