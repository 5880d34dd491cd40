#include "agent/supervise/decide/memory.h"

#include <gtest/gtest.h>

namespace podreeve::supervise {
namespace {

TEST(Memory, ComesBackAsItWasWritten) {
    AppMemory memory;
    memory.restarts["web"] = {3, 8, "abc/1/2"};
    memory.restarts["db"].until = WallTime(std::chrono::seconds(1'800'000'000));
    memory.health["web"] = {"abc", 7, "unhealthy", "readiness: closed"};
    memory.health["db"] = {"def", 8, "healthy", ""};
    memory.autostart_off = true;
    memory.unseen = true;
    memory.request = 12;
    memory.restart = 11;
    memory.alone = true;
    memory.ran = {{"s2", 2, WallTime(std::chrono::seconds(20)), false},
                  {"s1", 1, WallTime(std::chrono::seconds(10)), true}};
    memory.volumes = {"s2", {"data", "logs"}, "/disk/volumes", "/disk"};
    memory.former = {"shop"};
    memory.foreign_runs["web.service"] = "0123";
    EXPECT_EQ(memory_from(to_extra(memory)), memory);
}

TEST(Memory, TextThatCannotBeReadCountsAsEmpty) {
    for (const char* text : {"", "{", "[]", "null", R"({"restarts":3})", R"({"restarts":{"a":1}})",
                             R"({"autostart_off":"yes"})"}) {
        EXPECT_TRUE(memory_from(text).restarts.empty()) << text;
    }
}

TEST(Memory, KeepsWhatCanBeReadBesideWhatCannot) {
    const AppMemory memory = memory_from(
        R"({"request":"x","restart":7,"restarts":{"web":{"restarts":4,"until":[]},"db":1},"alone":1})");
    EXPECT_EQ(memory.request, 0);
    EXPECT_EQ(memory.restart, 7);
    EXPECT_EQ(memory.restarts.at("web").restarts, 4);
    EXPECT_EQ(memory.restarts.size(), 1U);
    EXPECT_FALSE(memory.alone);
}

TEST(Memory, WritesAMessageThatIsNoText) {
    AppMemory memory;
    memory.health["web"] = {"abc", 7, "unhealthy", "exit code 1: \xFF"};
    EXPECT_EQ(memory_from(to_extra(memory)).health.at("web").message, "exit code 1: \xEF\xBF\xBD");
}

TEST(Memory, KnowsTheLastVersionsThatRanEachOnce) {
    AppMemory memory;
    for (int i = 1; i <= 25; ++i) {
        EXPECT_TRUE(note_ran(memory, {"s" + std::to_string(i), i, WallTime{}, false}));
    }
    ASSERT_EQ(memory.ran.size(), kRanVersions);
    EXPECT_EQ(memory.ran.front().spec, "s25");
    EXPECT_EQ(memory.ran.back().spec, "s6");
    EXPECT_FALSE(note_ran(memory, {"s25", 25, WallTime{}, false}));
    EXPECT_FALSE(note_ran(memory, {"", 25, WallTime{}, false}));
    EXPECT_TRUE(note_ran(memory, {"s7", 0, WallTime(std::chrono::seconds(9)), false}));
    EXPECT_EQ(memory.ran.size(), kRanVersions);
    EXPECT_EQ(memory.ran.front().spec, "s7");
    EXPECT_EQ(memory.ran.front().generation, 7) << "it is what it was";
}

TEST(Memory, AnEmptyOneWritesTheSameTextEachTime) {
    EXPECT_EQ(to_extra(AppMemory{}), "{}");
}

}  // namespace
}  // namespace podreeve::supervise
