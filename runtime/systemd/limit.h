#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/error.h"
#include "runtime/base/unique_fd.h"
#include "runtime/systemd/call.h"

namespace podreeve::systemd {

// How long a thread waits for all steps of one call, and the descriptor that wakes it when the call
// is stopped. Belongs to that thread; only the stop token's owner is another.
class Limit {
  public:
    explicit Limit(const Call& call);
    Limit(const Limit&) = delete;
    Limit& operator=(const Limit&) = delete;

    // Whether waiting has to end, and with which error; what completes "cannot …".
    std::optional<Error> over(const std::string& what) const;
    // For poll(2), rounded up; 0 when the time is over.
    int milliseconds_left() const;

    // Readable once the call was stopped; -1 when it cannot be.
    int stopped_fd() const { return stopped_.get(); }

  private:
    SteadyTime end_;
    std::stop_token stop_;
    UniqueFd stopped_;
    std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

}  // namespace podreeve::systemd
