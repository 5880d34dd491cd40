#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "runtime/base/clock.h"

namespace podreeve::loop {

// The timers that wait, in the order they are due; equal deadlines keep the order they were added
// in, which sd-event's own heap does not promise. A value without a clock of its own; one thread.
class TimerQueue {
  public:
    using Key = std::pair<SteadyTime, std::uint64_t>;

    Key add(SteadyTime deadline, std::function<void()> fn);

    void remove(const Key& key) { timers_.erase(key); }

    std::optional<SteadyTime> next_deadline() const;

    // Takes the first timer that is due at now and older than the mark; empty when there is none.
    // The mark keeps a timer that re-adds itself without delay from holding the caller for ever.
    std::function<void()> take_due(SteadyTime now, std::uint64_t mark);

    // Every timer added from now on is younger than this.
    std::uint64_t mark() const { return next_; }

  private:
    std::map<Key, std::function<void()>> timers_;
    std::uint64_t next_ = 0;
};

}  // namespace podreeve::loop
