#include "runtime/systemd/unit_watch.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <poll.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/systemd/units.h"
#include "tests/fakes/fake_systemd/fake_systemd.h"
#include "tests/fakes/fake_systemd/private_bus.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::systemd {
namespace {

namespace fs = std::filesystem;
using fakes::FakeUnit;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Manners = fakes::PrivateBus::Manners;

constexpr seconds kLong{20};

void run(FakeUnit& unit) {
    unit.active = "active";
    unit.sub = "running";
    unit.main_pid = 4711;
    ++unit.invocation;
}

void make_idle(FakeUnit&) {}

class UnitWatchTest : public testing::Test {
  protected:
    void SetUp() override {
        systemd->change("web.service", run);
        systemd->change("idle.service", make_idle);
        systemd->forget_calls();
    }

    void begin(std::set<std::string> names = {"web.service", "idle.service"}) {
        watch = std::make_unique<UnitWatch>(
            bus.address(), time, [this](const std::string& why) { hints.push_back(why); });
        watch->watch(std::move(names));
    }

    UnitTable look() {
        const Result<UnitTable> table = watch->look(kLong);
        EXPECT_TRUE(table) << table.error().message;
        return table ? *table : UnitTable{};
    }

    UnitState look_at(const std::string& name) {
        const UnitTable table = look();
        const UnitState* state = table.find(name);
        EXPECT_NE(state, nullptr) << name;
        return state != nullptr ? *state : UnitState{};
    }

    Error lost() {
        const Result<UnitTable> table = watch->look(kLong);
        EXPECT_FALSE(table);
        return table ? Error{} : table.error();
    }

    // Runs what the watch posts until it holds.
    bool eventually(const std::function<bool()>& holds) {
        for (int i = 0; i < 20'000; ++i) {
            time.run_posted();
            if (holds()) {
                return true;
            }
            ::poll(nullptr, 0, 1);
        }
        return false;
    }

    bool is_reported(const std::string& why) {
        return eventually(
            [&] { return std::find(hints.begin(), hints.end(), why) != hints.end(); });
    }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(directory / name) << text;
    }

    fakes::TempDir temp;
    fs::path directory = temp.path();
    fakes::PrivateBus bus;
    std::unique_ptr<fakes::FakeSystemd> systemd =
        std::make_unique<fakes::FakeSystemd>(bus.address());
    fakes::FakeTime time;
    std::vector<std::string> hints;
    std::unique_ptr<UnitWatch> watch;
};

TEST_F(UnitWatchTest, TellsAllThatIsWatched) {
    systemd->change("podman.socket", [](FakeUnit& unit) {
        unit.active = "active";
        unit.sub = "listening";
    });
    begin({"web.service", "idle.service", "none.service", "podman.socket", "bad name"});
    const UnitTable table = look();
    EXPECT_EQ(table.units.size(), 5U);
    EXPECT_EQ(table.loaded_at,
              std::chrono::floor<std::chrono::microseconds>(systemd->world.lock()->started_at));
    const UnitState& web = *table.find("web.service");
    EXPECT_EQ(web.id, "web.service");
    EXPECT_EQ(web.load_state, "loaded");
    EXPECT_EQ(web.active_state, "active");
    EXPECT_EQ(web.sub_state, "running");
    EXPECT_EQ(web.main_pid, 4711);
    EXPECT_EQ(web.result, "success");
    EXPECT_EQ(web.file_state, "static");
    EXPECT_FALSE(web.needs_reload);
    EXPECT_EQ(table.find("idle.service")->active_state, "inactive");
    EXPECT_EQ(table.find("none.service")->load_state, "not-found");
    EXPECT_EQ(table.find("podman.socket")->sub_state, "listening");
    EXPECT_EQ(table.find("bad name")->load_state, "not-found");
    EXPECT_EQ(table.find("other.service"), nullptr);
}

TEST_F(UnitWatchTest, FollowsEveryChangeWithoutAnotherQuestion) {
    begin();
    look();
    systemd->forget_calls();
    systemd->crash("web.service", false);
    const UnitState failed = look_at("web.service");
    EXPECT_EQ(failed.active_state, "failed");
    EXPECT_EQ(failed.result, "signal");
    EXPECT_EQ(failed.exit_status, 9);
    EXPECT_EQ(failed.main_pid, 0);
    systemd->change("web.service", run);
    systemd->crash("web.service", true);
    const UnitState again = look_at("web.service");
    EXPECT_EQ(again.active_state, "active");
    EXPECT_EQ(again.restarts, 1U);
    EXPECT_EQ(systemd->all_calls(), 2);  // one for each look
    EXPECT_EQ(systemd->calls("Ping"), 2);
    EXPECT_TRUE(is_reported("systemd: web.service is failed (failed)"));
    EXPECT_TRUE(is_reported("systemd: web.service is active (running)"));
}

