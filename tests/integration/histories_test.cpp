#include <algorithm>
#include <cstdlib>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/supervise/decide/memory.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// Whatever is done to an app and in whatever order, it ends in the version that was asked for last.
// PODREEVE_LONG=1 goes through all orders; else a share of them, by the seed in PODREEVE_SEED.
namespace podreeve::integration {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Cut = fakes::FakePodman::Cut;

bool is_long_run() {
    const char* const asked = std::getenv("PODREEVE_LONG");
    return asked != nullptr && std::string(asked) == "1";
}

unsigned seed() {
    const char* const asked = std::getenv("PODREEVE_SEED");
    return asked != nullptr ? static_cast<unsigned>(std::strtoul(asked, nullptr, 10))
                            : std::random_device()();
}

// The newest change of the app that can be undone, as a person finds it by trying.
bool undo_newest(Host& host, const std::string& app) {
    for (const state::ChangeView& change : host.agent->state().changes(1000)) {
        if (change.subject == app && host.agent->state().undo_change(change.id)) {
            return true;
        }
    }
    return false;
}

std::string zone_that_runs(const Host& host) {
    return host.podman->state_of("clock") == "running"
               ? host.podman->inspect("clock")["env"]["TZ"].get<std::string>()
               : "";
}

TEST(UndoneDeploy, GivesBackTheVersionBeforeAlsoAfterARestart) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET"}));
    host.pass();
    host.advance(minutes(1));
    host.restart();
    ASSERT_TRUE(undo_newest(host, "clock"));
    host.converge();
    host.advance(minutes(1));
    EXPECT_EQ(zone_that_runs(host), "UTC") << host.app("clock").message;
}

TEST(UndoneDeploy, KeepsTheVersionBeforeRepairedAfterARestart) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET"}));
    host.pass();
    host.advance(minutes(1));
    ASSERT_TRUE(undo_newest(host, "clock"));
    host.converge();
    host.advance(minutes(1));
    host.restart();
    host.podman->kill_process("clock");
    host.advance(minutes(1));
    EXPECT_EQ(zone_that_runs(host), "UTC") << host.app("clock").message;
}

TEST(FailedUpdates, HoweverManyLeaveTheVersionThatRunsInForceOverARestart) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    for (int update = 1; update <= 6; ++update) {
        host.write("clock.yaml", to_text(SingleApp{.image = "localhost/absent:1",
                                                   .zone = fmt::format("Z{}", update)}));
        host.pass();
        host.advance(seconds(2));
    }
    host.restart();
    host.podman->kill_process("clock");
    host.advance(minutes(1));
    EXPECT_EQ(zone_that_runs(host), "UTC") << host.app("clock").message;
}

TEST(KeptVersions, GoWithTheirApp) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET"}));
    host.pass();
    host.erase("clock.yaml");
    host.pass();
    host.advance(minutes(2));
    EXPECT_FALSE(std::filesystem::exists(host.config.paths.state_dir / "accepted" / "clock"));
}

