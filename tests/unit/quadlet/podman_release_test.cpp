#include "quadlet/podman_release.h"

#include <gtest/gtest.h>

namespace podreeve::quadlet {
namespace {

TEST(PodmanRelease, IsReadFromWhatPodmanCallsItself) {
    EXPECT_EQ(parse_release("5.4.2"), (PodmanRelease{5, 4, 2}));
    EXPECT_EQ(parse_release("5.8.0-rc1"), (PodmanRelease{5, 8, 0}));
    EXPECT_EQ(parse_release("4.9"), (PodmanRelease{4, 9, 0}));
    for (const std::string_view text : {"", "5", "podman", "-5.4", "5.x"}) {
        EXPECT_FALSE(parse_release(text)) << text;
    }
}

TEST(PodmanRelease, IsOrderedByAge) {
    EXPECT_LT((PodmanRelease{4, 9, 5}), (PodmanRelease{5, 0, 0}));
    EXPECT_LT((PodmanRelease{5, 4, 2}), (PodmanRelease{5, 10, 0}));
    EXPECT_EQ(to_text(PodmanRelease{5, 8, 0}), "5.8");
    EXPECT_EQ(to_text(PodmanRelease{5, 8, 2}), "5.8.2");
}

}  // namespace
}  // namespace podreeve::quadlet
