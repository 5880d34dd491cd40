// podreeved, killed by SIGKILL at each point where it touches the outside or its own files, and
// started again on what is left: the end is that of an unbroken run, and nothing that was done is
// done twice.
#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "tests/integration/manifest_texts.h"
#include "tests/integration/sweep/place.h"

namespace podreeve::integration {
namespace {

// Each run mostly waits for disk, socket and the other side.
constexpr unsigned kThreads = 6;

struct Scenario {
    const char* name;
    const char* podman_version;
    void (*given)(Place&);
    void (*when)(Place&);
    int exit_code;              // of podreeved --once
    unsigned long kill_points;  // at least so many
};

void nothing(Place&) {}

void deployed(Place& place) {
    place.write("shop.yaml", to_text(ShopApp{}));
    place.write("clock.yaml", to_text(SingleApp{.port = 28090}));
}

void update_in_vain(Place& place) {
    place.podman->add_image("localhost/web:2");
    place.podman->set_program("localhost/web:2",
                              fakes::program_that_cannot_start("no such command"));
    place.write("shop.yaml", to_text(ShopApp{.web_image = "localhost/web:2"}));
}

// A mask is believed at once. By which a file is gone, two looks two seconds apart, would be waited
// for in each of these runs.
void remove(Place& place) {
    place.mask("shop.yaml");
}

constexpr Scenario kScenarios[] = {
    {"Deploy", "5.4.2", nothing, deployed, 0, 300},
    {"FailingUpdateThatIsUndone", "5.4.2", deployed, update_in_vain, 1, 150},
    {"Removal", "5.4.2", deployed, remove, 0, 150},
};

struct Unbroken {
    unsigned long touches = 0;
    std::string picture;
    std::vector<std::string> effects;
};

std::unique_ptr<Place> prepared(const Scenario& scenario) {
    auto place = std::make_unique<Place>(scenario.podman_version);
    scenario.given(*place);
    if (const RunEnd end = place->run(); end.exit_code != 0) {
        throw std::runtime_error("cannot begin: " + end.log);
    }
    scenario.when(*place);
    place->keep();
    return place;
}

Unbroken unbroken(const Scenario& scenario) {
    const auto place = prepared(scenario);
    place->begin_again();
    const auto touches = place->root / "touches";
    const RunEnd end = place->run(0, touches);
    EXPECT_EQ(end.exit_code, scenario.exit_code) << end.log;
    std::ifstream lines(touches);
    return {static_cast<unsigned long>(std::count(std::istreambuf_iterator<char>(lines), {}, '\n')),
            place->picture(), place->effects()};
}

// What was done more often than in the unbroken run.
std::vector<std::string> surplus(const std::vector<std::string>& effects, const Unbroken& run) {
    std::vector<std::string> more;
    std::ranges::set_difference(effects, run.effects, std::back_inserter(more));
    return more;
}

struct Tally {
    std::atomic<unsigned long> next{1}, met{0};
    std::atomic<bool> failed{false};
};

void kill_and_go_on(
    const Scenario& scenario, Place& place, unsigned long at, const Unbroken& run, Tally& tally) {
    place.begin_again();
    const RunEnd killed = place.run(at);
    tally.met += killed.killed ? 1 : 0;
    const RunEnd end = place.run();
    const std::vector<std::string> twice = surplus(place.effects(), run);
    const std::string picture = place.picture();
    if (end.exit_code == scenario.exit_code && picture == run.picture && twice.empty()) {
        return;
    }
    tally.failed = true;
    EXPECT_EQ(end.exit_code, scenario.exit_code);
    EXPECT_EQ(picture, run.picture);
    EXPECT_TRUE(twice.empty()) << fmt::format("done twice: {}", fmt::join(twice, ", "));
    ADD_FAILURE() << scenario.name << ", killed at touch " << at << " of " << run.touches
                  << "\n-- the run that was killed\n"
                  << killed.log << "-- the one after it\n"
                  << end.log;
}

class Sweep : public ::testing::TestWithParam<Scenario> {};

TEST_P(Sweep, KilledAtAnyTouchItComesToTheSameEnd) {
    const Unbroken run = unbroken(GetParam());
    ASSERT_GE(run.touches, GetParam().kill_points);
    Tally tally;
    {
        std::vector<std::jthread> threads;
        for (unsigned i = 0; i < kThreads; ++i) {
            threads.emplace_back([&] {
                const auto place = prepared(GetParam());
                for (unsigned long at = tally.next++; at <= run.touches && !tally.failed;
                     at = tally.next++) {
                    kill_and_go_on(GetParam(), *place, at, run, tally);
                }
            });
        }
    }
    // Threads meet in another order now and then, and a run may end a few touches sooner.
    EXPECT_GE(tally.met * 100, run.touches * 95);
    RecordProperty("kill_points", std::to_string(tally.met.load()));
    fmt::print("{}: killed at {} of {} touches\n", GetParam().name, tally.met.load(), run.touches);
}

INSTANTIATE_TEST_SUITE_P(OfPodreeved,
                         Sweep,
                         ::testing::ValuesIn(kScenarios),
                         [](const auto& chosen) { return std::string(chosen.param.name); });

}  // namespace
}  // namespace podreeve::integration
