#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/reconcile/pass.h"
#include "agent/supervise/status.h"
#include "runtime/base/clock.h"

namespace podreeve::reconcile {

struct Rhythm {
    Duration interval = std::chrono::seconds(30);    // from the end of a pass to the next
    Duration first_retry = std::chrono::seconds(1);  // while podman cannot be read, doubling
    Duration longest_retry = std::chrono::seconds(30);
    // After a look at what was in motion, and after an event of podman's.
    Duration look_again = std::chrono::milliseconds(200);
    // So long no pass takes, by the deadlines of its own calls: one that does hangs.
    Duration longest_pass = std::chrono::minutes(3);
    Duration pause = std::chrono::milliseconds(50);  // between those of a flood: pace.h
};

// Turns the passes: the first at once, then at the interval after the end of the last, and at once
// when asked; requests that come while a pass runs, or is put off, are gathered into one. Passes
// run on a thread of their own; everything else here belongs to the scheduler's thread, but
// pass_now() and diff(), which other threads call and which wait.
class Reconciler {
  public:
    Reconciler(PassWorld world,
               Scheduler& scheduler,
               supervise::SharedStatus& shared_status,
               Rhythm rhythm);
    ~Reconciler();  // waits for the pass that runs

    // Called on the scheduler's thread after each pass.
    void on_pass(std::function<void(const PassReport&)> callback);

    // In a flood of requests passes keep a pause, but those at once begin as soon as none runs: a
    // process of ours was seen to die.
    enum class When { InPace, AtOnce };
    void request(const std::string& why, When when = When::InPace);
    // Called on the scheduler's thread: true when a pass does not end, false when it has after all.
    void on_hang(std::function<void(bool hangs)> callback);
    // For what podman has told: its list can be a moment behind its events, so that the pass which
    // an event calls for may still see the old state. Another look follows a moment after the last
    // of them, whatever passes come between.
    void request_twice(const std::string& why, When when = When::InPace);
    bool idle() const;  // no pass is being made
    // No further pass; the one that runs is finished, not cut, but its calls to podman are.
    void stop();

    // A pass that begins after this call; Timeout, Cancelled when the agent ends.
    Result<PassReport> pass_now(Duration deadline);
    Result<plan::Plan> diff(const std::optional<std::string>& app, Duration deadline);

  private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace podreeve::reconcile
