#pragma once

#include <functional>
#include <thread>

#include "runtime/base/clock.h"
#include "runtime/podman/client.h"

namespace podreeve::reconcile {

// Reads podman's event stream on a thread of its own and says, on the scheduler's thread, that
// something happened which a pass should look at. Events are hints: a stream that breaks is taken
// up again from the last event's time, after a pause that grows from 100 ms to 10 s, and each
// reconnection is itself a hint, since what was missed meanwhile is unknown. Also keeps podman's
// service from idling out.
class PodmanWatch {
  public:
    PodmanWatch(podman::Client& podman,
                Scheduler& scheduler,
                std::function<void(const std::string& why)> on_hint);
    ~PodmanWatch();  // ends the stream and joins
    PodmanWatch(const PodmanWatch&) = delete;
    PodmanWatch& operator=(const PodmanWatch&) = delete;

  private:
    void read(std::stop_token stop);

    podman::Client& podman_;
    Scheduler& scheduler_;
    std::function<void(const std::string&)> on_hint_;
    std::jthread thread_;
};

// Whether a pass could have anything to do after this event. Our own creations and starts are not
// worth one: the change that made them asks for a pass when it ends.
bool is_hint(const podman::Event& event);

}  // namespace podreeve::reconcile
