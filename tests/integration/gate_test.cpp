#include <thread>

#include <gtest/gtest.h>

#include "runtime/systemd/units.h"
#include "tests/integration/manifest_texts.h"
#include "tests/integration/unit_host.h"

// The look right before a start: what held when the change was planned may hold no more, and come
// back while the change waits.
namespace podreeve::integration {
namespace {

using std::chrono::seconds;

class Gate : public ::testing::Test {
  protected:
    // The app's change is committed, since its condition held, and has come as far as the making of
    // its container.
    void come_up_to_the_gate(const std::string& condition) {
        it.host.write("clock.yaml",
                      to_text(SingleApp{.more = "  conditions: [" + condition + "]\n"}));
        it.host.podman->hang_next("POST", "containers/create");
        it.host.agent->request_pass("the test asked");
        while (it.host.podman->hung() == 0) {
            it.host.turns.run();
            std::this_thread::yield();
        }
        end_the_pass();
    }

    void make_a_pass() {
        it.host.agent->request_pass("the test asked");
        end_the_pass();
    }

    void end_the_pass() {
        while (!it.host.agent->reconciler().idle()) {
            it.host.turns.run();
            std::this_thread::yield();
        }
    }

    void set(const std::string& unit, const std::string& active, const std::string& sub) {
        it.systemd->change(unit, [&](fakes::FakeUnit& its) {
            its.active = active;
            its.sub = sub;
        });
    }

    // Of the app's only change.
    state::ChangeView change() {
        state::ChangeView found;
        std::size_t count = 0;
        for (const state::ChangeView& one : it.host.agent->state().changes()) {
            if (one.subject == "clock") {
                found = one;
                ++count;
            }
        }
        EXPECT_EQ(count, 1U) << "it waits, and is neither given up nor made anew";
        return found;
    }

    std::string waits_for() {
        for (const state::TaskView& task : change().tasks) {
            if (!task.wait_reason.empty()) {
                return task.wait_reason;
            }
        }
        return "";
    }

    void expect_it_goes_on() {
        it.host.advance(seconds(3));
        EXPECT_EQ(it.host.podman->state_of("clock"), "running") << it.host.app("clock").message;
        it.host.converge();
        EXPECT_EQ(change().status, state::TaskStatus::Done);
    }

    UnitHost it;
};

TEST_F(Gate, AUnitThatIsActiveNoMoreHoldsTheStartUntilItIsAgain) {
    set("data.mount", "active", "mounted");
    it.host.start();
    come_up_to_the_gate("{unit: data.mount}");
    set("data.mount", "inactive", "dead");
    it.host.podman->release_hung();
    it.host.advance(seconds(5));
    EXPECT_EQ(it.host.podman->state_of("clock"), "created");
    EXPECT_EQ(waits_for(), "waits for unit data.mount to be active (it is inactive)");
    const std::size_t passes = it.host.reports.size();
    set("data.mount", "active", "mounted");
    it.host.advance(seconds(3));
    EXPECT_EQ(it.host.podman->state_of("clock"), "running");
    EXPECT_LE(it.host.reports.size(), passes + 2) << "the gate looks by itself";
    expect_it_goes_on();
}

// Nobody waited while there was no agent, however long that was.
TEST_F(Gate, AStartThatIsHeldIsHeldByTheNextAgentToo) {
    set("data.mount", "active", "mounted");
    it.host.start();
    come_up_to_the_gate("{unit: data.mount}");
    set("data.mount", "inactive", "dead");
    it.host.podman->release_hung();
    it.host.advance(seconds(20));
    ASSERT_EQ(waits_for(), "waits for unit data.mount to be active (it is inactive)");
    it.host.stop();
    it.host.time.set_wall(it.host.time.system_now() + std::chrono::hours(24));
    // Not host.start(): that waits until no change is under way.
    it.host.agent = std::move(*it.host.make_agent());
    it.host.agent->start();
    it.host.advance(seconds(20));
    EXPECT_EQ(it.host.podman->state_of("clock"), "created");
    EXPECT_EQ(waits_for(), "waits for unit data.mount to be active (it is inactive)");
    set("data.mount", "active", "mounted");
    expect_it_goes_on();
}

TEST_F(Gate, AnAppWhoseCompanionIsDownHoldsTheStartUntilItIsUpAgain) {
    it.bring_up();
    come_up_to_the_gate("{app: web}");
    it.systemd->world.lock()->scripts["web.service"].job_result = "failed";
    set("web.service", "inactive", "dead");
    make_a_pass();
    it.host.podman->release_hung();
    it.host.advance(seconds(5));
    EXPECT_EQ(it.host.podman->state_of("clock"), "created");
    EXPECT_NE(waits_for().find("web"), std::string::npos) << waits_for();
    it.systemd->world.lock()->scripts["web.service"].job_result = "done";
    systemd::UnitControl person(it.bus.address(), systemd::Scope::User);
    ASSERT_TRUE(person.start("web.service", seconds(30)));
    make_a_pass();
    expect_it_goes_on();
}

}  // namespace
}  // namespace podreeve::integration
