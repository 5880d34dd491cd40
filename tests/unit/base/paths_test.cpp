#include "runtime/base/paths.h"

#include <map>

#include <gtest/gtest.h>

namespace podreeve {
namespace {

Environment with(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
}

TEST(Paths, OfAUserAreByTheXdgDirectories) {
    const auto paths = paths_for(1000, with({{"HOME", "/home/ann"},
                                             {"XDG_CONFIG_HOME", "/data/config"},
                                             {"XDG_RUNTIME_DIR", "/run/ann"}}));
    ASSERT_TRUE(paths) << paths.error().message;
    EXPECT_EQ(paths->config_file, "/data/config/podreeve/podreeve.yaml");
    EXPECT_EQ(paths->state_dir, "/home/ann/.local/state/podreeve");
    EXPECT_EQ(paths->runtime_dir, "/run/ann/podreeve");
    EXPECT_EQ(paths->podman_socket, "/run/ann/podman/podman.sock");
}

// Whoever may write where the agent is started could put manifests there.
TEST(Paths, OfAUserAreNeverInTheWorkingDirectory) {
    const auto paths = paths_for(1000, with({{"HOME", "/home/ann"},
                                             {"XDG_CONFIG_HOME", "config"},
                                             {"XDG_STATE_HOME", "../state"},
                                             {"XDG_RUNTIME_DIR", "."}}));
    ASSERT_TRUE(paths) << paths.error().message;
    EXPECT_EQ(paths->config_file, "/home/ann/.config/podreeve/podreeve.yaml");
    EXPECT_EQ(paths->state_dir, "/home/ann/.local/state/podreeve");
    EXPECT_EQ(paths->runtime_dir, "/run/user/1000/podreeve");
    for (const auto& directory : paths->manifest_dirs) {
        EXPECT_TRUE(directory.is_absolute()) << directory;
    }
    EXPECT_FALSE(paths_for(1000, with({{"HOME", "home"}})));
    EXPECT_FALSE(paths_for(1000, with({})));
}

TEST(Paths, OfTheSystemGoByNoDirectoryOfTheEnvironment) {
    const auto bare = paths_for(0, with({}));
    const auto led = paths_for(0, with({{"HOME", "/home/eve"},
                                        {"XDG_CONFIG_HOME", "/home/eve/c"},
                                        {"XDG_STATE_HOME", "/home/eve/s"},
                                        {"XDG_RUNTIME_DIR", "/home/eve/r"}}));
    ASSERT_TRUE(bare && led);
    EXPECT_EQ(led->manifest_dirs, bare->manifest_dirs);
    EXPECT_EQ(led->config_file, bare->config_file);
    EXPECT_EQ(led->state_dir, bare->state_dir);
    EXPECT_EQ(led->api_socket, bare->api_socket);
    EXPECT_EQ(led->podman_socket, bare->podman_socket);
}

}  // namespace
}  // namespace podreeve
