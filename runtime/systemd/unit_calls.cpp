#include "runtime/systemd/unit_calls.h"

#include <algorithm>

#include <fmt/format.h>
#include <systemd/sd-bus.h>

namespace podreeve::systemd {
namespace {

Error unreadable(const std::string& what) {
    return {Code::Unsupported,
            fmt::format("cannot {}: systemd's answer is of an unknown form", what)};
}

// A method call that is being put together, and how that went so far.
struct MethodCall {
    Message message;
    int r = 0;
};

MethodCall new_request(Bus& bus, const char* path, const char* interface, const char* method) {
    sd_bus_message* raw = nullptr;
    const int r =
        sd_bus_message_new_method_call(bus.get(), &raw, kSystemd, path, interface, method);
    return {Message(raw), r};
}

void add(MethodCall& request, const std::string& argument) {
    if (request.r >= 0) {
        request.r = sd_bus_message_append(request.message.get(), "s", argument.c_str());
    }
}

void add(MethodCall& request, const std::vector<std::string>& arguments) {
    std::vector<char*> pointers;
    for (const std::string& argument : arguments) {
        pointers.push_back(const_cast<char*>(argument.c_str()));
    }
    pointers.push_back(nullptr);
    if (request.r >= 0) {
        request.r = sd_bus_message_append_strv(request.message.get(), pointers.data());
    }
}

Result<Message> send(Bus& bus, MethodCall request, const std::string& what, const Limit& limit) {
    if (request.r < 0) {
        return errno_error(what, -request.r);
    }
    return bus.call(request.message.get(), what, limit);
}

// The value of a property that we have a place for.
struct Value {
    std::string text;
    std::uint64_t number = 0;
};

int read_text(sd_bus_message* message, std::string& text) {
    const char* value = nullptr;
    const int r = sd_bus_message_read(message, "s", &value);
    text = r > 0 ? value : "";
    return r;
}

template <class Number>
int read_number(sd_bus_message* message, char type, std::uint64_t& number) {
    Number value{};
    const int r = sd_bus_message_read_basic(message, type, &value);
    number = static_cast<std::uint64_t>(value);
    return r;
}

// 16 bytes as systemd writes them in texts.
int read_id(sd_bus_message* message, std::string& text) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    const int r = sd_bus_message_read_array(message, 'y', &bytes, &size);
    for (std::size_t i = 0; r >= 0 && i < size; ++i) {
        text += fmt::format("{:02x}", static_cast<const unsigned char*>(bytes)[i]);
    }
    return r;
}

// The contents of a variant whose type is that.
int read_contents(sd_bus_message* message, std::string_view type, Value& value) {
    const char* first = nullptr;
    const char* second = nullptr;
    int r = 0;
    if (type == "s") {
        return read_text(message, value.text);
    }
    if (type == "b" || type == "i") {
        return read_number<std::int32_t>(message, type[0], value.number);
    }
    if (type == "u") {
        return read_number<std::uint32_t>(message, 'u', value.number);
    }
    if (type == "t") {
        return read_number<std::uint64_t>(message, 't', value.number);
    }
    if (type == "ay") {
        return read_id(message, value.text);
    }
    if (type == "(ss)") {  // LoadError: its name and its words
        r = sd_bus_message_read(message, "(ss)", &first, &second);
        value.text = r > 0 ? second : "";
        return r;
    }
    std::uint32_t id = 0;  // "(uo)" is Job: 0 when there is none
    r = sd_bus_message_read(message, "(uo)", &id, &first);
    value.number = id;
    return r;
}

WallTime to_time(std::uint64_t usec) {
    return WallTime(std::chrono::microseconds(usec));
}

// More than can be counted in nanoseconds is for ever, as systemd's own infinity.
Duration to_duration(std::uint64_t usec) {
    const auto most = std::chrono::duration_cast<std::chrono::microseconds>(Duration::max());
    return usec >= static_cast<std::uint64_t>(most.count())
               ? Duration::max()
               : Duration(std::chrono::microseconds(static_cast<std::int64_t>(usec)));
}

// A property: its type, and where its value goes.
struct Field {
    std::string_view name;
    const char* type;
    void (*set)(UnitState& state, Value& value);
};

// Type and place of each property that UnitState has.
constexpr Field kFields[] = {
    {"Id", "s", [](UnitState& state, Value& value) { state.id = value.text; }},
    {"LoadState", "s", [](UnitState& state, Value& value) { state.load_state = value.text; }},
    {"LoadError", "(ss)", [](UnitState& state, Value& value) { state.load_error = value.text; }},
    {"ActiveState", "s", [](UnitState& state, Value& value) { state.active_state = value.text; }},
    {"SubState", "s", [](UnitState& state, Value& value) { state.sub_state = value.text; }},
    {"UnitFileState", "s", [](UnitState& state, Value& value) { state.file_state = value.text; }},
    {"FragmentPath", "s", [](UnitState& state, Value& value) { state.fragment_path = value.text; }},
    {"SourcePath", "s", [](UnitState& state, Value& value) { state.source_path = value.text; }},
    {"NeedDaemonReload", "b",
     [](UnitState& state, Value& value) { state.needs_reload = value.number != 0; }},
    {"Job", "(uo)", [](UnitState& state, Value& value) { state.has_job = value.number != 0; }},
    {"ActiveEnterTimestamp", "t",
     [](UnitState& state, Value& value) { state.active_since = to_time(value.number); }},
    {"InactiveEnterTimestamp", "t",
     [](UnitState& state, Value& value) { state.inactive_since = to_time(value.number); }},
    {"InvocationID", "ay", [](UnitState& state, Value& value) { state.invocation = value.text; }},
    {"Result", "s", [](UnitState& state, Value& value) { state.result = value.text; }},
    {"ExecMainStatus", "i",
     [](UnitState& state, Value& value) { state.exit_status = static_cast<int>(value.number); }},
    {"MainPID", "u",
     [](UnitState& state, Value& value) { state.main_pid = static_cast<pid_t>(value.number); }},
    {"TimeoutStopUSec", "t",
     [](UnitState& state, Value& value) { state.stop_within = to_duration(value.number); }},
    {"NRestarts", "u",
     [](UnitState& state, Value& value) { state.restarts = static_cast<unsigned>(value.number); }},
};

// The variant at the cursor, which is the value of the property of that name.
int apply_property(sd_bus_message* message, std::string_view name, UnitState& state) {
    const char* contents = nullptr;
    char kind = 0;
    const int peeked = sd_bus_message_peek_type(message, &kind, &contents);
    const auto field = std::find_if(std::begin(kFields), std::end(kFields), [&](const Field& each) {
        return each.name == name && contents != nullptr && std::string_view(each.type) == contents;
    });
    if (peeked <= 0 || field == std::end(kFields)) {
        return peeked < 0 ? peeked : sd_bus_message_skip(message, "v");
    }
    Value value;
    int r = sd_bus_message_enter_container(message, 'v', field->type);
    if (r >= 0) {
        r = read_contents(message, field->type, value);
    }
    if (r < 0) {
        return r;
    }
    field->set(state, value);
    return sd_bus_message_exit_container(message);
}

Result<std::vector<UnitRow>> read_rows(sd_bus_message* reply, const std::string& what) {
    std::vector<UnitRow> rows;
    int r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
    while (r >= 0) {
        const char* id = nullptr;
        const char* load = nullptr;
        const char* active = nullptr;
        const char* sub = nullptr;
        const char* path = nullptr;
        std::uint32_t job = 0;
        r = sd_bus_message_read(reply, "(ssssssouso)", &id, nullptr, &load, &active, &sub, nullptr,
                                &path, &job, nullptr, nullptr);
        if (r <= 0) {
            break;
        }
        rows.push_back({id, load, active, sub, path, job != 0});
    }
    if (r < 0) {
        return unreadable(what);
    }
    return rows;
}

}  // namespace

