#include "agent/reconcile/podman_unit.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/fakes/fake_systemd/fake_systemd.h"
#include "tests/fakes/fake_systemd/private_bus.h"
#include "tests/fakes/fake_time.h"

namespace podreeve::reconcile {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// What podman.socket listens at.
struct SocketPath {
    SocketPath() {
        std::string pattern = (std::filesystem::temp_directory_path() / "socket-XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
        std::ofstream(directory / "podman.sock") << "";
    }

    ~SocketPath() {
        std::error_code ignored;
        std::filesystem::remove_all(directory, ignored);
    }

    SocketPath(const SocketPath&) = delete;
    SocketPath& operator=(const SocketPath&) = delete;

    std::filesystem::path directory;
};

class PodmansUnit : public testing::Test {
  protected:
    handlers::UnitCalls calls() {
        handlers::UnitCalls out;
        out.state = [this](const std::string& name, const systemd::Call&) {
            return units.contains(name) ? Result<systemd::UnitState>(units[name])
                                        : fail(Code::Unavailable, "nobody is on the bus");
        };
        out.start = [this](const std::string& name, const systemd::Call&) {
            asked.push_back("start " + name);
            return Result<systemd::JobResult>(start);
        };
        out.restart = [this](const std::string& name, const systemd::Call&) {
            asked.push_back("restart " + name);
            return Result<systemd::JobResult>(start);
        };
        out.reset_failed = [this](const std::string& name, const systemd::Call&) {
            asked.push_back("reset-failed " + name);
            return Status();
        };
        return out;
    }

    void put(const std::string& name, const char* state, const char* result = "", int code = 0) {
        units[name].load_state = "loaded";
        units[name].active_state = state;
        units[name].result = result;
        units[name].exit_status = code;
    }

    void fail_both() {
        put("podman.socket", "failed");
        put("podman.service", "failed", "exit-code", 125);
    }

    // As `podman system reset` does, while somebody keeps podman from idling out.
    void lose_the_path() {
        put("podman.socket", "active");
        put("podman.service", "active");
        std::filesystem::remove_all(path.directory);
    }

    std::size_t starts() const {
        return static_cast<std::size_t>(std::ranges::count_if(asked, [](const std::string& call) {
            return call == "start podman.socket" || call == "restart podman.socket";
        }));
    }

    std::size_t starts_within(Duration duration) {
        const std::size_t before = starts();
        for (Duration passed{}; passed < duration; passed += seconds(1)) {
            unit.look({});
            time.advance(seconds(1));
        }
        return starts() - before;
    }

    SocketPath path;

