#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/systemd/quadlet_generator.h"
#include "runtime/systemd/unit_watch.h"
#include "runtime/systemd/units.h"
#include "tests/fakes/fake_systemd/fake_systemd.h"
#include "tests/fakes/fake_systemd/private_bus.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::contract {

inline constexpr std::chrono::seconds kPatience{60};

// A service of a test.
struct Recipe {
    bool fails = false;            // it exits with 3 at once
    bool is_restarted = false;     // Restart=always
    bool is_over_at_once = false;  // Type=oneshot
    unsigned start_limit = 0;      // StartLimitBurst=, within an hour
};

// What every test here talks to: the fake, or the real systemd of app, the user of the throw-away
// host that PODREEVE_LAB names (PODREEVE_LAB_TOOL is the program that reaches it). Whatever is made
// is named contract-… and removed.
class SystemdContract : public testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;

    bool real() const { return fake_ == nullptr; }

    // Has systemd know a service of that name.
    void define(const std::string& unit, const Recipe& recipe = {});
    // A Quadlet file where app's generator reads, and without it.
    void write_quadlet(const std::string& file, const std::string& text);
    void remove_quadlet(const std::string& file);

    // A generator that runs where systemd does, and a directory there; files are written to it by
    // their path from there.
    systemd::QuadletGenerator generator();
    std::filesystem::path generator_directory();
    void write_unit(const std::filesystem::path& file, const std::string& text);

    // -- what a person or the host does
    void kill_process(const std::string& unit, bool is_restarted);
    void mask(const std::string& unit);
    void unmask(const std::string& unit);
    void restart_systemd();

    systemd::UnitState look_at(const std::string& unit);
    // Looks again until it holds, for what systemd does in its own time.
    bool eventually(const std::string& unit,
                    const std::function<bool(const systemd::UnitState&)>& holds);
    // The job has done what was asked.
    void expect_done(const Result<systemd::JobResult>& job);

    fakes::TempDir temp_;
    std::string address_;
    std::unique_ptr<systemd::UnitControl> control_;
    fakes::FakeTime time_;
    std::unique_ptr<systemd::UnitWatch> watch_;

  private:
    std::string run(std::vector<std::string> command);
    void clean();

    std::filesystem::path directory_;               // of Quadlet files, as this machine sees it
    std::filesystem::path root_;                    // of the host, likewise; empty with the fake
    std::filesystem::path scratch_ = temp_.path();  // of this machine
    std::unique_ptr<fakes::PrivateBus> bus_;
    std::unique_ptr<fakes::FakeSystemd> fake_;
};

}  // namespace podreeve::contract
