#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"
#include "runtime/systemd/call.h"
#include "runtime/systemd/unit_state.h"

namespace podreeve::systemd {

// A live view of some units of one systemd. A thread of its own holds one connection to the bus,
// reads those units when it has connected and after each reload, and from then on is told of every
// change by systemd's signals; on a quiet host it sleeps. While nothing is watched there is no
// connection at all.
//
// Lost are: a bus that is not there, breaks off, refuses us or does not answer, and a systemd that
// has left it. Then nothing is known of any unit: look() fails and says why, and never tells a unit
// as absent. The way back is tried at each look(), as soon as systemd is on the bus again, and
// besides after a pause that doubles from 100 ms to 30 s.
class UnitWatch {
  public:
    // Told on the scheduler's thread that a watched unit has changed in a way that is_hint() takes
    // for one, or that systemd was lost or found again; why is for people.
    using OnHint = std::function<void(const std::string& why)>;

    // address as default_address() gives it.
    UnitWatch(std::string address, Scheduler& scheduler, OnHint on_hint);
    ~UnitWatch();  // ends the thread; no hint comes after that
    UnitWatch(const UnitWatch&) = delete;
    UnitWatch& operator=(const UnitWatch&) = delete;

    // From now on these and no others. From any thread; cheap when they are the same as before. A
    // name that cannot be a unit's is told as "not-found".
    void watch(std::set<std::string> names);

    // All watched units as they are after everything that systemd had done when this was called: a
    // job whose end was seen is in it, on whatever connection. Costs one round trip, whatever the
    // number of units, and a stat of their files. Blocks up to the call's timeout: from any thread
    // but the scheduler's.
    Result<UnitTable> look(const Call& call);

  private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace podreeve::systemd
