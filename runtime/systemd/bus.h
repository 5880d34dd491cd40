#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/systemd/limit.h"

struct sd_bus;  // of libsystemd, whose header stays out of this one
struct sd_bus_message;

namespace podreeve::systemd {

// Ends what libsystemd handed out.
struct BusUnref {
    void operator()(sd_bus* bus) const;
    void operator()(sd_bus_message* message) const;
};

using Message = std::unique_ptr<sd_bus_message, BusUnref>;

using SignalHandler = void (*)(sd_bus_message* signal, void* self);

// One live connection to a D-Bus bus, for one thread. Every wait has a limit and every failure says
// what was lost: a bus that is not there, breaks off or has no systemd on it is Unavailable, one
// that refuses us is Denied, one that hangs is a Timeout.
class Bus {
  public:
    // As D-Bus writes addresses: "unix:path=/run/user/1000/bus".
    static Result<Bus> connect(const std::string& address, const Limit& limit);

    sd_bus* get() const { return bus_.get(); }

    // Hands the signals that fit the rule to handler from inside call(), wait_until() and
    // dispatch(). Not waited for: the bus takes requests in their order, so whatever is called
    // after this is done with the match in place. A bus that refuses it breaks the connection off.
    Status match(const std::string& rule, SignalHandler handler, void* self);

    // Sends a method call and waits for its reply; signals that come before it are handled before
    // it is returned, and those after it are not. what completes "cannot …".
    Result<Message> call(sd_bus_message* request, const std::string& what, const Limit& limit);

    // Handles what comes in until done() holds.
    Status wait_until(const std::function<bool()>& done,
                      const std::string& what,
                      const Limit& limit);
    // Handles what has come in by now.
    Status dispatch(const std::string& what);

    // For poll(2) when dispatch() has nothing left to do.
    int fd() const;
    short events() const;

    bool is_open() const;

  private:
    explicit Bus(std::string address) : address_(std::move(address)) {}

    // The failure of a call of libsystemd's, negative errno.
    Error failed(const std::string& what, int r) const;
    Error broken(const std::string& what) const;

    struct Listener {
        SignalHandler handler;
        void* self;
    };

    std::string address_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::unique_ptr<sd_bus, BusUnref> bus_;  // last: it calls the above
};

}  // namespace podreeve::systemd
