#include "agent/reconcile/host_end.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_time.h"

namespace podreeve::reconcile {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class TheHostsEnd : public testing::Test {
  protected:
    TheHostsEnd() {
        unit.load_state = "loaded";
        unit.active_state = "active";
        unit.stop_within = seconds(110);
    }

    handlers::UnitCalls calls() {
        handlers::UnitCalls out;
        out.state = [this](const std::string& name, const systemd::Call&) {
            EXPECT_EQ(name, "podreeve-apps.service");
            ++asked;
            return reachable ? Result<systemd::UnitState>(unit)
                             : fail(Code::Unavailable, "nobody is on the bus");
        };
        return out;
    }

    fakes::FakeTime time;
    systemd::UnitState unit;
    bool reachable = true;
    int asked = 0;
    HostEnd end{calls(), time};
};

TEST_F(TheHostsEnd, IsWhatTheUnitSaysAndIsAskedForOnceInAWhile) {
    EXPECT_EQ(end.gives({}), seconds(110));
    unit.stop_within = minutes(5);
    time.advance(minutes(9));
    EXPECT_EQ(end.gives({}), seconds(110));
    EXPECT_EQ(asked, 1);
    time.advance(minutes(1));
    EXPECT_EQ(end.gives({}), minutes(5)) << "a drop-in is seen";
    reachable = false;
    time.advance(minutes(10));
    EXPECT_EQ(end.gives({}), minutes(5)) << "unknown is not another";
}

TEST_F(TheHostsEnd, IsNotKnownWithoutTheUnitAndWhenThatWaitsForEver) {
    unit.load_state = "not-found";
    EXPECT_EQ(end.gives({}), std::nullopt);
    unit.load_state = "loaded";
    unit.stop_within = Duration::max();
    time.advance(minutes(10));
    EXPECT_EQ(end.gives({}), std::nullopt);
}

TEST_F(TheHostsEnd, IsNearOnlyWhileTheUnitItselfIsStopped) {
    EXPECT_EQ(end.ends_within({}), std::nullopt) << "a person stops all apps, and waits";
    unit.active_state = "deactivating";
    EXPECT_EQ(end.ends_within({}), seconds(110));
    EXPECT_EQ(end.gives({}), seconds(110));
    reachable = false;
    EXPECT_EQ(end.ends_within({}), seconds(110)) << "as it was told before";
}

}  // namespace
}  // namespace podreeve::reconcile