TEST_F(UnitWatchTest, WakesTheReconcilerByItself) {
    begin();
    look();
    systemd->crash("web.service", false);
    EXPECT_TRUE(is_reported("systemd: web.service is failed (failed)"));
    systemd->change("unwatched.service", run);
    systemd->crash("unwatched.service", false);
    systemd->change("web.service", run);
    EXPECT_TRUE(is_reported("systemd: web.service is active (running)"));
    EXPECT_EQ(hints.size(), 2U);
}

TEST_F(UnitWatchTest, AsksOnceForAnyNumberOfUnitsOnAQuietHost) {
    std::set<std::string> names;
    for (int i = 0; i < 200; ++i) {
        const std::string name = fmt::format("app{}.service", i);
        systemd->change(name, i % 2 == 0 ? run : make_idle);
        names.insert(name);
    }
    begin(names);
    EXPECT_EQ(look().units.size(), 200U);
    // The last of what the first reading brought about: inactive units come and go.
    look();
    systemd->forget_calls();
    for (int pass = 1; pass <= 3; ++pass) {
        watch->watch(names);
        EXPECT_EQ(look().units.size(), 200U);
        EXPECT_LE(systemd->all_calls(), pass);
    }
    EXPECT_EQ(systemd->calls("Ping"), 3);
}

TEST_F(UnitWatchTest, ReadsUnitsAnewAfterAReload) {
    begin({"web.service", "new.service"});
    EXPECT_EQ(look_at("new.service").load_state, "not-found");
    const WallTime before = look().loaded_at;
    systemd->generate_from(directory);
    write("new.container", "[Container]\nImage=a\n");
    EXPECT_EQ(look_at("new.service").load_state, "not-found");
    ASSERT_TRUE(UnitControl(bus.address()).daemon_reload(kLong));
    const UnitTable table = look();
    EXPECT_GT(table.loaded_at, before);
    const UnitState& made = *table.find("new.service");
    EXPECT_EQ(made.load_state, "loaded");
    EXPECT_EQ(made.active_state, "inactive");
    EXPECT_EQ(made.file_state, "generated");
    EXPECT_EQ(made.source_path, directory / "new.container");
    EXPECT_FALSE(made.needs_reload);
    EXPECT_TRUE(is_reported("systemd: new.service is loaded"));
    fs::remove(directory / "new.container");
    EXPECT_TRUE(look_at("new.service").needs_reload);
    systemd->reload();
    EXPECT_EQ(look_at("new.service").load_state, "not-found");
}

TEST_F(UnitWatchTest, SeesAnEditedFileThoughSystemdDoesNotTellIt) {
    write("app.container", "[Container]\nImage=a\n");
    systemd->generate_from(directory);
    begin({"app.service"});
    EXPECT_FALSE(look_at("app.service").needs_reload);
    const auto later = fs::last_write_time(directory / "app.container") + seconds(1);
    fs::last_write_time(directory / "app.container", later);
    EXPECT_TRUE(look_at("app.service").needs_reload);
    systemd->reload();
    EXPECT_FALSE(look_at("app.service").needs_reload);
}

TEST_F(UnitWatchTest, SeesAFileThatWasEditedBeforeItLooked) {
    write("app.container", "[Container]\nImage=a\n");
    systemd->generate_from(directory);
    const auto loaded = std::chrono::file_clock::from_sys(systemd->world.lock()->loaded_at);
    // Until the file system's clock has come as far.
    EXPECT_TRUE(eventually([&] {
        write("app.container", "[Container]\nImage=b\n");
        return fs::last_write_time(directory / "app.container") > loaded;
    }));
    begin({"app.service"});
    EXPECT_TRUE(look_at("app.service").needs_reload);
    fs::remove(directory / "app.container");
    EXPECT_TRUE(look_at("app.service").needs_reload);
}

