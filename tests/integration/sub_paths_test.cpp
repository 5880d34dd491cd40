#include <filesystem>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/integration/harness.h"

// Whoever writes a host path may exchange what another's sub path is, also between the agent's look
// and the runtime's mount.
namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

std::string pod(const fs::path& share, const std::string& host_name = "one") {
    return fmt::format(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  hostname: {1}\n"
        "  volumes: [{{name: s, hostPath: {{path: {0}}}}}]\n"
        "  containers:\n"
        "    - name: main\n      image: localhost/busybox:latest\n      command: [serve]\n"
        "      volumeMounts: [{{name: s, mountPath: /sub, subPath: sub}}]\n"
        "    - name: side\n      image: localhost/busybox:latest\n      command: [serve]\n",
        share.string(), host_name);
}

class SubPaths : public ::testing::Test {
  protected:
    void SetUp() override {
        fs::create_directories(host.root / "share/sub");
        fs::create_directories(host.root / "secret/sub");
        host.show_processes();
        // What a process has as /sub is what stands in the directory that its root is a link to.
        host.podman->on_request([this](const fakes::FakePodman::Entry&) { mount(); }, nullptr);
        host.write("web.yaml", pod(host.root / "share"));
    }

    // Requests come on several threads, and processes go meanwhile.
    void mount() {
        std::error_code error;
        for (const auto& process : fs::directory_iterator(host.proc.path(), error)) {
            if (fs::exists(process.path() / "stat", error)) {
                fs::create_directory_symlink(host.root / mounted, process.path() / "root", error);
            }
        }
    }

    void expect_looked_at(const std::vector<std::string>& asked) {
        const auto position = [&](const char* verb) {
            return std::ranges::find_if(asked, [&](const std::string& request) {
                return request.ends_with(host.podman->id_of("web-main") + verb);
            });
        };
        EXPECT_LT(position("/init"), position("/start"));
        EXPECT_NE(position("/start"), asked.end());
    }

    Host host;
    std::string mounted = "share";
};

TEST_F(SubPaths, AreLookedAtBetweenMountAndStart) {
    host.start();
    EXPECT_EQ(host.state("web"), "Running");
    const std::vector<std::string> asked = host.podman->mutations();
    expect_looked_at(asked);
    EXPECT_EQ(std::ranges::count_if(asked, [](const auto& one) { return one.ends_with("/init"); }),
              1)
        << "the other container has none";
}

TEST_F(SubPaths, AreLookedAtAlsoWhereAnUpdateIsTakenBack) {
    host.start();
    host.podman->clear_journal();
    // The new pod, after which the one before is made again and started.
    host.podman->fail_next("POST", "containers/[0-9a-f]+/start", 500, "no such device");
    host.write("web.yaml", pod(host.root / "share", "two"));
    host.pass();
    EXPECT_EQ(host.podman->inspect("web")["hostname"], "one");
    EXPECT_EQ(host.podman->state_of("web-main"), "running");
    const std::vector<std::string> asked = host.podman->mutations();
    expect_looked_at(asked);
    EXPECT_TRUE(std::ranges::none_of(asked, [](const auto& one) {
        return one.find("pods/") != std::string::npos && one.ends_with("/start");
    })) << "podman's start of a pod leaves no time to look";
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
}

TEST_F(SubPaths, ThatWereExchangedMeanwhileAreRunInByNobody) {
    mounted = "secret";
    host.start();
    host.advance(seconds(20));
    EXPECT_EQ(host.starts_of("web-main"), 0U);
    EXPECT_NE(host.podman->state_of("web-main"), "running");
    EXPECT_NE(host.podman->state_of("web-main"), "initialized") << "nor does it hold the mount";
    EXPECT_NE(host.app("web").message.find("exchanged"), std::string::npos)
        << host.app("web").message;
    mounted = "share";
    host.advance(std::chrono::minutes(2));
    EXPECT_EQ(host.state("web"), "Running");
}

TEST_F(SubPaths, ThatWereExchangedAreToldAlsoWhenPodmanStopsNothing) {
    mounted = "secret";
    host.podman->fail_next("POST", "/stop", 500, "database is locked", 100);
    host.start();
    host.advance(seconds(20));
    EXPECT_EQ(host.starts_of("web-main"), 0U);
    const std::string message = host.app("web").message;
    EXPECT_NE(message.find("exchanged"), std::string::npos) << message;
    EXPECT_NE(message.find("cannot be stopped"), std::string::npos) << message;
}

TEST_F(SubPaths, WhoseDiskComesLateAfterABootCostNobodyItsContainers) {
    host.start();
    const auto before = host.ids();
    host.stop();
    host.podman->reboot();
    fs::rename(host.root / "share", host.root / "unmounted");
    host.start();
    host.advance(std::chrono::minutes(2));
    fs::rename(host.root / "unmounted", host.root / "share");
    host.advance(std::chrono::minutes(5));
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_EQ(changed(before, host.ids()), std::set<std::string>{});
}

}  // namespace
}  // namespace podreeve::integration
