#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/podman/client.h"
#include "tests/fakes/fake_systemd/fake_quadlet.h"
#include "tests/fakes/fake_systemd/fake_systemd.h"
#include "tests/fakes/fake_systemd/private_bus.h"
#include "tests/integration/harness.h"

namespace podreeve::integration {

// A host with the real agent, a fake podman, and a fake systemd whose units make and remove their
// containers and networks.
class UnitHost {
  public:
    UnitHost() {
        systemd = std::make_unique<fakes::FakeSystemd>(bus.address());
        quadlet = host.root / "quadlet";
        std::filesystem::create_directories(quadlet);
        fakes::install_fake_quadlet(host.root / "generators");
        systemd->on_job([this](const std::string& unit, bool runs) { keep_object(unit, runs); });
        systemd->generate_from(quadlet);
        host.config.companions = {quadlet / "podreeve", bus.address(), systemd::Scope::User,
                                  host.root / "generators"};
        // The time of a pass stands still; a look that takes its time on a busy machine is no
        // trouble of systemd's.
        host.config.companions.look_within = std::chrono::minutes(1);
        host.time.set_wall(SystemClock().system_now());
    }

    ~UnitHost() { host.agent.reset(); }

    // web.container of app web, db.container of app db, lan.network of app lan.
    void bring_up() {
        host.write("web.container", "[Container]\nImage=localhost/web\n");
        host.write("db.container", "[Container]\nImage=localhost/db\n");
        host.write("lan.network", "[Network]\n");
        host.start();
        // What a unit has made is looked for once it has had the time.
        host.advance(std::chrono::seconds(40));
        forget();
    }

    void forget() {
        systemd->forget_calls();
        systemd->world.lock()->log.clear();
    }

    std::string file(const std::string& app, const std::string& name) const {
        return (quadlet / "podreeve" / app / name).string();
    }

    std::string text_of(const std::string& app, const std::string& name) const {
        std::ifstream in(file(app, name));
        return std::string(std::istreambuf_iterator<char>(in), {});
    }

    void append(const std::string& path, const std::string& text) {
        std::ofstream(path, std::ios::app) << text;
    }

    bool is_active(const std::string& unit) {
        return systemd->world.lock()->units[unit].active == "active";
    }

    // "StartUnit web.service", in order, without the modes.
    std::vector<std::string> jobs() {
        std::vector<std::string> out;
        for (const std::string& line : systemd->world.lock()->log) {
            const std::size_t second = line.find(' ', line.find(' ') + 1);
            if (line.starts_with("StartUnit") || line.starts_with("StopUnit") ||
                line.starts_with("RestartUnit")) {
                out.push_back(line.substr(0, second));
            }
        }
        return out;
    }

    int reloads() { return systemd->calls("Reload"); }

    // "Running" or "Failed: why"
    std::string state(const std::string& app) const {
        const supervise::AppStatus status = host.app(app);
        return fmt::format("{}{}{}", to_string(status.state), status.message.empty() ? "" : ": ",
                           status.message);
    }

    Host host;
    fakes::PrivateBus bus;
    std::unique_ptr<fakes::FakeSystemd> systemd;
    std::filesystem::path quadlet;

  private:
    void keep_object(const std::string& unit, bool runs) {
        const std::string stem = unit.substr(0, unit.rfind('.'));
        if (stem.ends_with("-network")) {
            podman::Client client(host.podman->socket_path());
            podman::NetworkDetails network;
            network.name = "systemd-" + stem.substr(0, stem.rfind('-'));
            if (runs) {
                EXPECT_TRUE(client.create_network(network, {}));
            }
            return;
        }
        host.podman->remove_behind_back("systemd-" + stem);
        if (runs) {
            host.podman->create_behind_back({{"name", "systemd-" + stem},
                                             {"image", "localhost/busybox:latest"},
                                             {"command", {"serve"}},
                                             {"labels", {{observe::kLabelSystemdUnit, unit}}}});
        }
    }
};

}  // namespace podreeve::integration
