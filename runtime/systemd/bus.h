#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"

struct sd_bus;  // of libsystemd, whose header stays out of this one
struct sd_bus_message;

namespace podreeve::systemd {

// Ends what libsystemd handed out.
struct MessageUnref {
    void operator()(sd_bus_message* message) const;
};

using Message = std::unique_ptr<sd_bus_message, MessageUnref>;

// When a call must be over.
class Deadline {
  public:
    explicit Deadline(Duration from_now);
    // 0 when it has passed.
    std::uint64_t usec_left() const;

  private:
    SteadyTime end_;
};

// A blocking connection to a D-Bus bus for one thread at a time. It connects when it is first
// needed, and anew after it was lost; every wait has a deadline. A bus that is not there, breaks
// off or does not answer is Unavailable or Timeout, never a hang.
class Bus {
  public:
    // As D-Bus writes addresses: "unix:path=/run/user/1000/bus".
    explicit Bus(std::string address);
    ~Bus();
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;

    // The live connection, and whether it is a new one, that has yet to be set up.
    struct Connection {
        sd_bus* bus = nullptr;
        bool fresh = false;
    };

    Result<Connection> connect(const Deadline& deadline);
    // Sends a method call and waits for its reply. what completes "cannot …".
    Result<Message> call(sd_bus_message* request,
                         const std::string& what,
                         const Deadline& deadline);
    // Dispatches signals until done() holds.
    Status wait_until(const std::function<bool()>& done,
                      const std::string& what,
                      const Deadline& deadline);
    // The failure of a call of libsystemd's, negative errno; a lost connection is dropped.
    Error failed(const std::string& what, int r);
    void drop();

  private:
    std::string address_;
    sd_bus* bus_ = nullptr;
};

}  // namespace podreeve::systemd
