#include "agent/supervise/memory.h"

#include <gtest/gtest.h>

namespace podreeve::supervise {
namespace {

TEST(Memory, ComesBackAsItWasWritten) {
    Memory memory;
    memory.restarts["web"] = {3, 8, "abc/1/2"};
    memory.autostart_off = true;
    const Memory read = memory_from(to_extra(memory));
    EXPECT_EQ(read.restarts, memory.restarts);
    EXPECT_TRUE(read.autostart_off);
}

TEST(Memory, TextThatCannotBeReadCountsAsEmpty) {
    for (const char* text : {"", "{", "[]", "null", R"({"restarts":3})", R"({"restarts":{"a":1}})",
                             R"({"autostart_off":"yes"})"}) {
        EXPECT_TRUE(memory_from(text).restarts.empty()) << text;
    }
}

TEST(Memory, AnEmptyOneWritesTheSameTextEachTime) {
    EXPECT_EQ(to_extra(Memory{}), "{}");
}

}  // namespace
}  // namespace podreeve::supervise
