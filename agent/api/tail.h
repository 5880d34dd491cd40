#pragma once

#include <string>

#include "runtime/base/clock.h"

namespace podreeve::api {

// What is said on a connection after its request was answered for, as it comes: a stream of events,
// or an answer that is waited for. All calls come from the thread of the writer, and none blocks.
class Tail {
  public:
    virtual ~Tail() = default;
    // Appends what there is to say now, some 64 KiB at most; called again once that is sent, when
    // the writer is told, and at next(). False: that was the end of it.
    virtual bool say(std::string& out, SteadyTime now) = 0;
    // When it has something to say whatever happens.
    virtual SteadyTime next() const = 0;
    // The agent ends: its last words.
    virtual void end(std::string& out) = 0;
};

}  // namespace podreeve::api