std::string manager_signal(const std::string& member) {
    return fmt::format("type='signal',sender='{}',path='{}',interface='{}',member='{}'", kSystemd,
                       kManagerPath, kManagerInterface, member);
}

std::string owner_signal() {
    return fmt::format(
        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{}'",
        kSystemd);
}

bool has_owner(sd_bus_message* signal) {
    const char* owner = nullptr;
    const int r = sd_bus_message_read(signal, "sss", nullptr, nullptr, &owner);
    return r > 0 && *owner != '\0';
}

Result<Message> call_manager(Bus& bus,
                             const char* method,
                             const std::vector<std::string>& arguments,
                             const std::string& what,
                             const Limit& limit) {
    MethodCall request = new_request(bus, kManagerPath, kManagerInterface, method);
    for (const std::string& argument : arguments) {
        add(request, argument);
    }
    return send(bus, std::move(request), what, limit);
}

Result<std::vector<UnitRow>> list_loaded(Bus& bus,
                                         const std::vector<std::string>& ids,
                                         const std::string& what,
                                         const Limit& limit) {
    // Patterns without an escape character, so that every name matches itself alone.
    MethodCall request = new_request(bus, kManagerPath, kManagerInterface, "ListUnitsByPatterns");
    add(request, std::vector<std::string>{});  // in any state
    add(request, ids);
    ASSIGN_OR_RETURN(const Message reply, send(bus, std::move(request), what, limit));
    return read_rows(reply.get(), what);
}

