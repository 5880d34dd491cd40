#pragma once

#include <functional>
#include <memory>

#include "agent/daemon/config.h"
#include "agent/reconcile/pass.h"
#include "agent/reconcile/reconciler.h"
#include "agent/supervise/status.h"
#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace podreeve::daemon {

// The agent, put together: the only place that constructs. Built and driven on the scheduler's
// thread. What is about the process and not the job (signals, sd_notify, the socket, inotify) stays
// outside, so that tests run the very same agent on a fake clock.
class Agent {
  public:
    static Result<std::unique_ptr<Agent>> create(const Config& config,
                                                 Clock& clock,
                                                 Scheduler& scheduler);
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // How long start() may take until the first pass is made, by what there is to take up.
    Duration start_up_budget() const;
    // Takes up the changes that an earlier run left, then makes the first pass.
    void start();
    // Reads podman's events from now on, so that what happens is seen at once and not by the next
    // pass.
    void watch_podman();
    // Serves the API on the socket of the configuration.
    Status serve();
    void request_pass(const std::string& why);
    // After each pass, on the scheduler's thread.
    void on_pass(std::function<void(const reconcile::PassReport&)> callback);

    // Intake ends, running steps get grace to end by themselves, apps stay up; then done is called.
    void stop(Duration grace, std::function<void()> done);

    reconcile::Reconciler& reconciler();
    supervise::Board& board();
    supervise::Supervisor& supervisor();
    state::State& state();
    // No pass is being made, no task runs and none could be started: only time goes on from here.
    bool idle() const;

  private:
    struct Parts;
    explicit Agent(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace podreeve::daemon
