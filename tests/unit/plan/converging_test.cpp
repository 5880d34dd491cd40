#include <random>

#include <gtest/gtest.h>

#include "agent/plan/steps.h"
#include "tests/unit/plan/apps.h"
#include "tests/unit/plan/world.h"

// Plans are tried: whatever state an app is in, carrying out what diff() says leads to the desired
// one, in any order that the steps' edges allow, and then diff() has nothing more to say.
namespace podreeve::plan::test {
namespace {

using podman::ContainerState;

struct Trial {
    World world;
    manifests::Desired desired;
    Policy rules = policy();
    std::mt19937 random;

    Trial(unsigned seed, bool holds) : world(holds), random(seed) {}

    std::size_t any(std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
    }

    Plan plan() {
        for (const auto& [name, spec] : desired.apps) {
            rules.apps[name].deployed_spec = world.deployed_[name];
        }
        Plan first = diff(desired, world.observe(), rules);
        return first.needs_resources ? diff(desired, world.observe(true), rules) : first;
    }

    // The rounds it took; a plan that is still not empty after ten is a failure.
    int converge() {
        for (int round = 0; round < 10; ++round) {
            const Plan next = plan();
            if (next.empty()) {
                return round;
            }
            for (const auto& [name, app] : next.apps) {
                world.run(app, [this](std::size_t count) { return any(count); });
            }
        }
        ADD_FAILURE() << "does not converge:\n" << to_text(plan());
        return -1;
    }

