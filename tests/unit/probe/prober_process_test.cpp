#include "runtime/probe/prober_process.h"

#include <chrono>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/base/mutex.h"
#include "runtime/probe/wire.h"

namespace podreeve::probe {
namespace {

struct Heard {
    std::vector<std::string> packets;
    bool over = false;
    bool crashed = false;
};

class ProberProcessTest : public testing::Test {
  protected:
    void SetUp() override {
        auto started =
            ProberProcess::start(PODREEVE_PROBE_PROGRAM, {[this](std::string_view packet) {
                                                              auto heard = heard_.lock();
                                                              heard->packets.emplace_back(packet);
                                                              heard.notify_all();
                                                              return true;
                                                          },
                                                          [this](bool crashed) {
                                                              auto heard = heard_.lock();
                                                              heard->over = true;
                                                              heard->crashed = crashed;
                                                              heard.notify_all();
                                                          }});
        ASSERT_TRUE(started);
        process_ = std::move(*started);
    }

    template <class Pred>
    Heard wait_until(Pred pred) {
        auto heard = heard_.lock();
        EXPECT_TRUE(heard.wait_for(std::chrono::seconds(20), [&] { return pred(*heard); }));
        return *heard;
    }

    // A line of the process's own account of itself.
    std::string status(const std::string& field) const {
        std::ifstream file("/proc/" + std::to_string(process_->pid()) + "/status");
        std::string line;
        while (std::getline(file, line)) {
            if (line.starts_with(field + ":\t")) {
                return line.substr(field.size() + 2);
            }
        }
        return {};
    }

    Guarded<Heard> heard_;
    std::unique_ptr<ProberProcess> process_;
};

TEST_F(ProberProcessTest, TellsItsVersionToAnAgentOfAnotherAndEnds) {
    ASSERT_TRUE(process_->send("\x83\x02\x01"));
    const Heard heard = wait_until([](const Heard& so_far) { return so_far.over; });
    EXPECT_EQ(heard.packets, std::vector<std::string>{std::string(1, wire::kFirstByte)});
    EXPECT_FALSE(heard.crashed);
}

TEST_F(ProberProcessTest, HasLetGoOfWhatItDoesNotNeed) {
    ASSERT_TRUE(process_->send(wire::kFirstByte + wire::write(wire::Ask{{wire::kNobodys}})));
    wait_until([](const Heard& so_far) { return !so_far.packets.empty(); });
    EXPECT_EQ(status("NoNewPrivs"), "1");
    EXPECT_EQ(status("Seccomp"), "2") << "a filter";
    if (::geteuid() == 0) {
        const std::string sys_admin_alone = "0000000000200000";
        EXPECT_EQ(status("CapPrm"), sys_admin_alone);
        EXPECT_EQ(status("CapEff"), sys_admin_alone);
        EXPECT_EQ(status("CapBnd"), "0000000000000000");
    } else {
        EXPECT_EQ(status("CapPrm"), "0000000000000000");
    }
}

}  // namespace
}  // namespace podreeve::probe
