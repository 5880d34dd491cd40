#include "agent/daemon/config.h"

#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"

namespace podreeve::daemon {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ConfigFile : public ::testing::Test {
  protected:
    Status read(const std::string& text, Config& config) const {
        std::ofstream(directory / "podreeve.yaml") << text;
        return read_config_file(directory / "podreeve.yaml", config);
    }

    fakes::TempDir temp;
    fs::path directory = temp.path();
};

TEST_F(ConfigFile, AnAbsentOrEmptyOneChangesNothing) {
    Config config;
    ASSERT_TRUE(read_config_file(directory / "none.yaml", config));
    for (const char* text : {"", "\n", "# only words\n", "---\n", "{}\n"}) {
        ASSERT_TRUE(read(text, config)) << text;
    }
    EXPECT_EQ(config.interval, seconds(30));
    EXPECT_EQ(config.workers, 23U);
    const handlers::Limits& l = config.limits;
    EXPECT_GE(config.workers, l.pulls + l.stops + l.creates + l.starts + l.units)
        << "no sort of step, at its limit, keeps another from being begun";
    EXPECT_EQ(config.limits.pulls, 3U);
    EXPECT_EQ(config.limits.stops, 8U);
    EXPECT_EQ(config.limits.creates, 4U);
    EXPECT_EQ(config.limits.starts, 4U);
    EXPECT_EQ(config.log_level, "info");
    EXPECT_TRUE(config.paths.manifest_dirs.empty());
}

TEST_F(ConfigFile, EveryKeyIsRead) {
    Config config;
    config.paths.manifest_dirs = {"/usual"};
    const Status done = read(
        "manifests: [/srv/apps, /srv/more]\n"
        "interval: 2m\n"
        "workers: 9\n"
        "limits: {pulls: 1, stops: 2, creates: 5, starts: 6}\n"
        "log_level: debug\n"
        "podman_socket: /run/podman.sock\n",
        config);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(config.paths.manifest_dirs, (std::vector<fs::path>{"/srv/apps", "/srv/more"}));
    EXPECT_EQ(config.interval, seconds(120));
    EXPECT_EQ(config.workers, 9U);
    EXPECT_EQ(config.limits.pulls, 1U);
    EXPECT_EQ(config.limits.stops, 2U);
    EXPECT_EQ(config.limits.creates, 5U);
    EXPECT_EQ(config.limits.starts, 6U);
    EXPECT_EQ(config.log_level, "debug");
    EXPECT_EQ(config.paths.podman_socket, "/run/podman.sock");
}

TEST(Options, AreHeldToTheBoundsOfTheFile) {
    Config config;
    for (const char* interval : {"0s", "999ms", "61m", "often", ""}) {
        EXPECT_FALSE(apply_interval(interval, config)) << interval;
    }
    EXPECT_FALSE(apply_log_level("verbose", config));
    EXPECT_EQ(config.interval, Config().interval);
    EXPECT_EQ(config.log_level, Config().log_level);
    EXPECT_TRUE(apply_interval("1s", config));
    EXPECT_TRUE(apply_log_level("debug", config));
    EXPECT_EQ(config.interval, seconds(1));
    EXPECT_EQ(config.log_level, "debug");
}

TEST_F(ConfigFile, WhatIsWrongIsToldWithItsPlace) {
    struct Row {
        const char* text;
        const char* place;  // after the file's name
        const char* words;
    };

    for (const Row& row : {
             Row{"interval: 30s\nintervall: 5s\n", ":2:1", "intervall"},
             Row{"interval: 500ms\n", ":1:11", "1s to 1h"},
             Row{"interval: 2h\n", ":1:11", "1s to 1h"},
             Row{"interval: soon\n", ":1:11", "soon"},
             Row{"interval: [1s]\n", ":1:11", ""},
             Row{"workers: 0\n", ":1:10", "1 to 64"},
             Row{"workers: 65\n", ":1:10", "1 to 64"},
             Row{"workers: many\n", ":1:10", "workers: must be from 1 to 64"},
             Row{"workers: 100000000000000000000\n", ":1:10", "workers: must be from 1 to 64"},
             Row{"limits: 3\n", ":1:9", "limits: must be a map of pulls"},
             Row{"limits: {pulls: 0}\n", ":1:9", "pulls must be from 1 to 64"},
             Row{"limits: {pushes: 1}\n", ":1:9", "unknown 'pushes'"},
             Row{"log_level: loud\n", ":1:12", "warning"},
             Row{"manifests: /srv\n", ":1:12", "list"},
             Row{"manifests: []\n", ":1:12", "list"},
             Row{"manifests: [/srv, apps]\n", ":1:12", "manifests: 'apps' is not an absolute path"},
             Row{"manifests: [~/apps]\n", ":1:12", "without ~"},
             Row{"manifests: [/srv, ]\nmanifests: [\"\"]\n", ":2:1", "manifests"},
             Row{"podman_socket: podman.sock\n", ":1:16", "podman_socket: 'podman.sock' is not"},
             Row{"- a\n- b\n", "", "map"},
             Row{"just words\n", "", "map"},
             Row{"interval: [\n", ":2:", ""},
             Row{"interval: 5s\ninterval: 6s\n", ":2:1", "interval"},
         }) {
        Config config;
        const Status done = read(row.text, config);
        ASSERT_FALSE(done) << row.text;
        const std::string& message = done.error().message;
        EXPECT_NE(message.find(std::string("podreeve.yaml") + row.place), std::string::npos)
            << row.text << message;
        EXPECT_NE(message.find(row.words), std::string::npos) << row.text << message;
        EXPECT_EQ(message.rfind("cannot ", 0), 0U) << message;
    }
}

TEST_F(ConfigFile, ADirectoryInItsPlaceIsAnError) {
    Config config;
    fs::create_directory(directory / "podreeve.yaml");
    EXPECT_FALSE(read_config_file(directory / "podreeve.yaml", config));
}

// Who may write it names the manifests and podman's socket, which is told every secret.
TEST_F(ConfigFile, OneThatOthersMayWriteIsRefused) {
    std::ofstream(directory / "podreeve.yaml") << "podman_socket: /tmp/evil.sock\n";
    fs::permissions(directory / "podreeve.yaml", fs::perms(0646));
    Config config;
    const Status done = read_config_file(directory / "podreeve.yaml", config);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Code::Denied);
    const std::string command = "run 'chmod o-w " + (directory / "podreeve.yaml").string() + "'";
    EXPECT_NE(done.error().message.find(command), std::string::npos) << done.error().message;
    EXPECT_TRUE(config.paths.podman_socket.empty());
}

