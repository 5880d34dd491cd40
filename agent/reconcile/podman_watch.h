#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include "runtime/base/clock.h"
#include "runtime/base/mutex.h"
#include "runtime/podman/client.h"

namespace podreeve::reconcile {

struct Hint {
    std::string why;
    bool died = false;  // a process of ours
};

// The stream of events that is open now, for who has to end it: its reader takes it up again. Any
// thread.
class OpenStream {
  public:
    std::stop_token begin();  // the one before has ended
    void end();

  private:
    Guarded<std::stop_source> source_;
};

// Reads podman's event stream on a thread of its own and says, on the scheduler's thread, that
// something happened which a pass should look at. Events are hints: a stream that breaks is taken
// up again from the last event on, after a pause that grows from 100 ms to 10 s, and each
// reconnection is itself a hint, since what was missed meanwhile is unknown. Also keeps podman's
// service from idling out.
class PodmanWatch {
  public:
    // since: when what the passes know of podman began; what happened between that and the opening
    // of the stream is told, too.
    PodmanWatch(podman::Client& podman,
                Scheduler& scheduler,
                const Clock& clock,
                std::string owner,
                SteadyTime since,
                OpenStream& stream,
                std::function<void(const Hint& hint)> on_hint);
    ~PodmanWatch();  // ends the stream and joins
    PodmanWatch(const PodmanWatch&) = delete;
    PodmanWatch& operator=(const PodmanWatch&) = delete;

  private:
    void read(std::stop_token stop, SteadyTime since);

    podman::Client& podman_;
    Scheduler& scheduler_;
    const Clock& clock_;
    const std::string owner_;
    OpenStream& stream_;
    std::function<void(const Hint&)> on_hint_;
    std::jthread thread_;
};

// Whether a pass could have anything to do after this event. Our own creations and starts are not
// worth one: the change that made them asks for a pass when it ends.
bool is_hint(const podman::PodmanEvent& event);
// Whether a container that this owner's podreeve made has died by it. Of a foreign one, which
// somebody may restart again and again, the pass can wait a moment.
bool is_death_of_ours(const podman::PodmanEvent& event, const std::string& owner);

}  // namespace podreeve::reconcile
