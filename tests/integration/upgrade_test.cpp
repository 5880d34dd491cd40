#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "tests/integration/harness.h"

// What earlier packages left behind on a real host with all of manifests/examples up:
// tests/fixtures/upgrade/RELEASE has the state directory and the manifests (how: the README there).
// An app that nobody has touched since is not touched.

namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFixtures = PODREEVE_SOURCE_DIR "/tests/fixtures/upgrade";

std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> releases() {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(kFixtures)) {
        if (entry.is_directory()) {
            found.push_back(entry.path());
        }
    }
    return found;
}

// The state directory as the earlier release left it; 0600, since git keeps no such mode.
void put_state(const fs::path& release, const Host& host) {
    fs::remove_all(host.config.paths.state_dir);
    fs::copy(release / "state", host.config.paths.state_dir, fs::copy_options::recursive);
    fs::permissions(host.config.paths.state_dir, fs::perms::owner_all);
    for (const auto& entry : fs::recursive_directory_iterator(host.config.paths.state_dir)) {
        fs::permissions(entry.path(), entry.is_directory()
                                          ? fs::perms::owner_all
                                          : fs::perms::owner_read | fs::perms::owner_write);
    }
}

void start_with_manifests(Host& host, const fs::path& release) {
    for (const auto& entry : fs::directory_iterator(release / "manifests")) {
        host.write(entry.path().filename(), text_of(entry.path()));
    }
    host.start();
    host.converge();
}

std::string kind_of(const std::string& role) {
    return role.starts_with("volume-")         ? "volume"
           : role == "secret" || role == "pod" ? role
                                               : "container";
}

// All that stands bears the labels that the earlier release gave it; only what tells which service
// container it has is of here.
void put_labels(const fs::path& release, Host& host) {
    const auto recorded = nlohmann::json::parse(text_of(release / "labels.json"));
    std::set<std::string> recorded_containers;
    for (const auto& [role_and_name, labels] : recorded.items()) {
        const auto space = role_and_name.find(' ');
        const std::string role = role_and_name.substr(0, space);
        const std::string name = role_and_name.substr(space + 1);
        auto given = labels.get<std::map<std::string, std::string>>();
        if (given.contains("io.podreeve.service")) {
            given["io.podreeve.service"] =
                host.podman->inspect(name).at("labels").at("io.podreeve.service");
        }
        EXPECT_TRUE(host.podman->relabel_behind_back(kind_of(role), name, given))
            << "this release makes no " << role_and_name;
        recorded_containers.insert(name);
    }
    for (const std::string& name : host.podman->container_names()) {
        const auto labels = host.podman->inspect(name).value("labels", nlohmann::json::object());
        EXPECT_TRUE(!labels.contains("io.podreeve.spec") || name.ends_with("-infra") ||
                    recorded_containers.contains(name))
            << name << " keeps the labels of this release";
    }
}

TEST(Upgrade, AHostThatAnEarlierReleaseKeptHasAnEmptyPlan) {
    ASSERT_FALSE(releases().empty());
    for (const fs::path& release : releases()) {
        SCOPED_TRACE(release.filename().string());
        Host host;
        put_state(release, host);  // for the owner, whose label everything bears
        for (const char* file : {"state.db", "accepted"}) {
            fs::remove_all(host.config.paths.state_dir / file);
        }
        start_with_manifests(host, release);
        const auto before = host.ids();
        host.stop();
        put_state(release, host);
        put_labels(release, host);
        host.podman->clear_journal();
        host.start();
        host.pass();
        EXPECT_EQ(host.podman->mutations(), std::vector<std::string>{});
        EXPECT_EQ(host.ids(), before);
        EXPECT_TRUE(host.agent->state().health().set_aside.empty());
        for (const auto& entry : fs::directory_iterator(release / "manifests")) {
            const std::string app = entry.path().stem();
            EXPECT_EQ(host.state(app), "Running") << host.app(app).message;
            EXPECT_EQ(host.app(app).spec, host.app(app).deployed_spec) << app;
        }
    }
}

}  // namespace
}  // namespace podreeve::integration
