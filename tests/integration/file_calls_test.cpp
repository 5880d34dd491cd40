// Each call of the agent's that touches its own directory is one at which a disk may stall: those
// who watch over the disk know of it, and whoever reads the API is answered meanwhile.
#include "tests/fakes/file_calls.h"

#include <atomic>
#include <future>
#include <mutex>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/state/core.h"
#include "runtime/http/client.h"
#include "tests/integration/manifest_texts.h"
#include "tests/integration/unit_host.h"

namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;
using std::chrono::seconds;

class FileCalls : public testing::Test {
  protected:
    FileCalls() {
        host.write("clock.yaml", to_text(SingleApp{}));
        host.write("web.container", kUnit);
        host.start();
        host.advance(minutes(1));
        host.stop();
        host.agent = std::move(*host.make_agent());
        host.agent->on_pass([this](const auto& report) { host.reports.push_back(report); });
    }

    void watch(std::function<void(const std::string& what)> reported) {
        calls.emplace(
            host.config.paths.state_dir,
            [this, reported = std::move(reported)](const std::string& call, const fs::path& path) {
                const std::lock_guard lock(mutex);
                const fs::path below = path.lexically_relative(host.config.paths.state_dir);
                seen.insert(below.begin()->string());
                reported(call + " " + below.string());
            });
    }

    // All that people do, and what the agent keeps for it and takes up again.
    void live() {
        host.agent->start();
        host.converge();
        host.write("clock.yaml", to_text(SingleApp{.zone = "CET"}));
        host.write("web.container", kUnit + std::string("Environment=A=b\n"));
        host.pass();
        host.write("clock.yaml", "app: broken\n");
        host.pass();
        host.write("db.yaml", to_text(SingleApp{.id = "db"}));
        host.pass();
        host.request("db", supervise::Verb::Stop);
        host.erase("db.yaml");
        host.erase("web.container");
        host.pass();
        host.advance(minutes(12));
    }

    void expect_all_places() {
        for (const char* const place : {"accepted", "state.db-wal", "units", "quadlet-trial"}) {
            EXPECT_TRUE(seen.contains(place)) << place;
        }
    }

    static constexpr const char* kUnit = "[Container]\nImage=localhost/busybox:latest\n";

    UnitHost units;
    Host& host = units.host;
    std::mutex mutex;
    std::set<std::string> seen;  // what of the directory is touched
    std::optional<fakes::FileCalls> calls;
};

TEST_F(FileCalls, AreToldToThoseWhoWatchOverTheDisk) {
    std::atomic<bool> somebody_waits = false;
    DiskWaits& disk = host.agent->state().disk();
    disk.on_turn([&] { somebody_waits = true; });
    std::set<std::string> unreported;
    watch([&](const std::string& what) {
        somebody_waits = false;
        disk.look();
        if (!somebody_waits) {
            unreported.insert(what);
        }
    });
    live();
    host.agent->state().close();
    calls.reset();
    expect_all_places();
    EXPECT_EQ(unreported, std::set<std::string>{});
}

TEST_F(FileCalls, KeepNobodyWaitingWhoReadsTheApi) {
    ASSERT_TRUE(host.agent->serve());
    http::HttpClient client(host.config.paths.api_socket.string(), 1);
    std::set<std::string> held, asked;
    watch([&](const std::string& what) {
        if (!asked.insert(what).second) {
            return;
        }
        for (const char* const target : {"/v1/apps", "/v1/apps/clock", "/v1/apps/clock/why",
                                         "/v1/changes", "/v1/events", "/v1/version", "/v1/prune"}) {
            http::Request request{.method = "GET", .target = target};
            request.timeout = seconds(20);
            const auto response = client.call(request);
            if (!response || response->status >= 500) {  // 404: not shown yet
                held.insert(target + (" during " + what));
            }
        }
    });
    live();
    calls.reset();
    expect_all_places();
    EXPECT_EQ(held, std::set<std::string>{});
}

std::string on_share(const std::string& app, const fs::path& share) {
    return fmt::format(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {}}}\nspec:\n"
        "  volumes: [{{name: s, hostPath: {{path: {}}}}}]\n"
        "  containers:\n"
        "    - name: main\n      image: localhost/busybox:latest\n      command: [serve]\n"
        "      volumeMounts: [{{name: s, mountPath: /sub, subPath: sub}}]\n",
        app, share.string());
}

// As many apps as starts or creations may run at once.
TEST(HungHostPath, KeepsNoOtherAppWaiting) {
    Host host;
    host.config.host_path_patience = seconds(3);
    const fs::path share = host.root / "share";
    fs::create_directories(share / "sub");
    const std::vector<std::string> names{"a", "b", "c", "d"};
    for (const std::string& name : names) {
        host.write(name + ".yaml", on_share(name, share));
    }
    host.write("quiet.yaml", to_text(SingleApp{.id = "quiet"}));
    std::promise<void> replied;
    {
        std::optional<fakes::FileCalls> hang(
            std::in_place, share,
            [gate = replied.get_future().share()](const std::string&, const fs::path&) {
                gate.wait();
            });
        // Not host.start(): that waits until no change is under way.
        host.agent = std::move(*host.make_agent());
        host.agent->on_pass([&](const auto& report) { host.reports.push_back(report); });
        host.agent->start();
        host.advance(seconds(20));
        EXPECT_EQ(host.state("quiet"), "Running") << host.app("quiet").message;
        for (const std::string& name : names) {
            EXPECT_NE(host.state(name), "Running") << name;
        }
        replied.set_value();
    }
    host.advance(minutes(2));
    for (const std::string& name : names) {
        EXPECT_EQ(host.state(name), "Running") << host.app(name).message;
    }
}

// What runs is kept up meanwhile, and the new version comes once the file system answers.
TEST(HungHostPath, OfANewVersionKeepsTheOneThatRunsRepaired) {
    Host host;
    host.config.host_path_patience = seconds(3);
    const fs::path share = host.root / "share";
    fs::create_directories(share / "sub");
    fs::create_directories(host.root / "quick" / "sub");
    host.write("web.yaml", on_share("web", host.root / "quick"));
    host.start();
    ASSERT_EQ(host.state("web"), "Running") << host.app("web").message;
    std::promise<void> replied;
    {
        std::optional<fakes::FileCalls> hang(
            std::in_place, share,
            [gate = replied.get_future().share()](const std::string&, const fs::path&) {
                gate.wait();
            });
        host.write("web.yaml", on_share("web", share));
        host.agent->request_pass("the test asked");
        host.advance(minutes(1));
        EXPECT_NE(host.condition("web", "DeployFailed").find("does not answer"), std::string::npos)
            << host.condition("web", "DeployFailed");
        for (int i = 0; i < 3; ++i) {
            EXPECT_TRUE(host.podman->kill_process("web-main"));
            host.agent->request_pass("the test asked");
            host.advance(minutes(1));
            EXPECT_EQ(host.podman->state_of("web-main"), "running");
        }
        replied.set_value();
    }
    host.advance(minutes(10));
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_EQ(host.app("web").deployed_spec, host.app("web").spec);
}

}  // namespace
}  // namespace podreeve::integration
