#include "runtime/systemd/units.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <systemd/sd-bus.h>

namespace podreeve::systemd {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";

using Properties = std::map<std::string, std::string>;

Error unreadable(const std::string& what) {
    return {Code::Unsupported,
            fmt::format("cannot {}: systemd's answer is of an unknown form", what)};
}

// Reads the variant at the cursor as text, if it is of a kind that we ask for; skips it if not.
int read_variant(sd_bus_message* reply, std::string& text) {
    const char* contents = nullptr;
    char type = 0;
    int r = sd_bus_message_peek_type(reply, &type, &contents);
    const std::string_view kind = r > 0 && contents != nullptr ? contents : "";
    if (r <= 0 || (kind != "s" && kind != "b" && kind != "u")) {
        return r < 0 ? r : sd_bus_message_skip(reply, "v");
    }
    if (kind == "s") {
        const char* value = nullptr;
        r = sd_bus_message_read(reply, "v", "s", &value);
        text = r >= 0 ? value : "";
        return r;
    }
    // A boolean of sd-bus is an int, of the size of the number it is not.
    std::uint32_t number = 0;
    r = sd_bus_message_read(reply, "v", std::string(kind).c_str(), &number);
    text = std::to_string(number);
    return r;
}

// Reads the a{sv} of a GetAll.
int read_properties(sd_bus_message* reply, Properties& properties) {
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        const char* name = nullptr;
        r = sd_bus_message_read(reply, "s", &name);
        if (r >= 0) {
            r = read_variant(reply, properties[name]);
        }
        if (r >= 0) {
            r = sd_bus_message_exit_container(reply);
        }
    }
    return r;
}

// Reads the a(ssssssouso) of a unit list.
int read_units(sd_bus_message* reply, std::vector<UnitSummary>& units) {
    int r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
    while (r >= 0) {
        const char* name = nullptr;
        const char* description = nullptr;
        const char* load = nullptr;
        const char* active = nullptr;
        const char* sub = nullptr;
        r = sd_bus_message_read(reply, "(ssssssouso)", &name, &description, &load, &active, &sub,
                                nullptr, nullptr, nullptr, nullptr, nullptr);
        if (r <= 0) {
            break;
        }
        units.push_back({name, description, load, active, sub});
    }
    return r;
}

// The handler of JobRemoved: notes path → result.
int note_removed_job(sd_bus_message* signal, void* jobs, sd_bus_error*) {
    const char* path = nullptr;
    const char* result = nullptr;
    if (sd_bus_message_read(signal, "uoss", nullptr, &path, nullptr, &result) > 0) {
        (*static_cast<std::map<std::string, std::string>*>(jobs))[path] = result;
    }
    return 0;
}

pid_t to_pid(const std::string& text) {
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    return pid;
}

}  // namespace

std::string UnitControl::default_address(uid_t uid) {
    return uid == 0 ? "unix:path=/run/dbus/system_bus_socket"
                    : fmt::format("unix:path=/run/user/{}/bus", uid);
}

UnitControl::UnitControl(std::string address) : bus_(std::move(address)) {}

// Connects, and has a new connection told of ended jobs.
Status UnitControl::prepare(const Deadline& deadline) {
    ASSIGN_OR_RETURN(const Bus::Connection connection, bus_.connect(deadline));
    if (!connection.fresh) {
        return {};
    }
    // libsystemd takes the wait for the match from the connection's own setting.
    sd_bus_set_method_call_timeout(connection.bus,
                                   std::max<std::uint64_t>(1, deadline.usec_left()));
    const int r = sd_bus_match_signal(connection.bus, nullptr, kService, kPath, kManager,
                                      "JobRemoved", &note_removed_job, &removed_jobs_);
    Status done;
    if (r < 0) {
        done = bus_.failed("listen to systemd", r);
    } else if (auto subscribed = manager_call("Subscribe", {}, "listen to systemd", deadline);
               !subscribed) {
        done = std::move(subscribed.error());
    }
    if (!done) {
        bus_.drop();  // half set up; the next call starts anew
    }
    return done;
}

Result<Message> UnitControl::manager_call(const char* method,
                                          const std::vector<std::string>& arguments,
                                          const std::string& what,
                                          const Deadline& deadline) {
    ASSIGN_OR_RETURN(const Bus::Connection connection, bus_.connect(deadline));
    sd_bus_message* raw = nullptr;
    int r = sd_bus_message_new_method_call(connection.bus, &raw, kService, kPath, kManager, method);
    const Message request(raw);
    for (auto argument = arguments.begin(); r >= 0 && argument != arguments.end(); ++argument) {
        r = sd_bus_message_append(raw, "s", argument->c_str());
    }
    if (r < 0) {
        return bus_.failed(what, r);
    }
    return bus_.call(raw, what, deadline);
}

