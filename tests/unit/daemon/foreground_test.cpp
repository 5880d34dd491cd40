#include "agent/daemon/foreground.h"

#include <gtest/gtest.h>

namespace podreeve::daemon {
namespace {

TEST(Foreground, RunsRegularFilesAlone) {
    Config config;
    config.paths.state_dir = "/nowhere";
    for (const char* what : {"/dev/null", "/"}) {
        const auto staged = stage_manifest(what, config);
        ASSERT_FALSE(staged) << what;
        EXPECT_EQ(staged.error().message,
                  "cannot run " + std::string(what) + ": it is not a regular file");
    }
    EXPECT_EQ(config.paths.state_dir, "/nowhere");
}

}  // namespace
}  // namespace podreeve::daemon
