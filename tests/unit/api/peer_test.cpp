#include "agent/api/peer.h"

#include <unistd.h>

#include <gtest/gtest.h>

namespace podreeve::api {
namespace {

constexpr uid_t kSomebodyElse = 54321;

TEST(Peer, TheUidOfAProcessIsItsRealOne) {
    EXPECT_EQ(uid_of_process(::getpid()), ::getuid());
    EXPECT_EQ(uid_of_process(1), uid_t{0});
}

TEST(Peer, AProcessThatIsGoneHasNoUid) {
    EXPECT_EQ(uid_of_process(0x3fffffff), std::nullopt);
}

TEST(Peer, TheSameUserAndRootMayConnect) {
    EXPECT_TRUE(may_connect(::getpid(), ::getuid()));
    EXPECT_TRUE(may_connect(1, kSomebodyElse)) << "pid 1 is root's";
}

TEST(Peer, NobodyElseMay) {
    if (::getuid() != 0) {
        EXPECT_FALSE(may_connect(::getpid(), kSomebodyElse));
    }
    EXPECT_FALSE(may_connect(0, ::getuid()));
    EXPECT_FALSE(may_connect(-1, ::getuid()));
    EXPECT_FALSE(may_connect(0x3fffffff, ::getuid()));
}

}  // namespace
}  // namespace podreeve::api
