#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

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
    // For main() alone, before start(): what this process dies of is marked, for the next agent to
    // read in whose hands that was.
    void mark_deaths();
    // Takes up the changes that an earlier run left, then makes the first pass.
    void start();
    // Reads podman's events from now on, so that what happens is seen at once and not by the next
    // pass.
    void watch_podman();
    // Serves the API on the socket of the configuration.
    Status serve();
    // As the API's verbs: what a person asks of an app.
    Result<supervise::RequestReport> request(const std::string& app,
                                             const supervise::AppRequest& request);
    void request_pass(const std::string& why);
    // Why changes of manifests are not seen as they come, but by the passes alone; "": they are.
    // For the overview of the next pass.
    void note_unwatched(const std::string& why);
    // After each pass, on the scheduler's thread.
    void on_pass(std::function<void(const reconcile::PassReport&)> callback);

    // Intake ends, running steps get grace to end by themselves, apps stay up; then done is called.
    void stop(Duration grace, std::function<void()> done);

    // What of a stop is still waited for, in words, and how to close the store whatever else goes
    // on: for who ends the process when that takes too long. From any thread, also while the agent
    // is destroyed. close() waits for the disk.
    struct Leaving {
        std::function<std::string()> left;
        std::function<void()> close;
    };

    Leaving leaving() const;

    // Whatever holds the removal of an app that has no manifest any more, the next pass does not.
    void let_all_go(const std::string& why);
    // As `podreeve prune`.
    void let_go(const std::set<std::string>& removals, const std::set<std::string>& volumes);

    reconcile::Reconciler& reconciler();
    supervise::SharedStatus& shared_status();
    supervise::Supervisor& supervisor();
    state::State& state();
    // No pass is being made, no task runs and none could be started, no container is asked by a
    // command: only time goes on from here.
    bool idle() const;

  private:
    struct Parts;
    explicit Agent(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace podreeve::daemon
