#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <gtest/gtest.h>

#include "runtime/base/unique_fd.h"
#include "tests/fakes/fake_podman/fake_podman.h"
#include "tests/fakes/temp_dir.h"
#include "tests/integration/daemon.h"
#include "tests/integration/manifest_texts.h"

// podreeved --run itself, as podreeve-kube@.service has it, against the fake podman.
namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;

// systemd's end of sd_notify, at a path.
class NotifySocket {
  public:
    explicit NotifySocket(std::string place) : place_(std::move(place)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        place_.copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
                  0);
        const timeval patience{30, 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }

    std::string variable() const { return "NOTIFY_SOCKET=" + place_; }

    // The next message that begins so; "" when there is none for 30 s.
    std::string await(const std::string& begin) {
        char buffer[512];
        while (true) {
            const ssize_t size = ::recv(fd_.get(), buffer, sizeof buffer, 0);
            const std::string reported(buffer,
                                       static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
            if (size <= 0 || reported.starts_with(begin)) {
                return reported;
            }
        }
    }

  private:
    const std::string place_;
    const UniqueFd fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

class Foreground : public testing::Test {
  protected:
    void SetUp() override {
        fs::create_directories(root / "podman");
        podman = std::make_unique<fakes::FakePodman>(
            fakes::FakePodman::Options{.directory = (root / "podman").string()});
    }

    void TearDown() override {
        daemon.kill();
        podman.reset();
    }

    // Returns once its container was started.
    void run(const std::string& id,
             std::vector<std::string> through = {},
             const std::vector<std::string>& environment = {},
             const std::string& more = "") {
        const fs::path file = root / (id + ".yaml");
        std::ofstream(file) << to_text(SingleApp{.id = id, .more = more});
        fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
        podman->clear_journal();
        through.insert(through.end(), {PODREEVED, "--run", file, "--state-dir", root / "state",
                                       "--podman-socket", podman->socket_path(), "--config",
                                       root / "podreeve.yaml", "--interval", "1s"});
        daemon.start(std::move(through), environment);
        ASSERT_TRUE(saw("POST", "/start")) << log();
    }

    bool saw(const std::string& method, const std::string& path) {
        return podman->wait_until([&](const std::vector<fakes::FakePodman::Entry>& entries) {
            return std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
                return entry.method == method && entry.path.find(path) != std::string::npos &&
                       entry.status != 0;
            });
        });
    }

    int end(int signal) { return daemon.end(signal); }

    std::set<std::string> kept() const {
        std::set<std::string> names;
        for (const auto& entry : fs::directory_iterator(root / "state" / "run")) {
            if (entry.path().filename() != "lock") {
                names.insert(entry.path().filename().string());
            }
        }
        return names;
    }

    std::string log() const { return daemon.log(); }

    fakes::TempDir temp;
    fs::path root = temp.path();
    std::unique_ptr<fakes::FakePodman> podman;
    Daemon daemon{root};
};

// By itself, since not all who start it set a limit. Whose the files of a process in /proc are
// tells whether its memory may be dumped or looked into: its own user's and group's if so, else
// root's.
TEST_F(Foreground, DumpsNoCore) {
    ASSERT_EQ(::geteuid(), 0U) << "needs root, who can start it as of another group";
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_CORE, &before), 0);
    ASSERT_NE(before.rlim_max, 0U) << "who started this test allows no core files";
    const rlimit all{before.rlim_max, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_CORE, &all), 0);
    run("web", {"/usr/bin/setpriv", "--regid", "65534", "--clear-groups"});
    ASSERT_EQ(::setrlimit(RLIMIT_CORE, &before), 0);
    const fs::path proc = "/proc/" + std::to_string(daemon.pid());
    std::ostringstream limits;
    limits << std::ifstream(proc / "limits").rdbuf();
    EXPECT_TRUE(std::regex_search(limits.str(), std::regex("Max core file size +0 +0 ")))
        << limits.str();

    struct stat info {};

    ASSERT_EQ(::stat((proc / "stat").c_str(), &info), 0);
    EXPECT_EQ(info.st_gid, 0U);
    EXPECT_EQ(end(SIGTERM), 0) << log();
}

TEST_F(Foreground, LeavesNothingBehindOnceItsAppIsDownAndAway) {
    run("web");
    EXPECT_EQ(kept().size(), 1U);
    EXPECT_EQ(end(SIGTERM), 0) << log();
    EXPECT_TRUE(podman->container_names().empty()) << log();
    EXPECT_TRUE(kept().empty());
}