    void break_something(const std::string& app);
    void edit(manifests::AppSpec& app);
};

// What a person or a crash may do to an app's objects.
void Trial::break_something(const std::string& app) {
    std::vector<std::string> containers;
    std::vector<std::string> pods;
    const observe::Observed observed = world.observe();
    for (const auto& row : observed.containers) {
        const auto own = observe::ownership(row.labels, kOwner);
        if (own && own->app == app && !row.is_infra && own->role != "service") {
            containers.push_back(row.name);
        }
    }
    for (const auto& row : observed.pods) {
        pods.push_back(row.name);
    }
    const std::size_t what = any(6);
    if (!containers.empty() && what <= 3) {
        const std::string name = containers[any(containers.size())];
        switch (what) {
            case 0:
                world.end_container(name, 137);
                return;
            case 1:
                world.remove_container(name);
                return;
            case 2:
                world.container(name).state = ContainerState::Created;
                return;
            default:
                world.container(name).name += "-moved";
                return;
        }
    }
    if (!pods.empty() && what == 4) {
        world.remove_pod(pods[any(pods.size())]);
    } else if (!pods.empty()) {
        const std::string infra = world.pod(pods[any(pods.size())]).infra_id;
        for (const auto& row : observed.containers) {
            if (row.id == infra) {
                world.end_container(row.name, 137);
            }
        }
    }
}

void Trial::edit(manifests::AppSpec& app) {
    switch (any(6)) {
        case 0:
            app.containers[any(app.containers.size())].image = "localhost/other:2";
            return;
        case 1:
            app.containers[any(app.containers.size())].env["COLOR"] = "red";
            return;
        case 2:
            if (!app.pods.empty()) {
                app.pods[any(app.pods.size())].ports = {{"", 9000, 90, "tcp"}};
            }
            return;
        case 3:
            if (app.containers.size() > 1) {
                app.containers.erase(app.containers.begin() +
                                     static_cast<std::ptrdiff_t>(any(app.containers.size())));
            }
            return;
        case 4:
            if (!app.pods.empty()) {
                const std::string gone = app.pods[any(app.pods.size())].part;
                std::erase_if(app.pods, [&](const auto& pod) { return pod.part == gone; });
                std::erase_if(app.containers, [&](const auto& row) { return row.pod == gone; });
            }
            return;
        default:
            for (auto& container : app.containers) {
                container.part += "x";
            }
            return;
    }
}

class Converging : public testing::TestWithParam<std::tuple<std::string, bool>> {};

TEST_P(Converging, FromNothingInOneRound) {
    const auto& [name, holds] = GetParam();
    const manifests::Desired wanted = desire({sample(name)});
    for (unsigned seed = 0; seed < 10; ++seed) {
        SCOPED_TRACE(seed);
        Trial trial(seed, holds);
        trial.desired = wanted;
        ASSERT_NO_THROW(EXPECT_EQ(trial.converge(), 1));
    }
}

TEST_P(Converging, FromWhateverWasBroken) {
    const auto& [name, holds] = GetParam();
    const manifests::Desired wanted = desire({sample(name)});
    for (unsigned seed = 0; seed < 50; ++seed) {
        SCOPED_TRACE(seed);
        Trial trial(seed, holds);
        trial.desired = wanted;
        trial.converge();
        for (std::size_t i = 0; i <= trial.any(4); ++i) {
            trial.break_something(name);
        }
        const std::string before = to_text(trial.plan());
        try {
            EXPECT_LE(trial.converge(), 2) << before;
        } catch (const std::exception& error) {
            FAIL() << error.what() << "\n" << before;
        }
    }
}

TEST_P(Converging, FromOneSpecToAnother) {
    const auto& [name, holds] = GetParam();
    const manifests::Desired wanted = desire({sample(name)});
    for (unsigned seed = 0; seed < 50; ++seed) {
        SCOPED_TRACE(seed);
        Trial trial(seed, holds);
        trial.desired = wanted;
        trial.converge();
        manifests::AppSpec changed = sample(name);
        for (std::size_t i = 0; i <= trial.any(3) && !changed.containers.empty(); ++i) {
            trial.edit(changed);
            if (trial.any(3) == 0) {
                trial.break_something(name);
            }
        }
        trial.desired = desire({changed});
        const std::string before = to_text(trial.plan());
        try {
            EXPECT_LE(trial.converge(), 3) << before;
        } catch (const std::exception& error) {
            FAIL() << error.what() << "\n" << before;
        }
    }
}

TEST_P(Converging, ToNothingButWhatMayHoldData) {
    const auto& [name, holds] = GetParam();
    const manifests::Desired wanted = desire({sample(name)});
    for (unsigned seed = 0; seed < 15; ++seed) {
        SCOPED_TRACE(seed);
        Trial trial(seed, holds);
        trial.desired = wanted;
        trial.converge();
        trial.break_something(name);
        trial.desired = {};
        trial.rules.apps[name];
        const std::string before = to_text(trial.plan());
        try {
            EXPECT_LE(trial.converge(), 2) << before;
        } catch (const std::exception& error) {
            FAIL() << error.what() << "\n" << before;
        }
        const observe::Observed left = trial.world.observe(true);
        EXPECT_TRUE(left.containers.empty()) << before;
        EXPECT_TRUE(left.pods.empty()) << before;
        EXPECT_TRUE(left.resources->secrets.empty()) << before;
        for (const std::string& volume : trial.world.volumes()) {
            EXPECT_TRUE(volume == "duo-data" || volume == "shop-data") << volume;
        }
    }
}

TEST_P(Converging, ToAStandstillAndBack) {
    const auto& [name, holds] = GetParam();
    const manifests::Desired wanted = desire({sample(name)});
    for (unsigned seed = 0; seed < 15; ++seed) {
        SCOPED_TRACE(seed);
        Trial trial(seed, holds);
        trial.desired = wanted;
        trial.converge();
        trial.rules.apps[name].stopped = true;
        EXPECT_LE(trial.converge(), 1);
        const observe::Observed still = trial.world.observe();
        for (const auto& row : still.containers) {
            EXPECT_NE(row.state, ContainerState::Running) << row.name;
        }
        trial.rules.apps[name].stopped = false;
        EXPECT_LE(trial.converge(), 1);
    }
}

INSTANTIATE_TEST_SUITE_P(Samples,
                         Converging,
                         testing::Combine(testing::ValuesIn(sample_names()), testing::Bool()),
                         [](const auto& row) {
                             return std::get<0>(row.param) +
                                    (std::get<1>(row.param) ? "Held" : "Ordinary");
                         });

}  // namespace
}  // namespace podreeve::plan::test