// A change of another app that does not end, as one whose init container waits for days.
TEST(KeptVersions, GoWithTheirAppAlsoWhileAnotherIsUnderWay) {
    Host host;
    const auto accepted = host.config.paths.state_dir / "accepted";
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.podman->drop_next("POST", "^containers/create", Cut::BeforeWork, 10'000);
    host.write("slow.yaml", to_text(SingleApp{.id = "slow"}));
    host.agent->request_pass("the test asked");
    host.advance(minutes(1));
    ASSERT_TRUE(host.agent->state().active_change_of("slow"));
    ASSERT_TRUE(std::filesystem::exists(accepted / "clock"));
    host.erase("clock.yaml");
    host.advance(minutes(2));
    ASSERT_TRUE(host.agent->state().active_change_of("slow"));
    EXPECT_EQ(host.podman->container_names(), std::vector<std::string>{});
    EXPECT_FALSE(host.agent->state().app("clock"));
    EXPECT_FALSE(std::filesystem::exists(accepted / "clock"));
    EXPECT_TRUE(std::filesystem::exists(accepted / "slow"));
}

// What is on its way down is kept until all of it is away: its containers are first.
TEST(KeptVersions, StayWhileTheirAppIsOnItsWayDown) {
    Host host;
    const auto accepted = host.config.paths.state_dir / "accepted";
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    host.podman->drop_next("DELETE", "^(secrets|volumes)/", Cut::BeforeWork, 10'000);
    host.erase("shop.yaml");
    host.agent->request_pass("the test asked");
    host.advance(minutes(2));
    EXPECT_EQ(host.podman->container_names(), std::vector<std::string>{});
    const auto removal = host.agent->state().active_change_of("shop");
    ASSERT_TRUE(removal);
    EXPECT_TRUE(removal->kind.starts_with("remove-")) << removal->kind;
    EXPECT_TRUE(host.agent->state().app("shop"));
    EXPECT_TRUE(std::filesystem::exists(accepted / "shop"));
}

bool has_run(const Host& host, const std::string& app, const std::string& spec) {
    const auto record = host.agent->state().app(app);
    const auto ran = supervise::memory_from(record ? record->extra : "").ran;
    return std::ranges::any_of(ran, [&](const auto& version) { return version.spec == spec; });
}

// What ran once is kept to be looked at; with secrets only as long as it may have to run again.
TEST(KeptVersions, WithSecretsGoWhenNothingLeadsBackToThem) {
    for (const bool secret : {true, false}) {
        Host host;
        host.start();
        const auto deploy = [&](const std::string& zone) {
            host.write("shop.yaml", secret ? to_text(ShopApp{.web_zone = zone})
                                           : to_text(SingleApp{.id = "shop", .zone = zone}));
            host.pass();
            host.advance(minutes(1));
            return host.app("shop").deployed_spec;
        };
        const auto is_kept = [&](const std::string& spec) {
            return std::filesystem::exists(host.config.paths.state_dir / "accepted" / "shop" /
                                           (spec + ".json"));
        };
        const std::string first = deploy("UTC"), second = deploy("CET");
        ASSERT_NE(first, second);
        EXPECT_TRUE(is_kept(first) && is_kept(second)) << "the update can be undone";
        ASSERT_TRUE(undo_newest(host, "shop"));
        host.converge();
        host.advance(minutes(1));
        const std::string third = deploy("EET");
        EXPECT_TRUE(is_kept(first) && is_kept(third));
        EXPECT_EQ(is_kept(second), !secret);
        EXPECT_TRUE(has_run(host, "shop", second)) << "its hash stays in the list";
    }
}

enum class Act { Update, Undo, Restart, NewAgent, Death };
constexpr std::size_t kActs = 5;
using Acts = std::vector<Act>;

const char* word_of(Act act) {
    constexpr const char* kWords[] = {"update", "undo", "restart", "new agent", "death"};
    return kWords[static_cast<std::size_t>(act)];
}

Acts acts_of(std::size_t number, std::size_t length) {
    Acts acts;
    for (std::size_t i = 0; i < length; ++i, number /= kActs) {
        acts.push_back(static_cast<Act>(number % kActs));
    }
    return acts;
}

// One app of which two versions came already, and what people ask of it.
class History {
  public:
    History() {
        for (int version = 0; version < 2; ++version) {
            write_next();
            version == 0 ? host_.start() : host_.pass();
            rest();
        }
    }

    void go_through(const Acts& acts) {
        for (const Act act : acts) {
            perform(act);
            rest();
            evaluate();
        }
    }

    // The agent is killed at podman's request of that number, or at rest when there are fewer.
    void go_through(const Acts& acts, std::size_t killed_in, std::size_t request) {
        for (std::size_t i = 0; i < acts.size(); ++i) {
            if (i == killed_in) {
                host_.kill_at(request, request % 2 == 0 ? Host::Moment::BeforeWork
                                                        : Host::Moment::BeforeReply);
            }
            perform(acts[i]);
            if (i == killed_in) {
                host_.revive();
            }
            rest();
            evaluate();
        }
    }

  private:
    void write_next() {
        wanted_.push_back(fmt::format("V{}", ++newest_));
        host_.write("clock.yaml", to_text(SingleApp{.zone = wanted_.back()}));
    }

    void perform(Act act) {
        switch (act) {
            case Act::Update:
                write_next();
                host_.pass();
                break;
            case Act::Undo:
                if (undo_newest(host_, "clock")) {
                    ASSERT_FALSE(wanted_.empty());
                    wanted_.pop_back();
                }
                host_.converge();
                break;
            case Act::Restart:
                host_.request("clock", supervise::Verb::Restart);
                break;
            case Act::NewAgent:
                host_.restart();
                break;
            case Act::Death:
                if (host_.podman->state_of("clock") == "running") {
                    host_.podman->kill_process("clock");
                }
                host_.pass();
                break;
        }
    }

    // Long enough for what has to be tried again, and for a run to count as a good one.
    void rest() { host_.advance(minutes(1)); }

    void evaluate() const {
        EXPECT_EQ(zone_that_runs(host_), wanted_.empty() ? "" : wanted_.back())
            << host_.state("clock") << ": " << host_.app("clock").message;
    }

    Host host_;
    std::vector<std::string> wanted_;  // what each undo leads back to, the version asked for last
    int newest_ = 0;
};

std::string trace_of(const Acts& acts) {
    std::string text;
    for (const Act act : acts) {
        text += fmt::format("{}{}", text.empty() ? "" : ", ", word_of(act));
    }
    return text;
}

std::size_t power(std::size_t base, std::size_t exponent) {
    return exponent == 0 ? 1 : base * power(base, exponent - 1);
}

// Numbers below all: a share of them drawn by the seed, or each.
std::vector<std::size_t> drawn(std::size_t all, std::size_t share, unsigned by) {
    std::vector<std::size_t> numbers(all);
    for (std::size_t i = 0; i < all; ++i) {
        numbers[i] = i;
    }
    if (!is_long_run()) {
        std::mt19937 random(by);
        std::shuffle(numbers.begin(), numbers.end(), random);
        numbers.resize(std::min(share, all));
    }
    return numbers;
}

TEST(Histories, OfFourActsEndInTheVersionThatWasAskedForLast) {
    const unsigned by = seed();
    for (const std::size_t number : drawn(power(kActs, 4), 40, by)) {
        const Acts acts = acts_of(number, 4);
        SCOPED_TRACE(fmt::format("{} (seed {})", trace_of(acts), by));
        ASSERT_NO_THROW(History().go_through(acts));
        ASSERT_FALSE(HasFailure());
    }
}

TEST(Histories, OfThreeActsInOneOfWhichTheAgentIsKilledEndThereToo) {
    constexpr std::size_t kLength = 3, kRequests = 24;
    const unsigned by = seed();
    std::mt19937 random(by);
    for (const std::size_t number : drawn(power(kActs, kLength) * kLength, 40, by)) {
        const Acts acts = acts_of(number / kLength, kLength);
        const std::size_t request = 1 + random() % kRequests;
        SCOPED_TRACE(fmt::format("{}; killed in act {} at request {} (seed {})", trace_of(acts),
                                 number % kLength + 1, request, by));
        ASSERT_NO_THROW(History().go_through(acts, number % kLength, request));
        ASSERT_FALSE(HasFailure());
    }
}

}  // namespace
}  // namespace podreeve::integration
