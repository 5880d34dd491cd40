#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/base/unique_fd.h"
#include "tests/fakes/fake_podman/fake_podman.h"
#include "tests/fakes/temp_dir.h"
#include "tests/integration/daemon.h"
#include "tests/integration/manifest_texts.h"
#include "tests/integration/throw_points.h"

// podreeved itself, whose words to systemd and whose watches throw: it comes up, tells systemd so,
// takes a new app up, repairs one, and ends as it is told.
namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;

using fakes::Adapter;
using fakes::Moment;

// systemd's end of $NOTIFY_SOCKET.
class Listener {
  public:
    explicit Listener(const fs::path& path)
        : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    }

    // False when that is not said within a broken test's patience.
    bool hears(const std::string& word) {
        pollfd polled{fd_.get(), POLLIN, 0};
        char text[512];
        while (heard_.find(word) == std::string::npos) {
            constexpr int kPatience = 30'000;
            if (::poll(&polled, 1, kPatience) <= 0) {
                return false;
            }
            const ssize_t size = ::recv(fd_.get(), text, sizeof(text), 0);
            heard_.append(text, size > 0 ? static_cast<std::size_t>(size) : 0) += '\n';
        }
        return true;
    }

  private:
    UniqueFd fd_;
    std::string heard_;
};

struct Told {
    std::size_t calls = 0;
    bool thrown = false;
};

class Process {
  public:
    Process() {
        fs::create_directories(root_ / "podman");
        fs::create_directories(root_ / "apps");
        podman_ = std::make_unique<fakes::FakePodman>(
            fakes::FakePodman::Options{.directory = (root_ / "podman").string()});
        systemd_ = std::make_unique<Listener>(root_ / "notify");
    }

    ~Process() {
        daemon_.kill();
        podman_.reset();
    }

    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void write(const std::string& id) {
        const fs::path fresh = root_ / "fresh";
        std::ofstream(fresh) << to_text(SingleApp{.id = id});
        fs::permissions(fresh, fs::perms::owner_read | fs::perms::owner_write);
        fs::rename(fresh, root_ / "apps" / (id + ".yaml"));
    }

    void start(Adapter adapter, std::size_t number, Moment moment) {
        daemon_.start(
            {PODREEVED_THROWING, "--manifests", root_ / "apps", "--state-dir", root_ / "state",
             "--podman-socket", podman_->socket_path(), "--socket", root_ / "run" / "api.sock",
             "--config", root_ / "podreeve.yaml", "--interval", "1s"},
            {"NOTIFY_SOCKET=" + (root_ / "notify").string(),
             fmt::format("THROWING={}", to_string(adapter)), fmt::format("THROWING_AT={}", number),
             fmt::format("THROWING_WHEN={}", moment == Moment::After ? "after" : "before"),
             "THROWING_TOLD=" + (root_ / "told").string()});
    }

    bool is_ready() { return is_reported("READY=1"); }

    bool is_reported(const std::string& word) { return systemd_->hears(word); }

    // That app runs, once podman has started so many.
    bool runs(const std::string& app, std::ptrdiff_t starts) {
        const auto is_start = [](const fakes::FakePodman::Entry& entry) {
            return entry.method == "POST" && entry.path.ends_with("/start") && entry.status == 204;
        };
        return podman_->wait_until([&](const std::vector<fakes::FakePodman::Entry>& entries) {
            return std::ranges::count_if(entries, is_start) >= starts;
        }) && podman_->state_of(app) == "running";
    }

    void kill_process(const std::string& app) { podman_->kill_process(app); }

    int end(int signal) { return daemon_.end(signal); }

    Told reported() const {
        Told reported;
        std::ifstream(root_ / "told") >> reported.calls >> reported.thrown;
        return reported;
    }

    std::string log() const { return daemon_.log(); }

  private:
    fakes::TempDir temp_;
    fs::path root_ = temp_.path();
    std::unique_ptr<fakes::FakePodman> podman_;
    std::unique_ptr<Listener> systemd_;
    Daemon daemon_{root_};
};

class ProcessThrows : public ::testing::TestWithParam<Adapter> {
  protected:
    static Told live(std::size_t number, Moment moment) {
        Process process;
        process.write("clock");
        process.start(GetParam(), number, moment);
        EXPECT_TRUE(process.is_ready()) << process.log();
        // Each word is waited for, so that each run has as many calls.
        EXPECT_TRUE(process.runs("clock", 1)) << process.log();
        EXPECT_TRUE(process.is_reported("STATUS=1/1 apps up")) << process.log();
        process.write("db");
        EXPECT_TRUE(process.runs("db", 2)) << process.log();
        EXPECT_TRUE(process.is_reported("STATUS=2/2 apps up")) << process.log();
        process.kill_process("clock");
        EXPECT_TRUE(process.runs("clock", 3)) << process.log();
        EXPECT_EQ(process.end(SIGTERM), 0) << process.log();
        return process.reported();
    }
};

TEST_P(ProcessThrows, AtAnyCallAndGoesOn) {
    const std::size_t calls = live(0, Moment::Before).calls;
    ASSERT_GT(calls, 0U);
    const unsigned by = seed();
    const Points points = choose(GetParam(), calls, by);
    std::size_t thrown = 0;
    for (const auto& [number, moment] : points) {
        SCOPED_TRACE(fmt::format("{} the work of call {} of {} (seed {})",
                                 moment == Moment::Before ? "before" : "after", number, calls, by));
        const Told reported = live(number, moment);
        // Calls of a run differ a little from another's, so that one late in the row may not come.
        thrown += reported.thrown ? 1 : 0;
    }
    std::cout << fmt::format("{}: {} calls; threw at {} of {} points\n", to_string(GetParam()),
                             calls, thrown, 2 * calls);
    EXPECT_GT(thrown, 0U);
}

INSTANTIATE_TEST_SUITE_P(At,
                         ProcessThrows,
                         ::testing::Values(Adapter::Notify, Adapter::Watches),
                         [](const auto& row) { return std::string(to_string(row.param)); });

}  // namespace
}  // namespace podreeve::integration
