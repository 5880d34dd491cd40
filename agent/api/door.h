#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "agent/api/connection.h"
#include "agent/api/wake.h"

namespace podreeve::api {

// Accepts connections and holds those that say nothing, so that none of them takes a thread: one
// thread for all. A connection that has sent the head of a request is handed on. Who connects
// and is silent for too long is let go, and the one that was so longest when there are too many.
class Door {
  public:
    // Called on the door's thread with a connection whose input holds a request, or the begin of
    // one that is too long; must not block.
    using Serve = std::function<void(std::unique_ptr<Connection>)>;

    struct Limits {
        std::size_t most_silent = 64;
        Duration longest_silence = std::chrono::seconds(5);
        std::size_t longest_head = 16 * 1024;
        // No descriptor was left for another connection.
        Duration pause = std::chrono::milliseconds(250);
    };

    Door(Serve serve, Limits limits);
    ~Door();  // closes what it holds
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;

    // From now on it listens there, and no more where it did; the socket does not block. Any
    // thread.
    void listen_on(UniqueFd socket);
    // One that was answered and may ask again. Any thread.
    void take_back(std::unique_ptr<Connection> connection);
    // Accepts and serves nobody any more. Once.
    void close();

  private:
    void run();
    int longest_poll() const;
    bool take_inbox();
    void accept_some();
    bool accept_one();
    void look_at(const std::vector<int>& readable);
    void add(std::unique_ptr<Connection> connection);
    void drop_silent();
    void out_of_descriptors(int error);

    const Serve serve_;
    const Limits limits_;
    const SystemClock clock_;
    Wake wake_;

    std::mutex mutex_;
    bool closing_ = false;  // under mutex_, as all to the next blank
    UniqueFd next_listening_;
    std::vector<std::unique_ptr<Connection>> returned_;

    // The thread's own. The silent ones in the order of their silence.
    UniqueFd listening_;
    SteadyTime accept_again_{};
    bool complained_ = false;
    std::vector<std::unique_ptr<Connection>> silent_;

    std::thread thread_;
};

}  // namespace podreeve::api
