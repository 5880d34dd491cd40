#include "runtime/systemd/bus.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include "runtime/base/contained.h"
#include "runtime/base/utf8.h"

namespace podreeve::systemd {
namespace {

struct NamedCode {
    std::string_view name;
    Code code;
};

// D-Bus' and systemd's error names, so far as a caller branches on them. NoReply is what the bus
// says for a systemd that has left it; our own deadlines do not come this way.
constexpr NamedCode kCodes[] = {
    {"org.freedesktop.systemd1.NoSuchUnit", Code::NotFound},
    {"org.freedesktop.systemd1.UnitMasked", Code::Conflict},
    {"org.freedesktop.systemd1.TransactionIsDestructive", Code::Conflict},
    {"org.freedesktop.systemd1.TransactionJobsConflicting", Code::Conflict},
    {"org.freedesktop.systemd1.TransactionOrderIsCyclic", Code::Conflict},
    {"org.freedesktop.systemd1.LoadFailed", Code::InvalidArgument},
    {"org.freedesktop.systemd1.BadUnitSetting", Code::InvalidArgument},
    {"org.freedesktop.systemd1.ShuttingDown", Code::Unavailable},
    {"org.freedesktop.DBus.Error.InvalidArgs", Code::InvalidArgument},
    {"org.freedesktop.DBus.Error.AccessDenied", Code::Denied},
    {"org.freedesktop.DBus.Error.AuthFailed", Code::Denied},
    {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", Code::Denied},
    {"org.freedesktop.DBus.Error.Timeout", Code::Timeout},
    {"org.freedesktop.DBus.Error.TimedOut", Code::Timeout},
    {"org.freedesktop.DBus.Error.NoReply", Code::Unavailable},
    {"org.freedesktop.DBus.Error.LimitsExceeded", Code::Unavailable},
    {"org.freedesktop.DBus.Error.NoMemory", Code::Unavailable},
    {"org.freedesktop.DBus.Error.ServiceUnknown", Code::Unavailable},
    {"org.freedesktop.DBus.Error.NameHasNoOwner", Code::Unavailable},
    {"org.freedesktop.DBus.Error.Disconnected", Code::Unavailable},
    {"org.freedesktop.DBus.Error.UnknownMethod", Code::Unsupported},
};

// What a bus says on which nobody has systemd's name.
bool is_nobody(std::string_view name) {
    return name == "org.freedesktop.DBus.Error.ServiceUnknown" ||
           name == "org.freedesktop.DBus.Error.NameHasNoOwner";
}

// The error in our words; the errno where the name says nothing to us.
Error to_error(const sd_bus_error& error, const std::string& what) {
    const auto row = std::find_if(std::begin(kCodes), std::end(kCodes),
                                  [&](const NamedCode& each) { return each.name == error.name; });
    Code code = row != std::end(kCodes) ? row->code
                                        : errno_error(what, sd_bus_error_get_errno(&error)).code;
    // The bus tried to start systemd, which is not how systemd comes up.
    if (std::string_view(error.name).starts_with("org.freedesktop.DBus.Error.Spawn.")) {
        code = Code::Unavailable;
    }
    if (code == Code::Unavailable && is_nobody(error.name)) {
        return {code, fmt::format("cannot {}: systemd is not on the bus", what)};
    }
    return {code, fmt::format("cannot {}: {}", what,
                              clean_text(error.message != nullptr ? error.message : error.name))};
}

bool is_lost(int r) {
    return r == -ECONNRESET || r == -ENOTCONN || r == -ECONNREFUSED || r == -EPIPE ||
           r == -ESHUTDOWN || r == -ENOENT || r == -ECHILD;
}

int keep_reply(sd_bus_message* reply, void* kept, sd_bus_error*) {
    static_cast<Message*>(kept)->reset(sd_bus_message_ref(reply));
    return 0;
}

}  // namespace

void BusUnref::operator()(sd_bus* bus) const {
    // Not flushed: a bus that hangs would hold us.
    sd_bus_close_unref(bus);
}

void BusUnref::operator()(sd_bus_message* message) const {
    sd_bus_message_unref(message);
}

Error Bus::broken(const std::string& what) const {
    return {Code::Unavailable, fmt::format("cannot {}: the bus at {} broke off", what, address_)};
}

Error Bus::failed(const std::string& what, int r) const {
    const std::string reason = std::error_code(-r, std::generic_category()).message();
    if (is_lost(r)) {
        return {Code::Unavailable,
                fmt::format("cannot {}: no bus at {} ({})", what, address_, reason)};
    }
    if (r == -EPERM || r == -EACCES) {
        return {Code::Denied,
                fmt::format("cannot {}: the bus at {} refuses us ({})", what, address_, reason)};
    }
    return errno_error(what, -r);
}

Result<Bus> Bus::connect(const std::string& address, const Limit& limit) {
    const std::string what = "reach systemd";
    Bus bus(address);
    sd_bus* raw = nullptr;
    int r = sd_bus_new(&raw);
    bus.bus_.reset(raw);
    if (r >= 0) {
        r = sd_bus_set_address(raw, address.c_str());
    }
    if (r >= 0) {
        r = sd_bus_set_bus_client(raw, 1);
    }
    if (r >= 0) {
        r = sd_bus_start(raw);
    }
    if (r < 0) {
        return bus.failed(what, r);
    }
    // libsystemd would wait for the bus' greeting without our limit.
    RETURN_IF_ERROR(bus.wait_until([raw] { return sd_bus_is_ready(raw) > 0; }, what, limit));
    return bus;
}

Status Bus::match(const std::string& rule, SignalHandler handler, void* self) {
    const auto hand_on = [](sd_bus_message* signal, void* listener, sd_bus_error*) {
        const Listener& to = *static_cast<Listener*>(listener);
        contained_or_logged("a signal of systemd", [&] { to.handler(signal, to.self); });
        return 0;
    };
    listeners_.push_back(std::make_unique<Listener>(Listener{handler, self}));
    const int r = sd_bus_add_match_async(bus_.get(), nullptr, rule.c_str(), hand_on, nullptr,
                                         listeners_.back().get());
    return r < 0 ? Status(failed("listen to systemd", r)) : Status();
}

Result<Message> Bus::call(sd_bus_message* request, const std::string& what, const Limit& limit) {
    // Unasked, a bus would try to start a systemd that has left it.
    sd_bus_message_set_auto_start(request, 0);
    Message reply;
    sd_bus_slot* raw = nullptr;
    const int r = sd_bus_call_async(bus_.get(), &raw, request, &keep_reply, &reply, UINT64_MAX);
    const std::unique_ptr<sd_bus_slot, decltype(&sd_bus_slot_unref)> slot(raw, &sd_bus_slot_unref);
    if (r < 0) {
        return failed(what, r);
    }
    RETURN_IF_ERROR(wait_until([&] { return reply != nullptr; }, what, limit));
    if (const sd_bus_error* error = sd_bus_message_get_error(reply.get())) {
        return is_open() ? to_error(*error, what) : broken(what);
    }
    return reply;
}

Status Bus::dispatch(const std::string& what) {
    int handled = 1;
    while (handled > 0) {
        handled = sd_bus_process(bus_.get(), nullptr);
    }
    return handled < 0 ? Status(failed(what, handled)) : Status();
}

Status Bus::wait_until(const std::function<bool()>& done,
                       const std::string& what,
                       const Limit& limit) {
    while (!done()) {
        if (const int handled = sd_bus_process(bus_.get(), nullptr); handled != 0) {
            if (handled < 0) {
                return failed(what, handled);
            }
            continue;
        }
        if (const auto over = limit.over(what)) {
            return *over;
        }
        std::array<pollfd, 2> fds{{{fd(), events(), 0}, {limit.stopped_fd(), POLLIN, 0}}};
        if (::poll(fds.data(), fds.size(), limit.milliseconds_left()) < 0 && errno != EINTR) {
            return errno_error(what, errno);
        }
    }
    return {};
}

int Bus::fd() const {
    return sd_bus_get_fd(bus_.get());
}

short Bus::events() const {
    const int events = sd_bus_get_events(bus_.get());
    return static_cast<short>(events < 0 ? POLLIN : events);
}

bool Bus::is_open() const {
    return sd_bus_is_open(bus_.get()) > 0;
}

}  // namespace podreeve::systemd
