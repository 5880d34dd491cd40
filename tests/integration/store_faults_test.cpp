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
        GetParam().scenario->given(*host);
        host->start();
        return host;
    }

    static void come_to_rest(Host& host) {
        host.pass();
        host.advance(minutes(1));
        host.settle();
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

// Supervision needs no disk to see and tell; what died meanwhile is brought back with the first
// commit that works.
TEST(FullDisk, IsSaidAndWhatDiesMeanwhileIsBroughtBackAfterwards) {
    fakes::FaultyDisk disk;
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    disk.fail_from(1, DiskFault::Full);
    ASSERT_FALSE(host.agent->state().put_app({.name = "clock"}));
    EXPECT_TRUE(host.agent->state().health().read_only);
    EXPECT_NE(host.agent->state().health().message.find("database or disk is full"),
              std::string::npos);
    EXPECT_EQ(host.state("clock"), "Running");
    ASSERT_TRUE(host.podman->kill_process("clock"));
    disk.mend();
    host.pass();
    host.advance(minutes(1));
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    EXPECT_FALSE(host.agent->state().health().read_only);
}

}  // namespace
}  // namespace podreeve::integration
