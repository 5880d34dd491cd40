#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "manifests/model.h"
#include "runtime/base/clock.h"
#include "runtime/podman/client.h"
#include "runtime/probe/probe_spec.h"

namespace podreeve::health {

struct ExecProbe {
    std::string container;             // id
    std::vector<std::string> command;  // may hold secrets: never printed
    std::chrono::milliseconds timeout{1000};
    std::string app = {};                                 // whose it is
    std::shared_ptr<const manifests::AppSpec> spec = {};  // its secrets are told nobody
};

// Runs commands in containers, through podman: some 70 ms of its time each, so three at once and no
// more. One that has not ended after 2 s only waits, and costs nobody anything: it does not count
// any longer. Success is an exit with 0. A command that takes too long is a failure, and is killed.
//
// Commands that hang keep no other app's waiting: of one app no more than two run at a time,
// however long they take; those that hung when they were run last have one place of the three,
// which stays empty for a second after one that has hung three times in a row; and where so many
// hang that there is no room at all, the one that has for longest makes way for an app of which
// none runs, and its answer is Unknown.
//
// Belongs to the scheduler's thread, on which answers arrive too.
class ExecProbes {
  public:
    using OnResults = std::function<void(const std::vector<probe::ProbeResult>&)>;

    ExecProbes(podman::Client& podman, Scheduler& scheduler, OnResults on_results);
    ~ExecProbes();  // waits for those under way, which it cancels
    ExecProbes(const ExecProbes&) = delete;
    ExecProbes& operator=(const ExecProbes&) = delete;

    // As with probe::Client; a command of one that is removed is ended.
    std::uint32_t add(ExecProbe probe);
    void remove(std::uint32_t probe);
    void ask(const std::vector<std::uint32_t>& probes);
    // No command runs.
    bool idle() const;

  private:
    struct Core;
    std::shared_ptr<Core> core_;
};

// One asking, on the calling thread: for ExecProbes and its tests.
probe::ProbeResult run_exec_probe(podman::Client& podman,
                                  const ExecProbe& probe,
                                  std::stop_token stop);

}  // namespace podreeve::health
