#include "runtime/systemd/bus.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <systemd/sd-bus.h>

namespace podreeve::systemd {
namespace {

struct NamedCode {
    std::string_view name;
    Code code;
};

// D-Bus' and systemd's error names, so far as a caller branches on them.
constexpr NamedCode kCodes[] = {
    {"org.freedesktop.systemd1.NoSuchUnit", Code::NotFound},
    {"org.freedesktop.systemd1.UnitMasked", Code::Conflict},
    {"org.freedesktop.systemd1.TransactionIsDestructive", Code::Conflict},
    {"org.freedesktop.systemd1.TransactionJobsConflicting", Code::Conflict},
    {"org.freedesktop.systemd1.TransactionOrderIsCyclic", Code::Conflict},
    {"org.freedesktop.systemd1.LoadFailed", Code::InvalidArgument},
    {"org.freedesktop.systemd1.BadUnitSetting", Code::InvalidArgument},
    {"org.freedesktop.DBus.Error.InvalidArgs", Code::InvalidArgument},
    {"org.freedesktop.DBus.Error.AccessDenied", Code::Denied},
    {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", Code::Denied},
    {"org.freedesktop.DBus.Error.NoReply", Code::Timeout},
    {"org.freedesktop.DBus.Error.Timeout", Code::Timeout},
    {"org.freedesktop.DBus.Error.TimedOut", Code::Timeout},
    {"org.freedesktop.DBus.Error.ServiceUnknown", Code::Unavailable},
    {"org.freedesktop.DBus.Error.NameHasNoOwner", Code::Unavailable},
    {"org.freedesktop.DBus.Error.Disconnected", Code::Unavailable},
    {"org.freedesktop.DBus.Error.UnknownMethod", Code::Unsupported},
};

class BusError {
  public:
    BusError() = default;
    BusError(const BusError&) = delete;
    BusError& operator=(const BusError&) = delete;

    ~BusError() { sd_bus_error_free(&error_); }

    sd_bus_error* get() { return &error_; }

    // The error in our words; the errno where the name says nothing to us.
    Error to_error(const std::string& what, int r) const {
        if (!sd_bus_error_is_set(&error_)) {
            return errno_error(what, -r);
        }
        const auto row =
            std::find_if(std::begin(kCodes), std::end(kCodes),
                         [&](const NamedCode& each) { return each.name == error_.name; });
        Code code = row != std::end(kCodes) ? row->code : errno_error(what, -r).code;
        // The bus tried to start systemd, which is not how systemd comes up.
        if (std::string_view(error_.name).starts_with("org.freedesktop.DBus.Error.Spawn.")) {
            code = Code::Unavailable;
        }
        return {code, fmt::format("cannot {}: {}", what,
                                  error_.message != nullptr ? error_.message : error_.name)};
    }

  private:
    sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

bool is_lost(int r) {
    return r == -ECONNRESET || r == -ENOTCONN || r == -ECONNREFUSED || r == -EPIPE ||
           r == -ESHUTDOWN || r == -ENOENT || r == -ECHILD;
}

Error timed_out(const std::string& what) {
    return {Code::Timeout, fmt::format("cannot {}: no answer in time", what)};
}

}  // namespace

void MessageUnref::operator()(sd_bus_message* message) const {
    sd_bus_message_unref(message);
}

Deadline::Deadline(Duration from_now) : end_(SystemClock().steady_now() + from_now) {}

std::uint64_t Deadline::usec_left() const {
    const auto left =
        std::chrono::ceil<std::chrono::microseconds>(end_ - SystemClock().steady_now());
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, left.count()));
}

Bus::Bus(std::string address) : address_(std::move(address)) {}

Bus::~Bus() {
    drop();
}

void Bus::drop() {
    // Not flushed: a bus that hangs would hold us.
    sd_bus_close_unref(std::exchange(bus_, nullptr));
}

Error Bus::failed(const std::string& what, int r) {
    if (!is_lost(r)) {
        return errno_error(what, -r);
    }
    drop();
    return {Code::Unavailable, fmt::format("cannot {}: no bus at {} ({})", what, address_,
                                           errno_error("", -r).message)};
}

Result<Bus::Connection> Bus::connect(const Deadline& deadline) {
    if (bus_ != nullptr && sd_bus_is_open(bus_) > 0) {
        return Connection{bus_, false};
    }
    drop();
    const std::string what = "reach systemd";
    int r = sd_bus_new(&bus_);
    if (r >= 0) {
        r = sd_bus_set_address(bus_, address_.c_str());
    }
    if (r >= 0) {
        r = sd_bus_set_bus_client(bus_, 1);
    }
    if (r >= 0) {
        r = sd_bus_start(bus_);
    }
    if (r < 0) {
        const Error error = failed(what, r);
        drop();
        return error;
    }
    // libsystemd would wait for the bus' greeting without our deadline.
    Status ready = wait_until([this] { return sd_bus_is_ready(bus_) > 0; }, what, deadline);
    if (!ready) {
        drop();
        return std::move(ready.error());
    }
    return Connection{bus_, true};
}

Result<Message> Bus::call(sd_bus_message* request,
                          const std::string& what,
                          const Deadline& deadline) {
    const std::uint64_t left = deadline.usec_left();
    if (left == 0) {
        return timed_out(what);
    }
    BusError error;
    sd_bus_message* reply = nullptr;
    const int r = sd_bus_call(bus_, request, left, error.get(), &reply);
    if (r < 0 && is_lost(r) && sd_bus_is_open(bus_) <= 0) {
        return failed(what, r);
    }
    if (r < 0) {
        return error.to_error(what, r);
    }
    return Message(reply);
}

Status Bus::wait_until(const std::function<bool()>& done,
                       const std::string& what,
                       const Deadline& deadline) {
    while (!done()) {
        const int handled = sd_bus_process(bus_, nullptr);
        if (handled < 0) {
            return failed(what, handled);
        }
        if (handled > 0) {
            continue;
        }
        const std::uint64_t left = deadline.usec_left();
        if (left == 0) {
            return timed_out(what);
        }
        if (const int r = sd_bus_wait(bus_, left); r < 0 && r != -EINTR) {
            return failed(what, r);
        }
    }
    return {};
}

}  // namespace podreeve::systemd
