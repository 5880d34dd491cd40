#include <cstdlib>
#include <map>
#include <string_view>

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include "tests/fakes/fake_systemd/service.h"

// What org.freedesktop.systemd1 answers.
namespace podreeve::fakes {
namespace {

using Service = FakeSystemd::Service;

Service& of(void* self) {
    return *static_cast<Service*>(self);
}

std::vector<std::string> read_strings(sd_bus_message* call) {
    char** texts = nullptr;
    sd_bus_message_read_strv(call, &texts);
    std::vector<std::string> copies;
    for (char** text = texts; text != nullptr && *text != nullptr; ++text) {
        copies.emplace_back(*text);
        ::free(*text);
    }
    ::free(texts);
    return copies;
}

std::string joined(const char* member, const std::vector<std::string>& words) {
    std::string line = member;
    for (const std::string& word : words) {
        line += " " + word;
    }
    return line;
}

int plain_call(sd_bus_message* call, void* self, sd_bus_error*) {
    of(self).note(sd_bus_message_get_member(call));
    return sd_bus_reply_method_return(call, nullptr);
}

int subscribe(sd_bus_message* call, void* self, sd_bus_error* error) {
    of(self).subscribe();
    return plain_call(call, self, error);
}

int reload(sd_bus_message* call, void* self, sd_bus_error* error) {
    of(self).reload();
    return plain_call(call, self, error);
}

int reset_failed(sd_bus_message* call, void* self, sd_bus_error* error) {
    const char* unit = nullptr;
    sd_bus_message_read(call, "s", &unit);
    of(self).note(std::string("ResetFailedUnit ") + unit);
    if (Service::find(*of(self).world().lock(), unit) == nullptr) {
        return sd_bus_error_setf(error, "org.freedesktop.systemd1.NoSuchUnit",
                                 "Unit %s not loaded.", unit);
    }
    of(self).reset_failed(unit);
    return sd_bus_reply_method_return(call, nullptr);
}

int load_unit(sd_bus_message* call, void* self, sd_bus_error*) {
    const char* unit = nullptr;
    sd_bus_message_read(call, "s", &unit);
    of(self).touch(unit);
    return sd_bus_reply_method_return(call, "o", unit_path(unit).c_str());
}

std::string load_state(const FakeUnit* unit) {
    if (unit == nullptr || (!unit->has_file && !unit->masked)) {
        return "not-found";
    }
    return unit->masked ? "masked" : "loaded";
}

int add_row(sd_bus_message* reply, const std::string& name, const FakeUnit* unit) {
    const FakeUnit shown = unit != nullptr ? *unit : FakeUnit{};
    return sd_bus_message_append(reply, "(ssssssouso)", name.c_str(), "A unit",
                                 load_state(unit).c_str(), shown.active.c_str(), shown.sub.c_str(),
                                 "", unit_path(name).c_str(), shown.job, "", "/");
}

int send_rows(sd_bus_message* call,
              Service& service,
              const std::vector<std::string>& names,
              bool loads) {
    sd_bus_message* reply = nullptr;
    sd_bus_message_new_method_return(call, &reply);
    sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
    for (const std::string& name : names) {
        auto world = service.world().lock();
        const FakeUnit* unit = Service::find(*world, name);
        const bool in_memory = unit != nullptr && (unit->active != "inactive" || unit->job != 0);
        if (loads || in_memory) {
            add_row(reply, name, unit);
        }
    }
    sd_bus_message_close_container(reply);
    const int r = sd_bus_send(nullptr, reply, nullptr);
    sd_bus_message_unref(reply);
    return r;
}

int list_by_names(sd_bus_message* call, void* self, sd_bus_error*) {
    const std::vector<std::string> names = read_strings(call);
    of(self).note(joined("ListUnitsByNames", names));
    for (const std::string& name : names) {
        of(self).touch(name);
    }
    return send_rows(call, of(self), names, true);
}

// Patterns are taken for names: no star is asked for.
int list_by_patterns(sd_bus_message* call, void* self, sd_bus_error*) {
    read_strings(call);
    const std::vector<std::string> names = read_strings(call);
    of(self).note(joined("ListUnitsByPatterns", names));
    return send_rows(call, of(self), names, false);
}

int queue_job(sd_bus_message* call, void* self, sd_bus_error* error) {
    const char* unit = nullptr;
    const char* mode = nullptr;
    sd_bus_message_read(call, "ss", &unit, &mode);
    Service& service = of(self);
    const std::string method = sd_bus_message_get_member(call);
    service.note(joined(method.c_str(), {unit, mode}));
    bool early = false;
    {
        auto world = service.world().lock();
        const FakeUnit* known = Service::find(*world, unit);
        const bool stops = method == "StopUnit";
        if (known == nullptr || (!stops && load_state(known) == "not-found")) {
            return sd_bus_error_setf(error, "org.freedesktop.systemd1.NoSuchUnit",
                                     "Unit %s not %s.", unit, stops ? "loaded" : "found");
        }
        if (known->masked && !stops) {
            return sd_bus_error_setf(error, "org.freedesktop.systemd1.UnitMasked",
                                     "Unit %s is masked.", unit);
        }
        early = world->scripts[unit].ends_before_reply;
    }
    const std::string job = service.begin_job(unit);
    if (early) {
        service.run_job(unit, method);
    }
    const int r = sd_bus_reply_method_return(call, "o", job.c_str());
    if (!early) {
        // Another job's end must not be taken for this one's.
        sd_bus_emit_signal(sd_bus_message_get_bus(call), kFakePath, kFakeManager, "JobRemoved",
                           "uoss", 999999U, "/org/freedesktop/systemd1/job/999999", "other.service",
                           "failed");
        service.run_job(unit, method);
    }
    return r;
}

std::uint64_t usec(WallTime time) {
    return static_cast<std::uint64_t>(
        std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count());
}

template <auto kTime>
int world_time(sd_bus*,
               const char*,
               const char*,
               const char*,
               sd_bus_message* reply,
               void* self,
               sd_bus_error*) {
    return sd_bus_message_append(reply, "t", usec((*of(self).world().lock()).*kTime));
}

// Of what a Quadlet's file was when it was read: for a unit that is not in use, a moment ago.
bool needs_reload(const FakeUnit& unit) {
    if (unit.source.empty() || unit.masked) {
        return false;
    }
    std::error_code error;
    const auto written = std::filesystem::last_write_time(unit.source, error);
    const bool in_use = unit.active != "inactive";
    return error || (in_use && std::chrono::file_clock::to_sys(written) != unit.source_time);
}

// One of 16 bytes; none for a unit that was never started, or not since it is in use.
int append_invocation(sd_bus_message* reply, unsigned invocation) {
    unsigned char id[16] = {};
    id[15] = static_cast<unsigned char>(invocation & 0xff);
    id[14] = static_cast<unsigned char>(invocation >> 8 & 0xff);
    return sd_bus_message_append_array(reply, 'y', id, invocation == 0 ? 0 : sizeof id);
}

int append_number(sd_bus_message* reply, std::string_view asked, const FakeUnit& unit) {
    if (asked == "MainPID") {
        return sd_bus_message_append(reply, "u", unit.main_pid);
    }
    if (asked == "NRestarts") {
        return sd_bus_message_append(reply, "u", unit.restarts);
    }
    if (asked == "ExecMainStatus") {
        return sd_bus_message_append(reply, "i", unit.exit_status);
    }
    if (asked == "TimeoutStopUSec") {
        return sd_bus_message_append(reply, "t", unit.stop_usec);
    }
    if (asked == "ActiveEnterTimestamp") {
        return sd_bus_message_append(reply, "t", usec(unit.active_since));
    }
    if (asked == "InactiveEnterTimestamp") {
        return sd_bus_message_append(reply, "t", usec(unit.inactive_since));
    }
    if (asked == "NeedDaemonReload") {
        return sd_bus_message_append(reply, "b", needs_reload(unit) ? 1 : 0);
    }
    if (asked == "Job") {
        return sd_bus_message_append(reply, "(uo)", unit.job, "/");
    }
    if (asked == "InvocationID") {
        return append_invocation(reply, unit.active == "inactive" ? 0 : unit.invocation);
    }
    // "Conditions", a kind that the reader has to skip
    return sd_bus_message_append(reply, "a(sbbsi)", 1U, "ConditionPathExists", 0, 1, "/x", 1);
}

int get_property(sd_bus*,
                 const char* path,
                 const char*,
                 const char* property,
                 sd_bus_message* reply,
                 void* self,
                 sd_bus_error*) {
    auto world = of(self).world().lock();
    const std::string name = unit_at(path);
    const FakeUnit* known = Service::find(*world, name);
    const FakeUnit unit = known != nullptr ? *known : FakeUnit{};
    const std::string load = load_state(known);
    const bool generated = unit.file_state == "generated";
    const std::map<std::string_view, std::string> texts{
        {"Id", name},
        {"LoadState", load},
        {"ActiveState", unit.active},
        {"SubState", unit.sub},
        {"UnitFileState", load == "loaded"   ? unit.file_state
                          : load == "masked" ? load
                                             : ""},
        {"FragmentPath", load != "loaded" ? ""
                         : generated      ? "/no/such/place/generator/" + name
                                          : "/no/such/place/user/" + name},
        {"SourcePath", load == "loaded" ? unit.source.string() : ""},
        {"Result", unit.result}};
    const std::string_view asked = property;
    if (asked == "LoadError") {
        return load == "loaded"
                   ? sd_bus_message_append(reply, "(ss)", "", "")
                   : sd_bus_message_append(reply, "(ss)", "org.freedesktop.systemd1.NoSuchUnit",
                                           "Unit not found.");
    }
    const auto text = texts.find(asked);
    return text != texts.end() ? sd_bus_message_append(reply, "s", text->second.c_str())
                               : append_number(reply, asked, unit);
}

constexpr std::uint64_t kTold = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE;

const sd_bus_vtable kManagerTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("UnitsLoadTimestamp", "t", world_time<&FakeSystemd::World::loaded_at>, 0, 0),
    SD_BUS_PROPERTY(
        "GeneratorsStartTimestamp", "t", world_time<&FakeSystemd::World::started_at>, 0, 0),
    SD_BUS_METHOD("Subscribe", "", "", subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Reload", "", "", reload, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ResetFailedUnit", "s", "", reset_failed, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("LoadUnit", "s", "o", load_unit, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD(
        "ListUnitsByNames", "as", "a(ssssssouso)", list_by_names, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ListUnitsByPatterns",
                  "asas",
                  "a(ssssssouso)",
                  list_by_patterns,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("StartUnit", "ss", "o", queue_job, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("StopUnit", "ss", "o", queue_job, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("RestartUnit", "ss", "o", queue_job, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

const sd_bus_vtable kUnitTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Id", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("LoadState", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("LoadError", "(ss)", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("ActiveState", "s", get_property, 0, kTold),
    SD_BUS_PROPERTY("SubState", "s", get_property, 0, kTold),
    SD_BUS_PROPERTY("Conditions", "a(sbbsi)", get_property, 0, 0),
    SD_BUS_PROPERTY("FragmentPath", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("SourcePath", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("UnitFileState", "s", get_property, 0, 0),
    SD_BUS_PROPERTY("NeedDaemonReload", "b", get_property, 0, 0),
    SD_BUS_PROPERTY("ActiveEnterTimestamp", "t", get_property, 0, kTold),
    SD_BUS_PROPERTY("InactiveEnterTimestamp", "t", get_property, 0, kTold),
    SD_BUS_PROPERTY("Job", "(uo)", get_property, 0, kTold),
    SD_BUS_PROPERTY("InvocationID", "ay", get_property, 0, kTold),
    SD_BUS_VTABLE_END};

const sd_bus_vtable kServiceTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Result", "s", get_property, 0, kTold),
    SD_BUS_PROPERTY("MainPID", "u", get_property, 0, kTold),
    SD_BUS_PROPERTY("NRestarts", "u", get_property, 0, kTold),
    SD_BUS_PROPERTY("TimeoutStopUSec", "t", get_property, 0, 0),
    SD_BUS_PROPERTY("ExecMainStatus", "i", get_property, 0, kTold),
    SD_BUS_VTABLE_END};

int find_unit(sd_bus*, const char*, const char*, void* self, void** found, sd_bus_error*) {
    *found = self;
    return 1;
}

int find_service(sd_bus*, const char* path, const char*, void* self, void** found, sd_bus_error*) {
    *found = self;
    return unit_at(path).ends_with(".service") ? 1 : 0;
}

int on_message(sd_bus_message* message, void* self, sd_bus_error*) {
    const int r = of(self).on_call(message);
    const char* path = sd_bus_message_get_path(message);
    if (r == 0 &&
        sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Properties", nullptr) &&
        path != nullptr && std::string_view(path).starts_with(kFakeUnits)) {
        of(self).touch(unit_at(path));
    }
    return r;
}

}  // namespace

void add_tables(sd_bus* bus, FakeSystemd::Service& service) {
    sd_bus_add_filter(bus, nullptr, on_message, &service);
    sd_bus_add_object_vtable(bus, nullptr, kFakePath, kFakeManager, kManagerTable, &service);
    sd_bus_add_fallback_vtable(bus, nullptr, kFakeUnits, kFakeUnit, kUnitTable, find_unit,
                               &service);
    sd_bus_add_fallback_vtable(bus, nullptr, kFakeUnits, kFakeService, kServiceTable, find_service,
                               &service);
}

}  // namespace podreeve::fakes
