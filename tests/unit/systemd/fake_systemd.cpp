#include "tests/unit/systemd/fake_systemd.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <systemd/sd-bus.h>

#include "runtime/base/unique_fd.h"

namespace podreeve::systemd {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPath = "/org/freedesktop/systemd1";
constexpr const char* kUnits = "/org/freedesktop/systemd1/unit";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";

FakeSystemd& of(void* self) {
    return *static_cast<FakeSystemd*>(self);
}

std::string path_of(const std::string& unit) {
    char* path = nullptr;
    EXPECT_GE(sd_bus_path_encode(kUnits, unit.c_str(), &path), 0);
    const std::string copy = path;
    ::free(path);
    return copy;
}

std::string unit_at(const char* path) {
    char* unit = nullptr;
    EXPECT_GT(sd_bus_path_decode(path, kUnits, &unit), 0);
    const std::string copy = unit;
    ::free(unit);
    return copy;
}

void note(FakeSystemd& fake, const std::string& call) {
    fake.world.lock()->calls.push_back(call);
}

int plain_call(sd_bus_message* call, void* self, sd_bus_error*) {
    note(of(self), sd_bus_message_get_member(call));
    return sd_bus_reply_method_return(call, nullptr);
}

int reset_failed(sd_bus_message* call, void* self, sd_bus_error* error) {
    const char* unit = nullptr;
    sd_bus_message_read(call, "s", &unit);
    note(of(self), std::string("ResetFailedUnit ") + unit);
    if (!of(self).world.lock()->units.contains(unit)) {
        return sd_bus_error_setf(error, "org.freedesktop.systemd1.NoSuchUnit",
                                 "Unit %s not loaded.", unit);
    }
    return sd_bus_reply_method_return(call, nullptr);
}

int load_unit(sd_bus_message* call, void*, sd_bus_error*) {
    const char* unit = nullptr;
    sd_bus_message_read(call, "s", &unit);
    return sd_bus_reply_method_return(call, "o", path_of(unit).c_str());
}

int list_units(sd_bus_message* call, void* self, sd_bus_error*) {
    char** states = nullptr;
    char** patterns = nullptr;
    sd_bus_message_read_strv(call, &states);
    sd_bus_message_read_strv(call, &patterns);
    std::string noted = "ListUnitsByPatterns";
    for (char** pattern = patterns; pattern != nullptr && *pattern != nullptr; ++pattern) {
        noted += std::string(" ") + *pattern;
        ::free(*pattern);
    }
    ::free(patterns);
    ::free(states);
    note(of(self), noted);
    sd_bus_message* reply = nullptr;
    sd_bus_message_new_method_return(call, &reply);
    sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
    auto world = of(self).world.lock();
    for (const auto& [name, unit] : world->units) {
        sd_bus_message_append(reply, "(ssssssouso)", name.c_str(), "A unit", "loaded",
                              unit.active.c_str(), unit.sub.c_str(), "", path_of(name).c_str(), 0U,
                              "", "/");
    }
    sd_bus_message_close_container(reply);
    const int r = sd_bus_send(nullptr, reply, nullptr);
    sd_bus_message_unref(reply);
    return r;
}

void finish(FakeSystemd& fake, unsigned id, const std::string& job, const std::string& unit) {
    const std::string result = fake.world.lock()->units[unit].job_result;
    if (!result.empty()) {
        sd_bus_emit_signal(fake.bus(), kPath, kManager, "JobRemoved", "uoss", id, job.c_str(),
                           unit.c_str(), result.c_str());
    }
}

int queue_job(sd_bus_message* call, void* self, sd_bus_error* error) {
    const char* unit = nullptr;
    const char* mode = nullptr;
    sd_bus_message_read(call, "ss", &unit, &mode);
    FakeSystemd& fake = of(self);
    note(fake, std::string(sd_bus_message_get_member(call)) + " " + unit + " " + mode);
    bool early = false;
    {
        auto world = fake.world.lock();
        const auto known = world->units.find(unit);
        if (known == world->units.end()) {
            return sd_bus_error_setf(error, "org.freedesktop.systemd1.NoSuchUnit",
                                     "Unit %s not found.", unit);
        }
        early = known->second.ends_before_reply;
    }
    const unsigned id = fake.next_job();
    const std::string job = std::string(kPath) + "/job/" + std::to_string(id);
    if (early) {
        finish(fake, id, job, unit);
    }
    const int r = sd_bus_reply_method_return(call, "o", job.c_str());
    if (!early) {
        // Another job's end must not be taken for this one's.
        sd_bus_emit_signal(fake.bus(), kPath, kManager, "JobRemoved", "uoss", 9999U,
                           "/org/freedesktop/systemd1/job/9999", "other.service", "failed");
        finish(fake, id, job, unit);
    }
    return r;
}

int get_property(sd_bus*,
                 const char* path,
                 const char*,
                 const char* property,
                 sd_bus_message* reply,
                 void* self,
                 sd_bus_error*) {
    auto world = of(self).world.lock();
    const std::string name = unit_at(path);
    const auto known = world->units.find(name);
    const bool loaded = known != world->units.end();
    const FakeUnit unit = loaded ? known->second : FakeUnit{};
    const std::string_view asked = property;
    if (asked == "MainPID") {
        return sd_bus_message_append(reply, "u", unit.main_pid);
    }
    if (asked == "NeedDaemonReload") {
        return sd_bus_message_append(reply, "b", loaded && world->needs_reload ? 1 : 0);
    }
    if (asked == "Conditions") {  // a kind that the reader has to skip
        return sd_bus_message_append(reply, "a(sbbsi)", 1U, "ConditionPathExists", 0, 1, "/x", 1);
    }
    const std::map<std::string_view, std::string> texts{
        {"LoadState", loaded ? "loaded" : "not-found"},
        {"ActiveState", unit.active},
        {"SubState", unit.sub},
        {"FragmentPath", loaded ? "/run/systemd/generator/" + name : ""},
        {"Result", unit.result}};
    return sd_bus_message_append(reply, "s", texts.at(asked).c_str());
}

const sd_bus_vtable kManagerTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Subscribe", "", "", plain_call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Reload", "", "", plain_call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ResetFailedUnit", "s", "", reset_failed, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("LoadUnit", "s", "o", load_unit, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD(
        "ListUnitsByPatterns", "asas", "a(ssssssouso)", list_units, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("StartUnit", "ss", "o", queue_job, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("StopUnit", "ss", "o", queue_job, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("RestartUnit", "ss", "o", queue_job, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

const sd_bus_vtable kUnitTable[] = {SD_BUS_VTABLE_START(0),
                                    SD_BUS_PROPERTY("LoadState", "s", get_property, 0, 0),
                                    SD_BUS_PROPERTY("ActiveState", "s", get_property, 0, 0),
                                    SD_BUS_PROPERTY("SubState", "s", get_property, 0, 0),
                                    SD_BUS_PROPERTY("Conditions", "a(sbbsi)", get_property, 0, 0),
                                    SD_BUS_PROPERTY("FragmentPath", "s", get_property, 0, 0),
                                    SD_BUS_PROPERTY("NeedDaemonReload", "b", get_property, 0, 0),
                                    SD_BUS_VTABLE_END};

const sd_bus_vtable kServiceTable[] = {
    SD_BUS_VTABLE_START(0), SD_BUS_PROPERTY("Result", "s", get_property, 0, 0),
    SD_BUS_PROPERTY("MainPID", "u", get_property, 0, 0), SD_BUS_VTABLE_END};

int find_unit(sd_bus*, const char*, const char*, void* self, void** found, sd_bus_error*) {
    *found = self;
    return 1;
}

}  // namespace

PrivateBus::PrivateBus() {
    std::string pattern = (fs::temp_directory_path() / "podreeve-bus-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    start();
}

PrivateBus::~PrivateBus() {
    stop();
    fs::remove_all(directory_);
}

namespace {

bool accepts(const fs::path& socket) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

void PrivateBus::start() {
    // Without any service that it could start by itself, as the real systemd is not started either.
    const fs::path config = directory_ / "bus.conf";
    std::ofstream(config) << "<busconfig><type>session</type><listen>" << address()
                          << "</listen><policy context=\"default\"><allow send_destination=\"*\"/>"
                             "<allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>";
    const std::string option = "--config-file=" + config.string();
    const char* argv[] = {"dbus-daemon", "--nofork", "--nopidfile", option.c_str(), nullptr};
    ASSERT_EQ(::posix_spawnp(&pid_, argv[0], nullptr, nullptr, const_cast<char**>(argv), environ),
              0)
        << "dbus-daemon is needed for this test";
    // The file is there before anybody listens on it: only a connection tells that the bus is up.
    const fs::path socket = directory_ / "bus";
    for (int i = 0; i < 5000 && !accepts(socket); ++i) {
        ::poll(nullptr, 0, 1);
    }
    ASSERT_TRUE(accepts(socket));
}

void PrivateBus::stop() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
        fs::remove(directory_ / "bus");
    }
}

void PrivateBus::freeze() {
    ::kill(pid_, SIGSTOP);
}

FakeSystemd::FakeSystemd(const std::string& address) {
    EXPECT_GE(sd_bus_new(&bus_), 0);
    EXPECT_GE(sd_bus_set_address(bus_, address.c_str()), 0);
    EXPECT_GE(sd_bus_set_bus_client(bus_, 1), 0);
    EXPECT_GE(sd_bus_start(bus_), 0);
    EXPECT_GE(sd_bus_add_object_vtable(bus_, nullptr, kPath, kManager, kManagerTable, this), 0);
    EXPECT_GE(sd_bus_add_fallback_vtable(bus_, nullptr, kUnits, "org.freedesktop.systemd1.Unit",
                                         kUnitTable, find_unit, this),
              0);
    EXPECT_GE(sd_bus_add_fallback_vtable(bus_, nullptr, kUnits, "org.freedesktop.systemd1.Service",
                                         kServiceTable, find_unit, this),
              0);
    EXPECT_GE(sd_bus_request_name(bus_, "org.freedesktop.systemd1", 0), 0);
    thread_ = std::thread([this] { serve(); });
}

FakeSystemd::~FakeSystemd() {
    stop_ = true;
    thread_.join();
    sd_bus_close_unref(bus_);
}

void FakeSystemd::serve() {
    while (!stop_) {
        const int handled = sd_bus_process(bus_, nullptr);
        if (handled < 0) {
            return;  // the bus is gone
        }
        if (handled == 0) {
            sd_bus_wait(bus_, 10'000);
        }
    }
}

}  // namespace podreeve::systemd