Result<std::vector<UnitSummary>> UnitControl::list_units_by_patterns(
    const std::vector<std::string>& patterns, Duration deadline) {
    const Deadline until(deadline);
    const std::string what = "list units";
    RETURN_IF_ERROR(prepare(until));
    ASSIGN_OR_RETURN(const Bus::Connection connection, bus_.connect(until));
    sd_bus_message* raw = nullptr;
    int r = sd_bus_message_new_method_call(connection.bus, &raw, kService, kPath, kManager,
                                           "ListUnitsByPatterns");
    const Message request(raw);
    std::vector<char*> names;
    for (const std::string& pattern : patterns) {
        names.push_back(const_cast<char*>(pattern.c_str()));
    }
    names.push_back(nullptr);
    if (r >= 0) {
        r = sd_bus_message_append_strv(raw, nullptr);  // in any state
    }
    if (r >= 0) {
        r = sd_bus_message_append_strv(raw, names.data());
    }
    if (r < 0) {
        return bus_.failed(what, r);
    }
    ASSIGN_OR_RETURN(const Message reply, bus_.call(raw, what, until));
    std::vector<UnitSummary> units;
    if (read_units(reply.get(), units) < 0) {
        return unreadable(what);
    }
    return units;
}

Result<Properties> UnitControl::properties(const std::string& path,
                                           const char* interface,
                                           const std::string& what,
                                           const Deadline& deadline) {
    ASSIGN_OR_RETURN(const Bus::Connection connection, bus_.connect(deadline));
    sd_bus_message* raw = nullptr;
    int r = sd_bus_message_new_method_call(connection.bus, &raw, kService, path.c_str(),
                                           "org.freedesktop.DBus.Properties", "GetAll");
    const Message request(raw);
    if (r >= 0) {
        r = sd_bus_message_append(raw, "s", interface);
    }
    if (r < 0) {
        return bus_.failed(what, r);
    }
    ASSIGN_OR_RETURN(const Message reply, bus_.call(raw, what, deadline));
    Properties found;
    if (read_properties(reply.get(), found) < 0) {
        return unreadable(what);
    }
    return found;
}

Result<UnitState> UnitControl::state(const std::string& unit, Duration deadline) {
    const Deadline until(deadline);
    const std::string what = fmt::format("read the state of {}", unit);
    RETURN_IF_ERROR(prepare(until));
    // Not GetUnit, which knows nothing of a unit that systemd has no reason to keep loaded.
    ASSIGN_OR_RETURN(const Message reply, manager_call("LoadUnit", {unit}, what, until));
    const char* path = nullptr;
    if (sd_bus_message_read(reply.get(), "o", &path) < 0) {
        return unreadable(what);
    }
    ASSIGN_OR_RETURN(Properties found,
                     properties(path, "org.freedesktop.systemd1.Unit", what, until));
    if (unit.ends_with(".service")) {
        ASSIGN_OR_RETURN(Properties more,
                         properties(path, "org.freedesktop.systemd1.Service", what, until));
        found.merge(more);
    }
    return UnitState{found["LoadState"],
                     found["ActiveState"],
                     found["SubState"],
                     found["FragmentPath"],
                     found["NeedDaemonReload"] == "1",
                     found["Result"],
                     to_pid(found["MainPID"])};
}

Result<JobResult> UnitControl::run_job(const char* method,
                                       const char* verb,
                                       const std::string& unit,
                                       Duration deadline) {
    const Deadline until(deadline);
    const std::string what = fmt::format("{} {}", verb, unit);
    RETURN_IF_ERROR(prepare(until));
    removed_jobs_.clear();
    ASSIGN_OR_RETURN(const Message reply, manager_call(method, {unit, "replace"}, what, until));
    const char* path = nullptr;
    if (sd_bus_message_read(reply.get(), "o", &path) < 0) {
        return unreadable(what);
    }
    // The signal of a job that has ended by now is in the queue, for it was asked for before.
    const std::string job = path;
    RETURN_IF_ERROR(bus_.wait_until([&] { return removed_jobs_.contains(job); }, what, until));
    return JobResult{removed_jobs_[job]};
}

Result<JobResult> UnitControl::start(const std::string& unit, Duration deadline) {
    return run_job("StartUnit", "start", unit, deadline);
}

Result<JobResult> UnitControl::stop(const std::string& unit, Duration deadline) {
    return run_job("StopUnit", "stop", unit, deadline);
}

Result<JobResult> UnitControl::restart(const std::string& unit, Duration deadline) {
    return run_job("RestartUnit", "restart", unit, deadline);
}

Status UnitControl::daemon_reload(Duration deadline) {
    const Deadline until(deadline);
    RETURN_IF_ERROR(prepare(until));
    RETURN_IF_ERROR(manager_call("Reload", {}, "reload systemd", until));
    return {};
}

Status UnitControl::reset_failed(const std::string& unit, Duration deadline) {
    const Deadline until(deadline);
    RETURN_IF_ERROR(prepare(until));
    RETURN_IF_ERROR(manager_call("ResetFailedUnit", {unit},
                                 fmt::format("reset the failure of {}", unit), until));
    return {};
}

}  // namespace podreeve::systemd
