#include "runtime/base/log.h"

#include <gtest/gtest.h>

namespace podreeve {
namespace {

std::string logged(const std::string& words) {
    testing::internal::CaptureStderr();
    log::init(log::Sink::Journal, "info");
    log::warn("web: {}", words);
    return testing::internal::GetCapturedStderr();
}

TEST(Log, IsALineAMessageWithItsLevelBeforeIt) {
    EXPECT_EQ(logged("exit code 1"), "<4>web: exit code 1\n");
}

TEST(Log, HasNoSecondLineThatSomebodyElseWrote) {
    EXPECT_EQ(logged("no\n<2>disk: broken\x1b[2J"), "<4>web: no\\n<2>disk: broken\\x1b[2J\n");
    EXPECT_EQ(logged("\xff"), "<4>web: \\xff\n");
}

}  // namespace
}  // namespace podreeve
