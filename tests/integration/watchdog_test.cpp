// systemd's watchdog over the agent: what keeps it fed, and what does not.
#include "agent/daemon/watchdog.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "agent/state/core.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Words = std::vector<std::string>;

class Watchdog : public ::testing::Test {
  protected:
    Watchdog() {
        host.write("clock.yaml", to_text(SingleApp{}));
        host.start();
        host.advance(minutes(1));
        const auto guarded = daemon::guard(*host.agent, {[this]() -> Result<bool> {
                                                             calls.push_back("feed");
                                                             return true;
                                                         },
                                                         [this]() -> Status {
                                                             calls.push_back("starve");
                                                             return {};
                                                         },
                                                         [this]() -> Status {
                                                             ++fed_once;
                                                             return {};
                                                         }});
        EXPECT_TRUE(guarded && *guarded);
    }

    ~Watchdog() override { host.podman->release_hung(); }

    void begin_a_pass_that_hangs() {
        host.podman->hang_next("GET", "^containers/json");
        host.agent->request_pass("the test asked");
        while (host.podman->hung() == 0) {
            host.turns.run();
            std::this_thread::yield();
        }
    }

    Words calls;
    std::atomic<int> fed_once = 0;
    Host host;
};

TEST_F(Watchdog, IsFedFromTheBegin) {
    host.pass();
    EXPECT_EQ(calls, Words{"feed"});
}

TEST_F(Watchdog, IsNotFedWhileAPassDoesNotEndAndAgainOnceItHas) {
    begin_a_pass_that_hangs();
    host.time.advance(minutes(2));
    host.turns.run();
    EXPECT_EQ(calls, Words{"feed"}) << "so long it may take";
    host.time.advance(minutes(1));
    host.turns.run();
    EXPECT_EQ(calls, (Words{"feed", "starve"}));
    host.podman->release_hung();
    host.converge();
    EXPECT_EQ(calls, (Words{"feed", "starve", "feed"}));
}

TEST_F(Watchdog, IsFedWhileSomebodyWaitsForTheDisk) {
    DiskWaits& disk = host.agent->state().disk();
    disk.look();
    EXPECT_EQ(fed_once, 0) << "nobody does";
    const DiskWaits::Wait wait = disk.begin();
    disk.look();
    EXPECT_GE(fed_once, 1);
}

}  // namespace
}  // namespace podreeve::integration
