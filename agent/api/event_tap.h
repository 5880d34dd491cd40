#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace podreeve::api {

// Wakes the threads that stream events when there is a new one, or when the server ends; also
// counts them, so that streams cannot take every thread of the server. Any thread.
class EventTap {
  public:
    explicit EventTap(unsigned most_streams) : most_streams_(most_streams) {}

    void tell(std::int64_t seq) {
        {
            const std::lock_guard lock(mutex_);
            newest_ = seq;
        }
        wake_.notify_all();
    }

    void close() {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
        }
        wake_.notify_all();
    }

    // Waits until there is an event after seq, or for that long; false once the tap is closed.
    bool wait_after(std::int64_t seq, std::chrono::milliseconds longest) {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, longest, [&] { return closed_ || newest_ > seq; });
        return !closed_;
    }

    bool enter() {
        const std::lock_guard lock(mutex_);
        return streams_ < most_streams_ && ++streams_ > 0;
    }

    void leave() {
        const std::lock_guard lock(mutex_);
        --streams_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable wake_;
    std::int64_t newest_ = 0;
    bool closed_ = false;
    unsigned streams_ = 0;
    const unsigned most_streams_;
};

}  // namespace podreeve::api