    fakes::FakeTime time;
    std::map<std::string, systemd::UnitState> units;
    std::vector<std::string> asked;
    systemd::JobResult start{"done", "", false};
    std::string words;  // podman's last in the journal
    WallTime words_since{};
    PodmanUnit unit{calls(),
                    time,
                    {path.directory / "podman.sock", systemd::Scope::User,
                     [this] { asked.emplace_back("end the events"); },
                     [this](const std::string&, WallTime not_before) {
                         words_since = not_before;
                         return words;
                     }}};
};

TEST_F(PodmansUnit, StartsASocketThatHasFailedAndSaysWhatSystemdTells) {
    fail_both();
    EXPECT_EQ(unit.look({}),
              "podman.socket has failed, podman.service has failed (exit-code 125); "
              "it is started again");
    EXPECT_EQ(asked,
              (std::vector<std::string>{"reset-failed podman.service", "start podman.socket"}));
}

TEST_F(PodmansUnit, SaysWhatPodmanSaidLast) {
    fail_both();

    const struct {
        const char* words;
        const char* said;
    } kRows[] = {
        {"Error: database is locked", "(exit-code 125), and said: Error: database is locked;"},
        {"time=\"2026-01-01T00:00:00Z\" level=error msg=\"no room\"",
         "(exit-code 125), and said: level=error msg=\"no room\";"},
        {"time=\"", "(exit-code 125), and said: time=\";"},
        {"", "(exit-code 125); "},
    };

    for (const auto& row : kRows) {
        words = row.words;
        const std::string said = unit.look({});
        EXPECT_NE(said.find(row.said), std::string::npos) << said;
    }
    EXPECT_EQ(words_since, time.system_now() - minutes(10)) << "what is older is another failure's";
}

TEST_F(PodmansUnit, StartsOneThatAPersonStopped) {
    put("podman.socket", "inactive");
    put("podman.service", "inactive");
    EXPECT_EQ(unit.look({}), "podman.socket is inactive; it is started again");
    EXPECT_EQ(starts(), 1U);
}

TEST_F(PodmansUnit, LeavesOneThatAPersonMaskedAndSaysWhatEndsThat) {
    put("podman.socket", "inactive");
    units["podman.socket"].load_state = "masked";
    const std::string said = unit.look({});
    EXPECT_NE(said.find("podman.socket is masked"), std::string::npos) << said;
    EXPECT_NE(said.find("unmask podman.socket"), std::string::npos) << said;
    EXPECT_EQ(asked, std::vector<std::string>{});
}

TEST_F(PodmansUnit, LeavesASocketAloneThatListensOrIsNotThere) {
    put("podman.service", "failed", "exit-code", 125);
    EXPECT_EQ(unit.look({}), "") << "systemd cannot be asked";
    put("podman.socket", "active");
    EXPECT_EQ(unit.look({}), "podman.service has failed (exit-code 125)");
    put("podman.socket", "inactive");
    units["podman.socket"].load_state = "not-found";
    EXPECT_EQ(unit.look({}), "");
    EXPECT_EQ(asked, std::vector<std::string>{});
}

TEST_F(PodmansUnit, StartsItMoreAndMoreSeldomAndNeverLessThanEveryFiveMinutes) {
    fail_both();
    const std::size_t first = starts_within(minutes(1));
    EXPECT_GE(first, 5U);
    EXPECT_LE(first, 8U);
    starts_within(minutes(20));
    const std::size_t later = starts_within(minutes(60));
    EXPECT_GE(later, 12U);
    EXPECT_LE(later, 16U);
    unit.replied();
    asked.clear();
    unit.look({});
    EXPECT_EQ(starts(), 1U) << "the next outage is another";
}

TEST_F(PodmansUnit, HeedsNoWallClock) {
    fail_both();
    unit.look({});
    time.set_wall(time.system_now() - std::chrono::hours(24 * 3652));
    time.advance(seconds(2));
    unit.look({});
    EXPECT_EQ(starts(), 2U);
}

TEST_F(PodmansUnit, SaysWhyTheStartFailedAndWhenTheNextIs) {
    fail_both();
    start = {"failed", "it failed (resources)", false};
    EXPECT_NE(unit.look({}).find("; it failed (resources); next try in "), std::string::npos);
}

TEST_F(PodmansUnit, RestartsASocketWhosePathIsGoneOnceNobodyKeepsPodmanUp) {
    lose_the_path();
    const std::string said = unit.look({});
    EXPECT_NE(said.find("podman.socket is active"), std::string::npos) << said;
    EXPECT_NE(said.find("`systemctl --user restart podman.socket`"), std::string::npos) << said;
    EXPECT_NE(said.find("; it is restarted"), std::string::npos) << said;
    EXPECT_EQ(asked, (std::vector<std::string>{"end the events", "reset-failed podman.service",
                                               "restart podman.socket"}));
}

TEST_F(PodmansUnit, RestartsItMoreAndMoreSeldom) {
    lose_the_path();
    EXPECT_LE(starts_within(minutes(1)), 8U);
    EXPECT_LE(starts_within(minutes(20)), 16U);
    unit.replied();
    asked.clear();
    unit.look({});
    EXPECT_EQ(starts(), 1U) << "the next outage is another";
}

TEST_F(PodmansUnit, SaysWhyTheRestartFailedAndStillWhatHelps) {
    lose_the_path();
    start = {"failed", "it failed (resources)", false};
    const std::string said = unit.look({});
    EXPECT_NE(said.find("`systemctl --user restart podman.socket`"), std::string::npos) << said;
    EXPECT_NE(said.find("; it failed (resources); next try in "), std::string::npos) << said;
}

TEST_F(PodmansUnit, RestartsNoneThatAPersonMaskedOrThatIsOnItsWay) {
    lose_the_path();
    for (const char* on_its_way : {"activating", "deactivating"}) {
        put("podman.socket", on_its_way);
        EXPECT_EQ(unit.look({}), "") << on_its_way;
    }
    put("podman.socket", "active");
    units["podman.socket"].load_state = "masked";
    EXPECT_NE(unit.look({}).find("podman.socket is masked"), std::string::npos);
    EXPECT_EQ(asked, std::vector<std::string>{});
}

TEST_F(PodmansUnit, StartsASocketThatIsDownAlsoWhenItTookItsPathAlong) {
    lose_the_path();
    put("podman.socket", "inactive");
    EXPECT_EQ(unit.look({}), "podman.socket is inactive; it is started again");
    EXPECT_EQ(std::ranges::count(asked, "start podman.socket"), 1);
}

TEST(PodmansUnitOnABus, IsRestartedWhenItsPathIsGone) {
    const fakes::PrivateBus bus;
    fakes::FakeSystemd systemd(bus.address());
    fakes::FakeUnit listening;
    listening.active = listening.sub = "active";
    {
        auto world = systemd.world.lock();
        world->units["podman.service"] = world->units["podman.socket"] = listening;
    }
    fakes::FakeTime time;
    PodmanUnit unit(handlers::calls_of(systemd::UnitControl(bus.address())), time,
                    {"/nonexistent/podman.sock", systemd::Scope::System, [] {}});
    const std::string said = unit.look({});
    EXPECT_NE(said.find("`systemctl restart podman.socket`"), std::string::npos) << said;
    EXPECT_EQ(systemd.calls("RestartUnit"), 1);
    EXPECT_EQ(systemd.calls("StartUnit"), 0);
}

TEST(PodmansUnitOnABus, IsStartedAgainAndThenLeftAlone) {
    const fakes::PrivateBus bus;
    fakes::FakeSystemd systemd(bus.address());
    fakes::FakeUnit failed;
    failed.active = failed.sub = "failed";
    failed.result = "exit-code";
    failed.exit_status = 125;
    {
        auto world = systemd.world.lock();
        world->units["podman.service"] = world->units["podman.socket"] = failed;
    }
    fakes::FakeTime time;
    const SocketPath path;
    PodmanUnit unit(handlers::calls_of(systemd::UnitControl(bus.address())), time,
                    {path.directory / "podman.sock", systemd::Scope::User, [] {}});
    const std::string said = unit.look({});
    EXPECT_NE(said.find("podman.socket has failed"), std::string::npos) << said;
    EXPECT_NE(said.find("podman.service has failed (exit-code 125)"), std::string::npos) << said;
    EXPECT_EQ(systemd.world.lock()->units.at("podman.socket").active, "active");
    systemd.forget_calls();
    EXPECT_EQ(unit.look({}), "");
    EXPECT_EQ(systemd.calls("StartUnit"), 0);
}

}  // namespace
}  // namespace podreeve::reconcile