TEST_F(UnitWatchTest, SeesThatAUnitWasMasked) {
    begin();
    EXPECT_FALSE(look_at("web.service").is_masked());
    systemd->mask("web.service");
    const UnitState masked = look_at("web.service");
    EXPECT_TRUE(masked.is_masked());
    EXPECT_EQ(masked.file_state, "masked");
    EXPECT_EQ(masked.active_state, "active");
    EXPECT_TRUE(is_reported("systemd: web.service is masked"));
    systemd->unmask("web.service");
    EXPECT_FALSE(look_at("web.service").is_masked());
}

TEST_F(UnitWatchTest, KnowsWhatAJobOfAnotherConnectionDid) {
    begin();
    look();
    const UnitControl control(bus.address());
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(control.start("idle.service", kLong));
        ASSERT_EQ(look_at("idle.service").active_state, "active");
        ASSERT_TRUE(control.stop("idle.service", kLong));
        ASSERT_EQ(look_at("idle.service").active_state, "inactive");
    }
}

TEST_F(UnitWatchTest, SeesAUnitThatSystemdForgot) {
    begin();
    look();
    systemd->crash("web.service", false);
    look();
    // Without a word but that of its removal from memory.
    systemd->world.lock()->units["web.service"] = {};
    ASSERT_TRUE(UnitControl(bus.address()).state("web.service", kLong));
    const UnitState forgotten = look_at("web.service");
    EXPECT_EQ(forgotten.active_state, "inactive");
    EXPECT_EQ(forgotten.sub_state, "dead");
    EXPECT_EQ(forgotten.load_state, "loaded");
}

TEST_F(UnitWatchTest, ChangesWhatItWatches) {
    begin({"web.service"});
    look();
    systemd->forget_calls();
    watch->watch({"web.service", "idle.service"});
    EXPECT_EQ(look().units.size(), 2U);
    for (const std::string& line : systemd->world.lock()->log) {
        EXPECT_EQ(line.find("web.service"), std::string::npos) << line;
    }
    EXPECT_EQ(systemd->calls("ListUnitsByNames"), 1);
    watch->watch({"idle.service"});
    EXPECT_EQ(look().units.size(), 1U);
    systemd->crash("web.service", false);
    EXPECT_EQ(look().units.size(), 1U);
}

TEST_F(UnitWatchTest, HasNoConnectionWhenNothingIsWatched) {
    begin({});
    EXPECT_EQ(look().units.size(), 0U);
    bus.stop();
    EXPECT_EQ(look().units.size(), 0U);
    EXPECT_EQ(systemd->all_calls(), 0);
    time.run_posted();
    EXPECT_EQ(time.timers(), 0U);
}

TEST_F(UnitWatchTest, KnowsNothingWithoutABus) {
    begin();
    look();
    bus.stop();
    EXPECT_TRUE(eventually([&] { return !hints.empty(); }));
    EXPECT_EQ(hints.size(), 1U);
    const Error error = lost();
    EXPECT_EQ(error.code, Code::Unavailable);
    EXPECT_NE(error.message.find("no bus at " + bus.address()), std::string::npos) << error.message;
}

TEST_F(UnitWatchTest, ComesBackByItselfAfterThePause) {
    begin();
    look();
    bus.stop();
    EXPECT_TRUE(eventually([&] { return time.timers() == 1; }));
    EXPECT_EQ(time.next_timer(), milliseconds(100));
    systemd.reset();
    for (const int next : {200, 400, 800}) {
        time.advance(time.next_timer());
        ASSERT_TRUE(eventually([&] { return time.timers() == 1; }));
        EXPECT_EQ(time.next_timer(), milliseconds(next));
    }
    bus.start();
    systemd = std::make_unique<fakes::FakeSystemd>(bus.address());
    systemd->change("web.service", run);
    time.advance(time.next_timer());
    EXPECT_TRUE(is_reported("systemd can be reached again"));
    // What happened meanwhile, and what happens from now on.
    EXPECT_TRUE(is_reported("systemd: idle.service is not-found"));
    systemd->crash("web.service", false);
    EXPECT_TRUE(is_reported("systemd: web.service is failed (failed)"));
    EXPECT_EQ(time.timers(), 0U);
}

TEST_F(UnitWatchTest, ComesBackAtOnceWhenItIsAsked) {
    begin();
    look();
    bus.stop();
    lost();
    systemd.reset();
    bus.start();
    systemd = std::make_unique<fakes::FakeSystemd>(bus.address());
    systemd->change("web.service", run);
    EXPECT_EQ(look_at("web.service").active_state, "active");
}

