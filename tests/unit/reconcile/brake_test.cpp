#include "agent/reconcile/brake.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "agent/reconcile/brake_file.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

// What one agent leaves for the next, and what the next believes of it.
namespace podreeve::reconcile {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;

class Brakes : public ::testing::Test {
  protected:
    Brakes() { file = directory / "run" / "hands"; }

    std::unique_ptr<Brake> brake() { return std::make_unique<Brake>(file, boot, clock); }

    void leave_death_of(const std::string& app, int signal = SIGABRT) {
        leave(app, signal, clock.steady_now());
    }

    void leave(const std::string& app, int signal, SteadyTime at) {
        const auto opened = BrakeFile::open(file, boot);
        ASSERT_TRUE(opened);
        HandSlot& slot = (*opened)->slots()[5];
        std::memcpy(slot.app, app.data(), std::min(app.size(), sizeof slot.app));
        slot.length = static_cast<std::uint32_t>(app.size());
        slot.signal = static_cast<std::uint32_t>(signal);
        slot.died = at.time_since_epoch().count();
    }

    // An agent that starts, and dies with web in hand.
    void die_once() {
        brake()->evaluate(desired);
        leave_death_of("web");
        clock.advance(std::chrono::seconds(1));
    }

    void set_image(const std::string& image) {
        auto spec = std::make_shared<manifests::AppSpec>();
        spec->name = "web";
        spec->version = image;
        desired.apps["web"] = spec;
    }

    void SetUp() override { set_image("1"); }

