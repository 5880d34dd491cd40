#include "quadlet/mount.h"

#include <gtest/gtest.h>

namespace podreeve::quadlet {
namespace {

TEST(Mount, IsTakenApartAndPutTogether) {
    const auto mount = parse_mount("destination=/d,type=bind,src=./x,\"opt=a,b \"\"c\"\"\"");
    ASSERT_TRUE(mount) << mount.error().message;
    EXPECT_EQ(mount->type, "bind");
    EXPECT_EQ(mount->source, "./x");
    EXPECT_TRUE(mount->wants_source);
    EXPECT_EQ(mount->fields,
              (std::vector<std::string>{"destination=/d", "src=./x", "opt=a,b \"c\""}));
    EXPECT_EQ(render_mount(*mount, "/q/x"),
              "type=bind,destination=/d,source=/q/x,\"opt=a,b \"\"c\"\"\"");
}

TEST(Mount, OfATypeWithoutSourceIsLeftToPodman) {
    const auto mount = parse_mount("type=tmpfs,destination=/t");
    ASSERT_TRUE(mount);
    EXPECT_FALSE(mount->wants_source);
    EXPECT_EQ(mount->source, "");
}

TEST(Mount, WithoutATypeOrWithBrokenQuotesIsRefused) {
    for (const std::string_view text : {"destination=/t", "", "type=bind,\"a", "type=bind,a\"b",
                                        "type=bind,\"a\"b", "type=a=b"}) {
        const auto mount = parse_mount(text);
        ASSERT_FALSE(mount) << text;
        EXPECT_EQ(mount.error().code, Code::InvalidArgument);
    }
}

}  // namespace
}  // namespace podreeve::quadlet
