#pragma once

#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "agent/api/connection.h"
#include "agent/api/tail.h"
#include "agent/api/wake.h"

namespace podreeve::api {

// Writes to all connections that take longer than a request does, on one thread, which there is
// only as long as there are such connections. Who takes nothing of what there is for him for too
// long is let go: nothing is queued for him but the piece that he is at.
class Writer {
  public:
    struct Limits {
        Duration longest_stall = std::chrono::seconds(15);
        std::size_t most_open = 192;  // streams, waits, and answers to slow readers
        Duration last_words = std::chrono::seconds(1);  // for what is left to send at the end
    };

    explicit Writer(Limits limits) : limits_(limits) {}

    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // Sends out, then what the tail says; then the connection is closed. At once when too many are
    // open. Any thread.
    void add(std::unique_ptr<Connection> connection,
             std::string out,
             std::unique_ptr<Tail> tail = nullptr);

    // Wakes the writer for what the tails are about; may outlive it.
    std::shared_ptr<Wake> wake() const { return wake_; }

    // Every tail says its last words, and what is added later, too. Once.
    void close();

    std::size_t open() const;

  private:
    struct Open {
        std::unique_ptr<Connection> connection{};
        std::string out{};
        std::unique_ptr<Tail> tail{};
        SteadyTime stalled_since{};
        bool gone = false;
    };

    void start();
    void run();
    bool take_added();
    bool serve(Open& one, SteadyTime now) const;
    void poll_once(int longest);
    int longest_poll(SteadyTime now) const;
    void say_last_words();

    const Limits limits_;
    const SystemClock clock_;
    const std::shared_ptr<Wake> wake_ = std::make_shared<Wake>();

    mutable std::mutex mutex_;
    std::vector<Open> added_;  // under mutex_, as all to the next blank
    bool closing_ = false;
    bool running_ = false;
    std::size_t count_ = 0;
    std::thread thread_;

    std::vector<Open> open_;  // the thread's own
};

}  // namespace podreeve::api
