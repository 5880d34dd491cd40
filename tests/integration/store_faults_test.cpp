// The agent on a disk that fails, at every commit of a deploy, an update that fails and a removal,
// in every way a write can fail: it says so, begins nothing new, keeps up what runs, and comes to
// the end of an unbroken run by itself once the disk is mended.
#include <thread>

#include <gtest/gtest.h>

#include "agent/state/core.h"
#include "tests/fakes/faulty_disk.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

using fakes::DiskFault;
using std::chrono::minutes;

struct Scenario {
    const char* name;
    void (*given)(Host&);
    void (*when)(Host&);
};

void nothing(Host&) {}

void deployed(Host& host) {
    host.write("shop.yaml", to_text(ShopApp{}));
}

void deploy(Host& host) {
    host.write("shop.yaml", to_text(ShopApp{}));
}

void update_in_vain(Host& host) {
    host.podman->add_image("localhost/web:2");
    host.podman->set_program("localhost/web:2", program_that_cannot_start("no such command"));
    host.write("shop.yaml", to_text(ShopApp{.web_image = "localhost/web:2"}));
}

void remove(Host& host) {
    host.erase("shop.yaml");
}

constexpr Scenario kScenarios[] = {
    {"Deploy", nothing, deploy},
    {"FailingUpdate", deployed, update_in_vain},
    {"Removal", deployed, remove},
};

struct Case {
    const Scenario* scenario;
    DiskFault fault;
};

class Disks : public ::testing::TestWithParam<Case> {
  protected:
    std::unique_ptr<Host> prepared() {
        auto host = std::make_unique<Host>();
        // Between two looks time would have to go on, and with it what waits for the disk.
        host->config.gone_after = Duration{};
        GetParam().scenario->given(*host);
        host->start();
        return host;
    }

    static void come_to_rest(Host& host) {
        host.pass();
        host.advance(minutes(1));
        host.converge();
    }

    // Until the agent knows that it cannot write, or does nothing more without time going on.
    static void go_on_until_rest(Host& host) {
        host.agent->request_pass("the test asked");
        for (int turn = 0; turn < 10'000'000; ++turn) {
            const bool ran = host.turns.run();
            if (host.agent->state().health().read_only || (!ran && host.agent->idle())) {
                return;
            }
            std::this_thread::yield();
        }
    }

    fakes::FaultyDisk disk;
};

TEST_P(Disks, ThatFailAtAnyCommitAreWaitedForAndGoneOnWith) {
    std::vector<unsigned> commits;  // the first write of each
    std::string end;
    {
        const auto host = prepared();
        disk.mend();
        host->agent->state().core().store.after_commit = [&] {
            commits.push_back(disk.writes() + 1);
        };
        commits.push_back(1);
        GetParam().scenario->when(*host);
        go_on_until_rest(*host);
        host->agent->state().core().store.after_commit = nullptr;
        commits.pop_back();  // nothing comes after the last
        come_to_rest(*host);
        end = host->snapshot();
    }
    ASSERT_GT(commits.size(), 8U);
    unsigned met = 0;
    for (const unsigned write : commits) {
        SCOPED_TRACE("write " + std::to_string(write));
        const auto host = prepared();
        disk.fail_from(write, GetParam().fault);
        GetParam().scenario->when(*host);
        go_on_until_rest(*host);
        met += host->agent->state().health().read_only ? 1 : 0;
        disk.mend();
        come_to_rest(*host);
        EXPECT_FALSE(host->agent->state().health().read_only);
        ASSERT_EQ(host->snapshot(), end);
    }
    EXPECT_GE(met * 10, commits.size() * 8) << "the faults were hardly met";
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const Scenario& scenario : kScenarios) {
        for (const DiskFault fault : {DiskFault::Full, DiskFault::Error, DiskFault::Short}) {
            all.push_back({&scenario, fault});
        }
    }
    return all;
}

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
    static const char* const kFaults[] = {"Full", "Error", "Short"};
    return std::string(info.param.scenario->name) + kFaults[static_cast<int>(info.param.fault)];
}

