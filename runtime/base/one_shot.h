#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "runtime/base/clock.h"

namespace podreeve {

// What one thread waits for and another gives, once. Unlike a promise it need not be kept: a stop
// ends the wait too, so nobody has to know who still waits. Any thread.
template <class T>
class OneShot {
  public:
    // The first one counts.
    void give(T value) {
        {
            const std::lock_guard lock(mutex_);
            if (!value_) {
                value_ = std::move(value);
            }
        }
        given_.notify_all();
    }

    // Nothing: the time was over, or stop was asked for. For one who waits.
    std::optional<T> wait_for(Duration longest, std::stop_token stop) {
        std::unique_lock lock(mutex_);
        given_.wait_for(lock, std::move(stop), longest, [this] { return value_.has_value(); });
        return std::exchange(value_, std::nullopt);
    }

  private:
    std::mutex mutex_;
    std::condition_variable_any given_;
    std::optional<T> value_;
};

}  // namespace podreeve