TEST_F(ConfigFile, OneOfAnotherUserIsRefused) {
    std::ofstream(directory / "podreeve.yaml") << "interval: 5s\n";
    // Only root can give a file away.
    const bool given = ::chown((directory / "podreeve.yaml").c_str(), 4242, 4242) == 0;
    Config config;
    const Status done = read_config_file(directory / "podreeve.yaml", config);
    EXPECT_EQ(done.has_value(), !given);
    EXPECT_EQ(config.interval, given ? seconds(30) : seconds(5));
    const std::string said = done ? "run 'chown 0 " : done.error().message;
    EXPECT_NE(said.find("run 'chown 0 "), std::string::npos) << said;
}

TEST(Durations, AreReadInTheirUnits) {
    EXPECT_EQ(*parse_duration("500ms"), milliseconds(500));
    EXPECT_EQ(*parse_duration("30s"), seconds(30));
    EXPECT_EQ(*parse_duration("5m"), seconds(300));
    EXPECT_EQ(*parse_duration("1h"), seconds(3600));
    EXPECT_EQ(*parse_duration("0s"), seconds(0));
    for (const char* text : {"", "5", "s", "-5s", "5 s", "5d", "1.5s", "99999999999999999999s",
                             "999999999h", "5sx", "+5s", "999999999m", "1752000h", "105120000m"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

}  // namespace
}  // namespace podreeve::daemon
