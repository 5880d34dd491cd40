// Every adapter throws, at each of its calls, while an app is deployed, repaired and removed: the
// agent lives, another app is repaired meanwhile, and the end is that of a run in which nothing was
// thrown. At which calls: throw_points.h.
#include <algorithm>
#include <iostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/supervise/failures.h"
#include "tests/fakes/throwing.h"
#include "tests/integration/manifest_texts.h"
#include "tests/integration/throw_points.h"
#include "tests/integration/unit_host.h"

namespace podreeve::integration {
namespace {

using fakes::Adapter;
using fakes::Moment;
using fakes::Throwing;
using std::chrono::minutes;

struct Scenario {
    const char* name;
    void (*given)(UnitHost&);
    void (*when)(UnitHost&);
};

// An app that is asked by a command and over its network, and whose start waits for what is looked
// at outside: at a port of its own, since what two apps wait for is looked at once for both.
std::string asked(const std::string& id, int port) {
    return to_text(
        SingleApp{.id = id,
                  .more = "  health:\n"
                          "    readiness: {exec: {command: [\"true\"]}, periodSeconds: 5}\n"
                          "    liveness: {tcpSocket: {port: 80}, periodSeconds: 5}\n"
                          "  conditions:\n"
                          "    - any: [{path: /}, {port: \"127.0.0.1:" +
                          std::to_string(port) + "\"}]\n"});
}

void deployed(UnitHost& it) {
    it.host.write("shop.yaml", to_text(ShopApp{}));
    it.host.write("site.yaml", asked("site", 1));
    it.host.write("web.container", "[Container]\nImage=localhost/web\n");
}

void broken(UnitHost& it) {
    it.host.podman->kill_process("shop-web-web");
    it.host.podman->remove_behind_back("shop-db-db");
    it.host.podman->kill_process("site");
    std::filesystem::remove(it.file("web", "web.container"));
}

// Beside so many others that the three whose manifests go at once are believed.
void deployed_beside_others(UnitHost& it) {
    deployed(it);
    for (const char* other : {"one", "two", "three", "four"}) {
        it.host.write(fmt::format("{}.yaml", other), to_text(SingleApp{.id = other}));
    }
}

void removed(UnitHost& it) {
    it.host.erase("shop.yaml");
    it.host.erase("site.yaml");
    it.host.erase("web.container");
}

const Scenario kScenarios[] = {
    {"Deploy", [](UnitHost&) {}, deployed},
    {"Repair", deployed, broken},
    {"Removal", deployed_beside_others, removed},
};

struct Case {
    const Scenario* scenario;
    Adapter adapter;
};

class Adapters : public ::testing::TestWithParam<Case> {
  protected:
    static std::unique_ptr<UnitHost> prepared() {
        auto it = std::make_unique<UnitHost>();
        it->host.config.gone_after = Duration{};
        it->host.podman->on_request(
            [](const fakes::FakePodman::Entry&) { Throwing::spare_this_thread(); }, nullptr);
        it->host.config.probe_program = "/bin/cat";  // says nothing; see throwing_probes.cpp
        it->host.show_processes();
        it->host.write("clock.yaml", asked("clock", 2));
        GetParam().scenario->given(*it);
        it->host.start();
        it->host.advance(std::chrono::seconds(40));
        return it;
    }

    // The scenario, with a death of the other app in the middle of it.
    static void act(UnitHost& it) {
        GetParam().scenario->when(it);
        it.host.podman->kill_process("clock");
        it.host.pass();
    }

    // What failed is tried again after 5 s, doubling; a companion after 10 min.
    static std::string rest(UnitHost& it) {
        it.host.advance(minutes(2));
        it.host.converge();
        if (GetParam().adapter == Adapter::Systemd || GetParam().adapter == Adapter::Files) {
            it.host.advance(minutes(11));
        }
        it.host.pass();
        return it.host.snapshot() + fmt::format("web.service {}\n", it.is_active("web.service")) +
               asking(it.host);
    }

