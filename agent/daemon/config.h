#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/handlers/limits.h"
#include "runtime/base/clock.h"
#include "runtime/base/paths.h"
#include "runtime/base/result.h"
#include "runtime/systemd/scope.h"

namespace podreeve::daemon {

// Where companions are installed, and whose systemd runs them.
struct CompanionPaths {
    std::filesystem::path folder;  // podreeve's own in Quadlet's directory; empty: there are none
    std::string bus;               // systemd's, as D-Bus writes addresses
    systemd::Scope scope = systemd::Scope::User;
    std::filesystem::path generator_root = "/";  // below which Quadlet's generator is looked for
    Duration look_within = std::chrono::seconds(2);  // at systemd's units: apps wait for it
    bool takes_unnamed = true;  // unit files whose stamp names no agent; one manifest's does not
};

// Those of a user, by the environment; none when it does not tell where Quadlet reads.
CompanionPaths companions_for(uid_t uid, const Environment& environment);

// What the agent runs with: built-in values, then podreeve.yaml, then the command line.
struct Config {
    Paths paths;
    Duration interval = std::chrono::seconds(30);
    // Between passes when more than three are asked for in a second.
    Duration flood_pause = std::chrono::milliseconds(50);
    // How far apart two looks are by which a manifest is gone.
    Duration gone_after = std::chrono::seconds(2);
    // How long the file system of a host path may take to answer, and that of manifests and units.
    Duration host_path_patience = std::chrono::seconds(5);
    Duration directory_patience = std::chrono::seconds(2);
    // How long a pass waits for the start conditions that are looked at outside. What is slower is
    // known by the next, a second later.
    Duration condition_patience = std::chrono::milliseconds(500);
    std::filesystem::path probe_program;  // podreeve-probe; empty: where it is installed
    // Threads for podman calls: as many as all limits together, so that no sort of step waits for
    // a worker that another has.
    unsigned workers = 23;
    handlers::Limits limits;
    CompanionPaths companions;
    // podreeve-apps.service stops its apps when the host goes down.
    bool stopped_by_host = true;
    std::filesystem::path proc = "/proc";  // where the processes of containers are looked at
    std::string log_level = "info";
    bool log_to_journal = false;
};

// Reads podreeve.yaml into config. A file that is absent changes nothing; one that is wrong is an
// error with file:line:column, and an unknown key is wrong.
//
//   manifests: [/srv/apps]        # instead of the usual directories
//   interval: 30s                 # between passes: 1s … 1h
//   workers: 23                   # 1 … 64
//   limits:                       # how many steps of a sort at once, each 1 … 64
//     pulls: 3
//     stops: 8
//     creates: 4
//     starts: 4
//     units: 4
//   log_level: info               # trace, debug, info, warning, error
//   podman_socket: /run/…/podman.sock
Status read_config_file(const std::filesystem::path& file, Config& config);

// "500ms", "30s", "5m", "1h".
Result<Duration> parse_duration(const std::string& text);

// What the file's keys of these names and the command line's options have in common.
Status apply_interval(const std::string& text, Config& config);
Status apply_log_level(const std::string& text, Config& config);

}  // namespace podreeve::daemon