TEST_F(UnitWatchTest, WaitsAtMostHalfAMinuteBetweenItsTries) {
    bus.stop();
    begin();
    Duration longest{};
    for (int i = 0; i < 15; ++i) {
        ASSERT_TRUE(eventually([&] { return time.timers() == 1; }));
        longest = std::max(longest, time.next_timer());
        time.advance(time.next_timer());
    }
    EXPECT_EQ(longest, seconds(30));
    EXPECT_EQ(hints.size(), 1U);
}

TEST_F(UnitWatchTest, SubscribesAgainWhenSystemdWasRestarted) {
    begin();
    look();
    systemd->leave();
    EXPECT_TRUE(is_reported("cannot watch systemd's units: systemd has left the bus"));
    EXPECT_EQ(lost(), (Error{Code::Unavailable,
                             "cannot watch systemd's units: systemd is not on the bus"}));
    EXPECT_EQ(time.timers(), 0U);  // its coming back will be told
    systemd->world.lock()->units["web.service"].active = "inactive";
    systemd->join();
    EXPECT_TRUE(is_reported("systemd can be reached again"));
    EXPECT_TRUE(is_reported("systemd: web.service is inactive (running)"));
    systemd->change("web.service", run);
    EXPECT_TRUE(is_reported("systemd: web.service is active (running)"));
}

TEST_F(UnitWatchTest, SurvivesARestartThatNobodySaw) {
    begin();
    for (int i = 0; i < 5; ++i) {
        look();
        systemd->leave();
        systemd->join();
        systemd->change("web.service", [](FakeUnit& unit) { ++unit.restarts; });
        EXPECT_EQ(look_at("web.service").restarts, static_cast<unsigned>(i) + 1);
    }
}

TEST_F(UnitWatchTest, StartsBeforeSystemdIsOnTheBus) {
    systemd->leave();
    begin();
    EXPECT_EQ(lost().code, Code::Unavailable);
    systemd->join();
    EXPECT_EQ(look_at("web.service").active_state, "active");
}

TEST_F(UnitWatchTest, SaysThatItIsRefused) {
    for (const Manners manners : {Manners::RefusesEverybody, Manners::RefusesCalls}) {
        watch.reset();
        systemd.reset();
        bus.stop();
        bus.start(manners);
        if (manners == Manners::RefusesCalls) {
            systemd = std::make_unique<fakes::FakeSystemd>(bus.address());
        }
        begin();
        const Error error = lost();
        EXPECT_EQ(error.code, Code::Denied) << error.message;
        EXPECT_TRUE(eventually([&] { return time.timers() == 1; }));
    }
}

TEST_F(UnitWatchTest, IsNotHeldByASystemdThatHangs) {
    begin();
    look();
    systemd->hold("Ping");
    const auto late = watch->look(milliseconds(100));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Code::Timeout);
    std::stop_source stop;
    auto stopped = std::async(std::launch::async, [&] {
        return watch->look({kLong, stop.get_token()});
    });
    stop.request_stop();
    const auto cut = stopped.get();
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, Code::Cancelled);
    systemd->release();
    EXPECT_EQ(look_at("web.service").active_state, "active");
}

TEST_F(UnitWatchTest, EndsThoughTheBusHangs) {
    begin();
    look();
    bus.freeze();
    const auto late = watch->look(milliseconds(100));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Code::Timeout);
    const SteadyTime before = SystemClock().steady_now();
    watch.reset();
    EXPECT_LT(SystemClock().steady_now() - before, seconds(5));
    hints.clear();
    time.run_posted();
    EXPECT_TRUE(hints.empty());
}

TEST_F(UnitWatchTest, IsLookedAtByManyThreads) {
    begin();
    std::vector<std::future<bool>> looks;
    for (int i = 0; i < 8; ++i) {
        looks.push_back(std::async(std::launch::async, [&] {
            bool all = true;
            for (int n = 0; n < 50; ++n) {
                const auto table = watch->look(kLong);
                all = all && table && table->units.size() == 2;
            }
            return all;
        }));
    }
    for (int i = 0; i < 50; ++i) {
        systemd->crash("web.service", true);
    }
    for (auto& one : looks) {
        EXPECT_TRUE(one.get());
    }
    EXPECT_EQ(look_at("web.service").restarts, 50U);
}

}  // namespace
}  // namespace podreeve::systemd