INSTANTIATE_TEST_SUITE_P(Failing, Disks, ::testing::ValuesIn(cases()), name_of);

// Supervision needs no disk.
class FullDisk : public ::testing::Test {
  protected:
    FullDisk() {
        host.write("clock.yaml", to_text(SingleApp{}));
        host.start();
        host.advance(minutes(1));  // what dies now has lived
        disk.fail_from(1, DiskFault::Full);
    }

    void expect_clock_is_kept_up() {
        ASSERT_TRUE(host.podman->kill_process("clock"));
        host.pass();
        EXPECT_EQ(host.podman->state_of("clock"), "running");
        ASSERT_TRUE(host.podman->remove_behind_back("clock"));
        host.pass();
        host.advance(std::chrono::seconds(10));
        EXPECT_EQ(host.podman->state_of("clock"), "running");
    }

    fakes::FaultyDisk disk;
    Host host;
};

TEST_F(FullDisk, IsSaidAndTakesNoWish) {
    const auto taken = host.agent->supervisor().request("clock", {supervise::Verb::Stop, false});
    ASSERT_FALSE(taken);
    EXPECT_NE(taken.error().message.find("database or disk is full"), std::string::npos);
    EXPECT_TRUE(host.agent->state().health().read_only);
    host.pass();
    EXPECT_EQ(host.state("clock"), "Running");
}

TEST_F(FullDisk, KeepsNoContainerDown) {
    expect_clock_is_kept_up();
    EXPECT_EQ(host.app("clock").restarts, 1);
    EXPECT_TRUE(host.agent->state().health().read_only);
}

TEST_F(FullDisk, LetsNoCrashLoopRunWild) {
    host.podman->set_program("clock", program_that_exits(1));
    ASSERT_TRUE(host.podman->kill_process("clock"));
    const std::size_t before = host.starts_of("clock");
    host.pass();
    host.advance(minutes(1));
    EXPECT_GE(host.starts_of("clock") - before, 4U);
    EXPECT_LE(host.starts_of("clock") - before, 9U) << "1 s, doubling";
}

TEST_F(FullDisk, BeginsNoNewVersion) {
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET"}));
    host.pass();
    host.advance(minutes(1));
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "UTC");
    disk.mend();
    host.advance(std::chrono::seconds(10));  // nobody has to ask for a pass
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "CET");
}

// What it is to become cannot be begun: it goes on as what it is.
TEST_F(FullDisk, KeepsUpAlsoWhatHasANewerManifest) {
    host.write("clock.yaml", to_text(SingleApp{.zone = "CET"}));
    expect_clock_is_kept_up();
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "UTC");
}

TEST_F(FullDisk, IsToldAllThatHappenedOnceItHasRoom) {
    ASSERT_TRUE(host.podman->kill_process("clock"));
    host.pass();
    host.advance(minutes(1));
    const auto events = host.agent->state().events_since(0).size();
    const auto changes = host.agent->state().changes();
    disk.mend();
    host.pass();
    host.advance(minutes(1));
    EXPECT_FALSE(host.agent->state().health().read_only);
    host.restart();
    EXPECT_GE(host.agent->state().events_since(0).size(), events);
    const auto kept = host.agent->state().change(changes.front().id);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->summary, changes.front().summary);
    EXPECT_EQ(kept->status, state::TaskStatus::Done);
    EXPECT_EQ(host.app("clock").restarts, 1);
}

// What the memory alone knew is gone with the process, and seen again by the next.
TEST_F(FullDisk, LosesNothingThatMattersToAKill) {
    ASSERT_TRUE(host.podman->remove_behind_back("clock"));
    host.pass();
    const auto ids = host.ids();
    host.kill();
    disk.mend();
    host.start();
    host.advance(minutes(1));
    EXPECT_EQ(host.ids(), ids);
    EXPECT_EQ(host.state("clock"), "Running");
}

}  // namespace
}  // namespace podreeve::integration
