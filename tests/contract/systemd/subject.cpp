#include "tests/contract/systemd/subject.h"

#include <cstdlib>
#include <fstream>
#include <poll.h>

#include <fmt/format.h>

#include "runtime/process/child.h"
#include "tests/fakes/fake_systemd/fake_quadlet.h"

namespace podreeve::contract {
namespace {

namespace fs = std::filesystem;
using fakes::FakeUnit;
using systemd::UnitState;

constexpr const char* kUnits = "/home/app/.local/share/systemd/user";
constexpr const char* kQuadlets = "/home/app/.config/containers/systemd";
constexpr const char* kClean =
    "systemctl --user unmask --quiet 'contract-*'; systemctl --user stop 'contract-*';"
    "rm -rf ~/.local/share/systemd/user/contract-* "
    "~/.config/containers/systemd/contract-*;"
    "mkdir -p ~/.local/share/systemd/user ~/.config/containers/systemd;"
    "systemctl --user daemon-reload; systemctl --user reset-failed";

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::string service_text(const Recipe& recipe) {
    std::string text = "[Unit]\nDescription=A unit\n";
    if (recipe.start_limit != 0) {
        text += fmt::format("StartLimitIntervalSec=1h\nStartLimitBurst={}\n", recipe.start_limit);
    }
    text += recipe.fails             ? "[Service]\nType=oneshot\nExecStart=sh -c 'exit 3'\n"
            : recipe.is_over_at_once ? "[Service]\nType=oneshot\nExecStart=true\n"
                                     : "[Service]\nType=exec\nExecStart=sleep infinity\n";
    return text + (recipe.is_restarted ? "Restart=always\nRestartSec=100ms\n" : "");
}

}  // namespace

void SystemdContract::SetUp() {
    const std::string lab = variable("PODREEVE_LAB");
    if (lab.empty()) {
        directory_ = scratch_ / "units";
        fs::create_directory(directory_);
        bus_ = std::make_unique<fakes::PrivateBus>();
        address_ = bus_->address();
        fake_ = std::make_unique<fakes::FakeSystemd>(address_);
        fake_->generate_from(directory_);
    } else {
        root_ = run({"path", lab, "/"});
        directory_ = root_.string() + kQuadlets;
        // A user's bus talks to that user alone: a proxy of app's stands between.
        run({"run", lab, "systemctl", "--user", "stop", "bus-proxy.socket"});
        run({"run", lab, "systemd-run", "--user", "--unit=bus-proxy",
             "--socket-property=ListenStream=/run/user/1000/bus-proxy",
             "/usr/lib/systemd/systemd-socket-proxyd", "/run/user/1000/bus"});
        address_ = "unix:path=" + root_.string() + "run/user/1000/bus-proxy";
        clean();
    }
    control_ = std::make_unique<systemd::UnitControl>(address_);
    watch_ = std::make_unique<systemd::UnitWatch>(address_, time_, [](const std::string&) {});
}

void SystemdContract::TearDown() {
    watch_.reset();
    if (real()) {
        clean();
    }
}

// A command of the lab's tool; what it wrote, without the line's end.
std::string SystemdContract::run(std::vector<std::string> command) {
    command.insert(command.begin(), variable("PODREEVE_LAB_TOOL"));
    process::Command child;
    child.argv = std::move(command);
    child.deadline = kPatience;
    const auto ended = process::run_child(child);
    EXPECT_TRUE(ended) << ended.error().message;
    std::string output = ended ? ended->output : "";
    while (output.ends_with('\n')) {
        output.pop_back();
    }
    return output;
}

void SystemdContract::clean() {
    fs::remove_all(root_.string() + generator_directory().string());
    run({"run", variable("PODREEVE_LAB"), "sh", "-c", kClean});
}

void SystemdContract::define(const std::string& unit, const Recipe& recipe) {
    if (real()) {
        std::ofstream(fs::path(root_.string() + kUnits) / unit) << service_text(recipe);
        ASSERT_TRUE(control_->daemon_reload(kPatience));
        return;
    }
    fake_->world.lock()->scripts[unit] = {recipe.fails ? "failed" : "done", 3, false,
                                          recipe.start_limit, recipe.is_over_at_once};
    fake_->change(unit, [](FakeUnit&) {});
}

void SystemdContract::write_quadlet(const std::string& file, const std::string& text) {
    std::ofstream(directory_ / file) << text;
}

void SystemdContract::remove_quadlet(const std::string& file) {
    fs::remove(directory_ / file);
}

systemd::QuadletGenerator SystemdContract::generator() {
    if (!real()) {
        fakes::install_fake_quadlet(scratch_);
        return std::get<systemd::QuadletGenerator>(
            systemd::find_quadlet(systemd::Scope::User, scratch_));
    }
    const fs::path program = scratch_ / "generator";
    std::ofstream(program) << fmt::format(
        "#!/bin/sh\nexec {} run {} env QUADLET_UNIT_DIRS=\"$QUADLET_UNIT_DIRS\" "
        "/usr/lib/systemd/user-generators/podman-user-generator \"$@\"\n",
        variable("PODREEVE_LAB_TOOL"), variable("PODREEVE_LAB"));
    fs::permissions(program, fs::perms::owner_all);
    return {program, systemd::Scope::User};
}

fs::path SystemdContract::generator_directory() {
    return real() ? fs::path("/tmp/contract-units") : scratch_ / "generator-units";
}

void SystemdContract::write_unit(const fs::path& file, const std::string& text) {
    const fs::path here = real() ? fs::path(root_.string() + file.string()) : file;
    fs::create_directories(here.parent_path());
    std::ofstream(here) << text;
}

void SystemdContract::kill_process(const std::string& unit, bool is_restarted) {
    if (real()) {
        run({"run", variable("PODREEVE_LAB"), "systemctl", "--user", "kill", "-s", "KILL", unit});
    } else {
        fake_->crash(unit, is_restarted);
    }
}

void SystemdContract::mask(const std::string& unit) {
    if (real()) {
        run({"run", variable("PODREEVE_LAB"), "systemctl", "--user", "mask", unit});
    } else {
        fake_->mask(unit);
    }
}

void SystemdContract::unmask(const std::string& unit) {
    if (real()) {
        run({"run", variable("PODREEVE_LAB"), "systemctl", "--user", "unmask", unit});
    } else {
        fake_->unmask(unit);
    }
}

void SystemdContract::restart_systemd() {
    if (real()) {
        run({"run", variable("PODREEVE_LAB"), "systemctl", "--user", "daemon-reexec"});
    } else {
        fake_->leave();
        fake_->join();
    }
}

UnitState SystemdContract::look_at(const std::string& unit) {
    const auto table = watch_->look(kPatience);
    EXPECT_TRUE(table) << table.error().message;
    const UnitState* state = table ? table->find(unit) : nullptr;
    EXPECT_NE(state, nullptr) << unit;
    return state != nullptr ? *state : UnitState{};
}

bool SystemdContract::eventually(const std::string& unit,
                                 const std::function<bool(const UnitState&)>& holds) {
    for (int i = 0; i < 3000; ++i) {
        if (const auto table = watch_->look(kPatience); table && holds(*table->find(unit))) {
            return true;
        }
        ::poll(nullptr, 0, 10);
    }
    return false;
}

void SystemdContract::expect_done(const Result<systemd::JobResult>& job) {
    ASSERT_TRUE(job) << job.error().message;
    EXPECT_TRUE(job->succeeded()) << job->word << ": " << job->why;
}

}  // namespace podreeve::contract