Result<std::vector<UnitRow>> list_by_names(Bus& bus,
                                           const std::vector<std::string>& names,
                                           const std::string& what,
                                           const Limit& limit) {
    MethodCall request = new_request(bus, kManagerPath, kManagerInterface, "ListUnitsByNames");
    add(request, names);
    ASSIGN_OR_RETURN(const Message reply, send(bus, std::move(request), what, limit));
    ASSIGN_OR_RETURN(std::vector<UnitRow> rows, read_rows(reply.get(), what));
    if (rows.size() != names.size()) {
        return unreadable(what);
    }
    return rows;
}

int apply_properties(sd_bus_message* message, UnitState& state) {
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        const char* name = nullptr;
        r = sd_bus_message_read(message, "s", &name);
        if (r >= 0) {
            r = apply_property(message, name, state);
        }
        if (r >= 0) {
            r = sd_bus_message_exit_container(message);
        }
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

Status read_properties(Bus& bus,
                       const std::string& path,
                       const char* interface,
                       UnitState& state,
                       const std::string& what,
                       const Limit& limit) {
    MethodCall request =
        new_request(bus, path.c_str(), "org.freedesktop.DBus.Properties", "GetAll");
    add(request, std::string(interface));
    ASSIGN_OR_RETURN(const Message reply, send(bus, std::move(request), what, limit));
    return apply_properties(reply.get(), state) < 0 ? Status(unreadable(what)) : Status();
}

Result<WallTime> read_load_time(Bus& bus, const std::string& what, const Limit& limit) {
    // The first is 0 until the first reload.
    for (const char* name : {"UnitsLoadTimestamp", "GeneratorsStartTimestamp"}) {
        MethodCall request =
            new_request(bus, kManagerPath, "org.freedesktop.DBus.Properties", "Get");
        add(request, std::string(kManagerInterface));
        add(request, std::string(name));
        ASSIGN_OR_RETURN(const Message reply, send(bus, std::move(request), what, limit));
        std::uint64_t usec = 0;
        if (sd_bus_message_read(reply.get(), "v", "t", &usec) < 0) {
            return unreadable(what);
        }
        if (usec != 0) {
            return to_time(usec);
        }
    }
    return WallTime{};
}

Status ping(Bus& bus, const std::string& what, const Limit& limit) {
    MethodCall request = new_request(bus, kManagerPath, "org.freedesktop.DBus.Peer", "Ping");
    RETURN_IF_ERROR(send(bus, std::move(request), what, limit));
    return {};
}

Result<UnitState> load_unit(Bus& bus,
                            const std::string& name,
                            const std::string& what,
                            const Limit& limit) {
    // Not GetUnit, which knows nothing of a unit that systemd has no reason to keep loaded.
    ASSIGN_OR_RETURN(const Message reply, call_manager(bus, "LoadUnit", {name}, what, limit));
    const char* path = nullptr;
    if (sd_bus_message_read(reply.get(), "o", &path) < 0) {
        return unreadable(what);
    }
    UnitState state;
    RETURN_IF_ERROR(read_properties(bus, path, kUnitInterface, state, what, limit));
    if (state.id.ends_with(".service")) {
        RETURN_IF_ERROR(read_properties(bus, path, kServiceInterface, state, what, limit));
    }
    return state;
}

}  // namespace podreeve::systemd