    // Whether its apps are asked still.
    static std::string asking(Host& host) {
        const std::size_t commands = Throwing::calls_ever(Adapter::Exec);
        const std::size_t words = Throwing::calls_ever(Adapter::Prober);
        host.advance(minutes(1));
        return fmt::format("commands {}, prober {}\n",
                           Throwing::calls_ever(Adapter::Exec) - commands,
                           Throwing::calls_ever(Adapter::Prober) > words ? "asked" : "forgotten");
    }
};

// What the agent did, for whoever has to find out why an end is another one.
std::string account(const Host& host) {
    std::string text;
    for (const char* name : {"clock", "shop", "site", "web"}) {
        const supervise::AppStatus app = host.app(name);
        text += fmt::format("{} {} {}\n", name, to_string(app.state), app.message);
        for (const supervise::StatusCondition& condition : app.conditions) {
            text += fmt::format("  {} {}\n", condition.type, condition.message);
        }
    }
    for (const state::ChangeView& change : host.agent->state().changes(50)) {
        text += fmt::format("change {} {} {}: {} {}\n", change.id, change.subject, change.kind,
                            to_string(change.status), change.error);
        for (const state::TaskView& task : change.tasks) {
            text += fmt::format("  {} {}: {}\n", task.kind, task.summary, to_string(task.status));
            for (const state::LogLine& line : task.log) {
                text += "    " + line.text + "\n";
            }
        }
    }
    return text;
}

// The apps that stay though their manifest is gone.
std::string held(const Host& host) {
    std::string apps;
    for (const char* name : {"clock", "shop", "site", "web"}) {
        for (const supervise::StatusCondition& condition : host.app(name).conditions) {
            apps += condition.type == "RemovalHeld" ? std::string(name) + " " : "";
        }
    }
    return apps;
}

// Whether the call that threw was one for the app, which then waits for its next try.
bool cost_a_change_of(const Host& host, const std::string& app) {
    return std::ranges::any_of(host.agent->state().changes(), [&](const state::ChangeView& change) {
        return change.subject == app && change.status == state::TaskStatus::Error;
    });
}

TEST_P(Adapters, ThatThrowAtAnyCallCostNobodyButTheCall) {
    std::string end;
    std::size_t calls = 0;
    {
        const auto it = prepared();
        {
            const Throwing only_counts(GetParam().adapter, 0, Moment::Before);
            act(*it);
            calls = Throwing::calls();
        }
        end = rest(*it);
        ASSERT_EQ(held(it->host), "") << "the scenario is another one";
    }
    ASSERT_GT(calls, 0U);
    const unsigned by = seed();
    const Points points = choose(GetParam().adapter, calls, by);
    std::size_t thrown = 0;
    for (const auto& [number, moment] : points) {
        SCOPED_TRACE(fmt::format("{} throws {} the work of its call {} of {} (seed {})",
                                 to_string(GetParam().adapter),
                                 moment == Moment::Before ? "before" : "after", number, calls, by));
        const auto it = prepared();
        {
            const Throwing one(GetParam().adapter, number, moment);
            ASSERT_NO_THROW(act(*it));
        }
        // Calls of a run differ a little from another's, so that one late in the row may not come.
        thrown += Throwing::thrown() ? 1 : 0;
        it->host.advance(std::chrono::seconds(5));
        if (cost_a_change_of(it->host, "clock")) {
            it->host.advance(supervise::kFirstRetry);
        }
        EXPECT_EQ(it->host.podman->state_of("clock"), "running") << account(it->host);
        std::string left;
        ASSERT_NO_THROW(left = rest(*it));
        EXPECT_EQ(left, end) << account(it->host);
    }
    std::cout << fmt::format("{}, {}: {} calls; threw at {} of {} points\n",
                             GetParam().scenario->name, to_string(GetParam().adapter), calls,
                             thrown, throws_before_alone(GetParam().adapter) ? calls : 2 * calls);
    EXPECT_GT(thrown, 0U);
}

std::vector<Case> all_cases() {
    std::vector<Case> cases;
    for (const Scenario& scenario : kScenarios) {
        for (const Adapter adapter : fakes::kAdapters) {
            // Units are tried by Quadlet's generator where they are new.
            if (adapter != Adapter::Programs || scenario.when == deployed) {
                cases.push_back({&scenario, adapter});
            }
        }
    }
    return cases;
}

INSTANTIATE_TEST_SUITE_P(At, Adapters, ::testing::ValuesIn(all_cases()), [](const auto& row) {
    return fmt::format("{}_{}", row.param.scenario->name, to_string(row.param.adapter));
});

}  // namespace
}  // namespace podreeve::integration