    fakes::TempDir temp;
    fs::path directory = temp.path(), file;
    std::string boot = "boot-1";
    fakes::FakeTime clock;
    manifests::Desired desired;
};

TEST_F(Brakes, SetAsideTheAppInWhoseHandsThreeAgentsDied) {
    die_once();
    die_once();
    EXPECT_TRUE(brake()->evaluate(desired).empty());
    leave_death_of("web");
    const auto fourth = brake();
    const auto aside = fourth->evaluate(desired);
    ASSERT_TRUE(aside.contains("web"));
    EXPECT_EQ(aside.at("web").next_try, clock.steady_now() + minutes(10));
    EXPECT_EQ(fourth->why_set_aside("web"), aside.at("web").why);
    EXPECT_FALSE(fourth->why_set_aside("db"));
}

TEST_F(Brakes, RememberItOverRestartsThatNobodyIsToBlameFor) {
    for (int i = 0; i < 3; ++i) {
        die_once();
    }
    EXPECT_FALSE(brake()->evaluate(desired).empty());
    EXPECT_FALSE(brake()->evaluate(desired).empty());
    clock.advance(minutes(10));
    EXPECT_TRUE(brake()->evaluate(desired).empty()) << "tried";
    leave_death_of("web");
    EXPECT_FALSE(brake()->evaluate(desired).empty()) << "once";
}

TEST_F(Brakes, BeginNoTryForWhoOnlyAsks) {
    for (int i = 0; i < 3; ++i) {
        die_once();
    }
    const auto one = brake();
    EXPECT_FALSE(one->evaluate(desired).empty());
    clock.advance(minutes(10));
    EXPECT_TRUE(one->set_aside().contains("web"));
    EXPECT_TRUE(one->why_set_aside("web"));
    EXPECT_TRUE(one->evaluate(desired).empty()) << "tried";
    EXPECT_TRUE(one->set_aside().empty());
}

TEST_F(Brakes, TryAManifestThatWasChangedWhileTheAgentWasDead) {
    for (int i = 0; i < 3; ++i) {
        die_once();
    }
    set_image("2");
    EXPECT_TRUE(brake()->evaluate(desired).empty());
}

TEST_F(Brakes, TakeNoManifestThatIsNotToBeSeenForAnother) {
    for (int i = 0; i < 3; ++i) {
        die_once();
    }
    desired.apps.clear();
    desired.complete = false;
    const auto one = brake();
    EXPECT_FALSE(one->evaluate(desired).empty());
    desired.complete = true;
    EXPECT_TRUE(one->evaluate(desired).empty()) << "it is removed: that is a change";
}

TEST_F(Brakes, TryAtOnceWhenAPersonAsks) {
    for (int i = 0; i < 3; ++i) {
        die_once();
    }
    const auto one = brake();
    one->try_now("db");
    EXPECT_TRUE(one->why_set_aside("web"));
    one->try_now("web");
    EXPECT_FALSE(one->why_set_aside("web"));
    EXPECT_TRUE(one->evaluate(desired).empty());
}

TEST_F(Brakes, LeaveNoFileWhenThereIsNothingToRemember) {
    brake()->evaluate(desired);
    EXPECT_FALSE(fs::exists(file));
    die_once();
    clock.advance(minutes(11));
    brake()->evaluate(desired);
    EXPECT_FALSE(fs::exists(file));
}

TEST_F(Brakes, BelieveNothingThatNoAgentOfThisBootCanHaveLeft) {
    const auto many_deaths = [&](const std::string& app, int signal, SteadyTime at) {
        fs::remove(file);
        std::map<std::string, SetAside> aside;
        for (int i = 0; i < 3; ++i) {
            leave(app, signal, at + Duration(i));
            aside = brake()->evaluate(desired);
        }
        return aside.size();
    };
    const SteadyTime now = clock.steady_now();
    EXPECT_EQ(many_deaths("web", SIGABRT, now - minutes(1)), 1U) << "the test itself";
    EXPECT_EQ(many_deaths("web", 0, now - minutes(1)), 0U) << "no death is marked";
    EXPECT_EQ(many_deaths("web", 65, now - minutes(1)), 0U) << "no such signal";
    EXPECT_EQ(many_deaths("web", SIGABRT, now + minutes(1)), 0U) << "to come";
    EXPECT_EQ(many_deaths("web", SIGABRT, SteadyTime(Duration(-5))), 0U);
    EXPECT_EQ(many_deaths("../web", SIGABRT, now - minutes(1)), 0U);
    EXPECT_EQ(many_deaths(std::string("w\0b", 3), SIGABRT, now - minutes(1)), 0U);
    EXPECT_EQ(many_deaths(std::string(200, 'x'), SIGABRT, now - minutes(1)), 0U);
}

TEST_F(Brakes, BeginAnewAfterABoot) {
    for (int i = 0; i < 3; ++i) {
        die_once();
    }
    boot = "boot-2";
    EXPECT_TRUE(brake()->evaluate(desired).empty());
}

TEST_F(Brakes, AreUpToAFileOfAnyContent) {
    for (int i = 0; i < 3; ++i) {
        die_once();
    }
    brake()->evaluate(desired);
    std::string whole;
    {
        std::ifstream in(file, std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        whole = text.str();
    }
    ASSERT_GT(whole.size(), 1000U);
    for (std::size_t at = 0; at < whole.size(); at += 97) {
        std::string torn = whole;
        for (std::size_t i = at; i < std::min(at + 40, torn.size()); ++i) {
            torn[i] = static_cast<char>(0xEE);
        }
        std::ofstream(file, std::ios::binary) << torn;
        ::chmod(file.c_str(), 0600);
        const auto one = brake();
        for (const auto& [app, aside] : one->evaluate(desired)) {
            EXPECT_EQ(app, "web") << at;
        }
    }
    for (const std::string& content :
         {std::string(), std::string("x"), std::string(100'000, '\xFF')}) {
        std::ofstream(file, std::ios::binary) << content;
        ::chmod(file.c_str(), 0600);
        EXPECT_TRUE(brake()->evaluate(desired).empty());
    }
}

TEST_F(Brakes, WriteIntoNoFileThatIsNotTheAgentsOwnAlone) {
    fs::create_directories(file.parent_path());
    const fs::path other = directory / "other";
    std::ofstream(other) << "keep";
    fs::create_symlink(other, file);
    EXPECT_TRUE(brake()->evaluate(desired).empty());
    fs::remove(file);
    fs::create_hard_link(other, file);
    EXPECT_TRUE(brake()->evaluate(desired).empty());
    std::ifstream in(other);
    std::string text;
    in >> text;
    EXPECT_EQ(text, "keep");
    EXPECT_EQ(fs::file_size(other), 4U);
    fs::remove(file);
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    EXPECT_TRUE(brake()->evaluate(desired).empty());
}

// With the real thing between: three processes that abort, and one that is killed.
TEST_F(Brakes, KnowWhatProcessesReallyDiedOf) {
    const SystemClock real;
    const auto agent = [&](const char* app, const std::function<void()>& end) {
        const pid_t child = ::fork();
        if (child == 0) {
            Brake own(file, boot, real);
            own.evaluate(desired);
            own.mark_deaths();
            const InHand in_hand(app);
            end();
            ::_exit(0);
        }
        ::waitpid(child, nullptr, 0);
    };
    for (int i = 0; i < 3; ++i) {
        agent("web", [] { std::abort(); });
        agent("db", [] { ::kill(::getpid(), SIGKILL); });
        agent("cache", [] { ::kill(::getpid(), SIGTERM); });
    }
    Brake next(file, boot, real);
    EXPECT_TRUE(next.why_set_aside("web"));
    EXPECT_FALSE(next.why_set_aside("db"));
    EXPECT_FALSE(next.why_set_aside("cache"));
}

}  // namespace
}  // namespace podreeve::reconcile
