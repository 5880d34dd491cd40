#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace podreeve::state {

// A part of the agent that has a rhythm. What a part does not need stays empty.
struct Component {
    std::string name{};
    // Once, before the first ensure.
    std::function<Status()> start_up{};
    // Looks whether something is to be done, and begins it; never blocks.
    std::function<Status()> ensure{};
    // For settle(): lets what it has begun come to its end.
    std::function<void()> wait{};
    // What it is still busy with; empty: it has come to rest.
    std::function<std::string()> busy{};
    // Once, at the end; it begins nothing more.
    std::function<void()> stop{};
};

// The longest time between two rounds.
inline constexpr Duration kEnsureInterval = std::chrono::minutes(5);

// Turns the components' rounds (after overlord's StateEngine): each ensures in the order in which
// they were added, whatever the others answer, at most kEnsureInterval apart and nearer on demand.
// The parts have their own timers for what they know is due; a round is for what they do not know.
// The scheduler's thread alone.
class EnsureLoop {
  public:
    EnsureLoop(const Clock& clock, Scheduler& scheduler) : clock_(clock), scheduler_(scheduler) {}

    void add(Component component);

    // Every start_up, then the first round, then a round in time. The first error that a start_up
    // has ends it; components are stopped by stop() all the same.
    Status start_up();
    // The next round no later than that from now. Never puts it off. Nothing before start_up() and
    // after stop().
    void ensure_before(Duration delay);
    // A round now; all are asked, the first error is the answer.
    Status ensure();
    // In the order opposite to that of adding.
    void stop();

    // For tests: rounds and waits until all have come to rest; Timeout, saying which has not and
    // what it is busy with, after that many rounds. Starts up first, unless that was done.
    Status run_until_idle(unsigned rounds);

  private:
    enum class Stage { Built, Started, Stopped };

    std::string busy() const;

    const Clock& clock_;
    Scheduler& scheduler_;
    std::vector<Component> components_;
    Stage stage_ = Stage::Built;
    SteadyTime next_{};
    TimerHandle timer_;
};

// How long a start may take: what systemd is told, so that it does not end a start that has much to
// take up (after snapd: 30 s, and 5 s for each app).
Duration start_up_budget(std::size_t apps);

class State;

// Lets what is too old go, every ten minutes.
Component pruning(State& state, const Clock& clock);

}  // namespace podreeve::state
