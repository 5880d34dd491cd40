#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/podman/client.h"
#include "runtime/probe/question.h"

namespace podreeve::health {

struct ExecQuestion {
    std::string container;             // id
    std::vector<std::string> command;  // may hold secrets: never printed
    std::chrono::milliseconds timeout{1000};
};

// Runs commands in containers, through podman: some 70 ms of its time each, so a few at once and no
// more. Success is an exit with 0. A command that takes too long is a failure, and is killed.
//
// Belongs to the scheduler's thread, on which answers arrive too.
class ExecProbes {
  public:
    using OnAnswers = std::function<void(const std::vector<probe::Answer>&)>;

    ExecProbes(podman::Client& podman, Scheduler& scheduler, OnAnswers on_answers);
    ~ExecProbes();  // waits for those under way, which it cancels
    ExecProbes(const ExecProbes&) = delete;
    ExecProbes& operator=(const ExecProbes&) = delete;

    // As with probe::Client.
    std::uint32_t add(ExecQuestion question);
    void remove(std::uint32_t question);
    void ask(const std::vector<std::uint32_t>& questions);

  private:
    struct Core;
    std::shared_ptr<Core> core_;
};

// One asking, on the calling thread: for ExecProbes and its tests.
probe::Answer run_exec_probe(podman::Client& podman,
                             const ExecQuestion& question,
                             std::stop_token stop);

}  // namespace podreeve::health
