#include "agent/supervise/requests.h"

#include <gtest/gtest.h>

#include "agent/supervise/decide/memory.h"

namespace podreeve::supervise {
namespace {

TEST(Wishes, AreNumberedAndTheNewestCounts) {
    state::AppRecord record;
    EXPECT_EQ(apply({Verb::Stop}, record), 1);
    EXPECT_TRUE(record.stopped);
    EXPECT_EQ(memory_from(record.extra).request, 1);
    EXPECT_EQ(apply({Verb::Start}, record), 2);
    EXPECT_FALSE(record.stopped);
    EXPECT_EQ(memory_from(record.extra).request, 2);
    EXPECT_EQ(apply({Verb::Restart}, record), 3);
    EXPECT_FALSE(record.stopped);
    EXPECT_EQ(memory_from(record.extra).restart, 3);
    EXPECT_EQ(apply({Verb::Stop, true}, record), 4);
    EXPECT_EQ(memory_from(record.extra).restart, 0) << "a stop ends a restart that was asked for";
    EXPECT_TRUE(memory_from(record.extra).alone);
}

TEST(Wishes, AStartEndsABackoffAndAutostartOff) {
    state::AppRecord record;
    AppMemory memory;
    memory.autostart_off = true;
    memory.restarts["web"] = {7, 9, "x", WallTime(std::chrono::hours(1))};
    record.extra = to_extra(memory);
    apply({Verb::Start}, record);
    const AppMemory after = memory_from(record.extra);
    EXPECT_FALSE(after.autostart_off);
    EXPECT_EQ(after.restarts.at("web").short_runs, 0);
    EXPECT_EQ(after.restarts.at("web").until, WallTime{});
    EXPECT_EQ(after.restarts.at("web").restarts, 9) << "what was counted stays counted";
}

}  // namespace
}  // namespace podreeve::supervise