TEST_F(Foreground, AnotherOfTheSameFileIsRefusedAndCostsTheFirstNothing) {
    run("web");
    Daemon other(root);
    other.start({PODREEVED, "--run", root / "web.yaml", "--state-dir", root / "state",
                 "--podman-socket", podman->socket_path(), "--config", root / "podreeve.yaml"});
    EXPECT_NE(other.end(0), 0) << log();
    EXPECT_EQ(end(SIGTERM), 0) << log();
    EXPECT_TRUE(podman->container_names().empty()) << log();
    EXPECT_TRUE(kept().empty());
}

// Whoever asked for the stop is not told to let the app go as well.
TEST_F(Foreground, EndsItsAppThoughItsDirectoryIsAnother) {
    run("web");
    const fs::path manifests = root / "state" / "run" / *kept().begin() / "manifests";
    fs::rename(manifests, root / "away");
    fs::create_directories(manifests);
    EXPECT_EQ(end(SIGTERM), 0) << log();
    EXPECT_TRUE(podman->container_names().empty()) << log();
}

TEST_F(Foreground, TakesOverWhatAKilledOneLeftAndThenClearsIt) {
    run("web");
    end(SIGKILL);
    const auto place = kept();
    EXPECT_EQ(place.size(), 1U);
    const std::string id = podman->id_of("web");
    ASSERT_TRUE(podman->stop_behind_back("web"));
    run("web");
    EXPECT_EQ(podman->id_of("web"), id);
    EXPECT_EQ(kept(), place);
    EXPECT_EQ(end(SIGTERM), 0) << log();
    EXPECT_TRUE(kept().empty());
}

TEST_F(Foreground, ClearsWhatAnotherLeftThatWasKilledForGood) {
    run("web");
    end(SIGKILL);
    const auto place = kept();
    run("db");
    ASSERT_TRUE(saw("GET", "volumes/json")) << log();
    EXPECT_EQ(end(SIGTERM), 0) << log();
    EXPECT_EQ(kept(), place) << "its container is there";
    ASSERT_TRUE(podman->remove_behind_back("web"));
    run("db");
    EXPECT_TRUE(podman->wait_until([&](const auto&) {
        const auto now = kept();
        return now.size() == 1 && now != place;
    })) << log();
    EXPECT_EQ(end(SIGTERM), 0) << log();
    EXPECT_TRUE(kept().empty());
}

// The agent proper, by systemd's end of sd_notify: it feeds the watchdog, and at once.
TEST_F(Foreground, IsWatchedOverBySystemdAndSoIsTheAgent) {
    NotifySocket systemd(root / "notify");
    fs::create_directories(root / "apps");
    const fs::path file = root / "web.yaml";
    std::ofstream(file) << to_text(SingleApp{.id = "web"});
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    for (const std::vector<std::string>& mode :
         {std::vector<std::string>{"--manifests", root / "apps", "--socket", root / "a/socket"},
          std::vector<std::string>{"--run", file}}) {
        std::vector<std::string> arguments = {PODREEVED,
                                              "--state-dir",
                                              root / "state",
                                              "--podman-socket",
                                              podman->socket_path(),
                                              "--config",
                                              root / "podreeve.yaml"};
        arguments.insert(arguments.end(), mode.begin(), mode.end());
        daemon.start(arguments, {systemd.variable(), "WATCHDOG_USEC=60000000"});
        ASSERT_EQ(systemd.await("WATCHDOG="), "WATCHDOG=1") << log();
        EXPECT_EQ(end(SIGTERM), 0) << log();
    }
}

// What systemd kills in the midst of its way down leaves containers that nobody keeps.
TEST_F(Foreground, AsksSystemdForAsLongAsItsContainersMayTakeToStop) {
    NotifySocket systemd(root / "notify");
    run("web", {}, {systemd.variable()}, "  stop_grace_secs: 400\n");
    ASSERT_EQ(systemd.await("READY="), "READY=1") << log();
    EXPECT_EQ(end(SIGTERM), 0) << log();
    ASSERT_EQ(systemd.await("STOPPING="), "STOPPING=1");
    const std::string asked = systemd.await("EXTEND_TIMEOUT_USEC=");
    ASSERT_NE(asked, "");
    EXPECT_GT(std::stoll(asked.substr(asked.find('=') + 1)), 400'000'000) << asked;
}

}  // namespace
}  // namespace podreeve::integration
