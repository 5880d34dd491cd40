#include "tests/fakes/fake_systemd/service.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <set>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <utility>

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include "quadlet/naming.h"

namespace podreeve::fakes {
namespace {

namespace fs = std::filesystem;

void check(int r, const char* what) {
    if (r < 0) {
        throw std::runtime_error(fmt::format("the fake systemd cannot {}: {}", what, -r));
    }
}

// Of a file that the quadlet room can read at all; empty otherwise.
std::string service_of(const fs::path& file, const std::string& text) {
    const auto read = quadlet::Unit::read({file.string(), text});
    return read.unit ? quadlet::service_name(*read.unit, quadlet::kNewestRelease) : "";
}

WallTime now() {
    return SystemClock().system_now();
}

}  // namespace

std::string unit_path(const std::string& unit) {
    char* path = nullptr;
    check(sd_bus_path_encode(kFakeUnits, unit.c_str(), &path), "name a unit");
    const std::string copy = path;
    ::free(path);
    return copy;
}

std::string unit_at(const char* path) {
    char* unit = nullptr;
    check(sd_bus_path_decode(path, kFakeUnits, &unit), "tell a unit");
    const std::string copy = unit;
    ::free(unit);
    return copy;
}

FakeSystemd::Service::Service(Guarded<World>& world, std::string address)
    : world_(world), address_(std::move(address)), woken_(::eventfd(0, EFD_CLOEXEC)) {
    thread_ = std::thread([this] { serve(); });
    act([this] { join_bus(); });
}

FakeSystemd::Service::~Service() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    ::eventfd_write(woken_.get(), 1);
    thread_.join();
    leave_bus();
}

void FakeSystemd::Service::act(const std::function<void()>& fn) {
    Action action{fn};
    std::unique_lock lock(mutex_);
    actions_.push_back(&action);
    ::eventfd_write(woken_.get(), 1);
    changed_.wait(lock, [&] { return action.done; });
}

void FakeSystemd::Service::hold(const std::string& method) {
    const std::lock_guard lock(mutex_);
    held_ = method;
}

void FakeSystemd::Service::release() {
    const std::lock_guard lock(mutex_);
    held_.clear();
    changed_.notify_all();
}

void FakeSystemd::Service::join_bus() {
    check(sd_bus_new(&bus_), "make a connection");
    check(sd_bus_set_address(bus_, address_.c_str()), "take an address");
    check(sd_bus_set_bus_client(bus_, 1), "be a client");
    check(sd_bus_start(bus_), "connect");
    add_tables(bus_, *this);
    check(sd_bus_request_name(bus_, "org.freedesktop.systemd1", 0), "take systemd's name");
    subscribed_ = false;
}

void FakeSystemd::Service::leave_bus() {
    if (bus_ == nullptr) {
        return;
    }
    sd_bus_close_unref(std::exchange(bus_, nullptr));
    auto world = world_.lock();
    for (auto& [name, unit] : world->units) {
        unit.job = 0;
    }
}

void FakeSystemd::Service::serve() {
    while (true) {
        run_actions();
        {
            const std::lock_guard lock(mutex_);
            if (stopping_ && actions_.empty()) {
                return;
            }
        }
        if (turn_bus()) {
            continue;
        }
        const bool listens = bus_ != nullptr && sd_bus_is_open(bus_) > 0;
        std::array<pollfd, 2> fds{{{woken_.get(), POLLIN, 0},
                                   {listens ? sd_bus_get_fd(bus_) : -1,
                                    static_cast<short>(listens ? sd_bus_get_events(bus_) : 0), 0}}};
        ::poll(fds.data(), fds.size(), -1);
        if (fds[0].revents != 0) {
            eventfd_t count = 0;
            ::eventfd_read(woken_.get(), &count);
        }
    }
}

void FakeSystemd::Service::run_actions() {
    std::unique_lock lock(mutex_);
    while (!actions_.empty()) {
        Action* action = actions_.front();
        actions_.pop_front();
        lock.unlock();
        action->fn();
        while (turn_bus()) {
        }
        lock.lock();
        action->done = true;
        changed_.notify_all();
    }
}

// One message, and what follows from its having been asked; false when there is none.
bool FakeSystemd::Service::turn_bus() {
    if (bus_ == nullptr || sd_bus_process(bus_, nullptr) <= 0) {
        return false;
    }
    for (const std::string& unit : std::exchange(touched_, {})) {
        tell_unit("UnitNew", unit);
        tell_unit("UnitRemoved", unit);
    }
    return true;
}

int FakeSystemd::Service::on_call(sd_bus_message* call) {
    const char* member = sd_bus_message_get_member(call);
    std::uint8_t type = 0;
    sd_bus_message_get_type(call, &type);
    if (type != SD_BUS_MESSAGE_METHOD_CALL || member == nullptr) {
        return 0;
    }
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopping_ || held_ != member; });
    }
    auto world = world_.lock();
    ++world->calls[member];
    const auto fault = world->faults.find(member);
    if (fault == world->faults.end()) {
        return 0;
    }
    const sd_bus_error error{fault->second.error.c_str(), fault->second.message.c_str(), 0};
    sd_bus_reply_method_error(call, &error);
    return 1;
}

void FakeSystemd::Service::note(const std::string& line) {
    world_.lock()->log.push_back(line);
}

FakeUnit* FakeSystemd::Service::find(World& world, const std::string& name) {
    if (const auto known = world.units.find(name); known != world.units.end()) {
        return &known->second;
    }
    const std::size_t at = name.find('@');
    const std::size_t dot = name.rfind('.');
    if (at == std::string::npos || dot < at) {
        return nullptr;
    }
    const auto pattern = world.units.find(name.substr(0, at + 1) + name.substr(dot));
    if (pattern == world.units.end() || !pattern->second.has_file) {
        return nullptr;
    }
    return &world.units.emplace(name, pattern->second).first->second;
}

void FakeSystemd::Service::touch(const std::string& unit) {
    auto world = world_.lock();
    const FakeUnit* known = find(*world, unit);
    if (known == nullptr || (known->active == "inactive" && known->job == 0)) {
        touched_.push_back(unit);
    }
}

void FakeSystemd::Service::tell_changed(const std::string& unit) {
    if (!subscribed_ || bus_ == nullptr) {
        return;
    }
    const std::string path = unit_path(unit);
    if (unit.ends_with(".service")) {
        sd_bus_emit_properties_changed_strv(bus_, path.c_str(), kFakeService, nullptr);
    }
    sd_bus_emit_properties_changed_strv(bus_, path.c_str(), kFakeUnit, nullptr);
}

void FakeSystemd::Service::tell_unit(const char* signal, const std::string& unit) {
    if (subscribed_ && bus_ != nullptr) {
        sd_bus_emit_signal(bus_, kFakePath, kFakeManager, signal, "so", unit.c_str(),
                           unit_path(unit).c_str());
    }
}

void FakeSystemd::Service::tell_files_changed() {
    if (subscribed_ && bus_ != nullptr) {
        sd_bus_emit_signal(bus_, kFakePath, kFakeManager, "UnitFilesChanged", "");
    }
}

std::string FakeSystemd::Service::begin_job(const std::string& unit) {
    find(*world_.lock(), unit)->job = ++jobs_;
    return fmt::format("{}/job/{}", kFakePath, jobs_);
}

void FakeSystemd::Service::start(FakeUnit& unit, const FakeScript& script) {
    if (script.start_limit != 0 && unit.starts >= script.start_limit) {
        unit.active = unit.sub = "failed";
        unit.result = unit.result == "success" ? "start-limit-hit" : unit.result;
        return;
    }
    ++unit.starts;
    ++unit.invocation;
    unit.restarts = 0;
    const bool fails = script.job_result == "failed";
    const bool runs = !fails && !script.is_over_at_once;
    unit.active = fails ? "failed" : runs ? "active" : "inactive";
    unit.sub = fails ? "failed" : runs ? "running" : "dead";
    unit.result = fails ? "exit-code" : "success";
    unit.exit_status = fails ? script.exit_status : 0;
    unit.main_pid = runs ? 1000 + jobs_ : 0;
    (runs ? unit.active_since : unit.inactive_since) = now();
}

// A dependency that fails, a timeout and what is cancelled leave the unit as it is.
void FakeSystemd::Service::run_job(const std::string& name, const std::string& method) {
    std::string word;
    bool runs = false;
    {
        auto world = world_.lock();
        const FakeScript script = world->scripts[name];
        FakeUnit& unit = *find(*world, name);
        word = script.job_result;
        const bool acts = word == "done" || word == "failed";
        if (acts && method != "StartUnit") {
            unit.active = "inactive";
            unit.sub = "dead";
            unit.main_pid = 0;
            unit.inactive_since = now();
            // Out of use, it is forgotten with all that was counted.
            unit.starts = method == "StopUnit" ? 0 : unit.starts;
        }
        if (acts && method != "StopUnit" && unit.active != "active") {
            start(unit, script);
            word = unit.active == "failed" ? "failed" : "done";
        } else if (word.empty() && method == "StartUnit") {
            unit.active = "activating";
            unit.sub = "start";
        }
        runs = unit.active == "active";
    }
    if (on_job_ && !word.empty()) {
        on_job_(name, runs);
    }
    if (word.empty()) {
        tell_changed(name);
    } else {
        end_job(name, word);
    }
}

void FakeSystemd::Service::end_job(const std::string& name, const std::string& word) {
    unsigned id = 0;
    {
        auto world = world_.lock();
        FakeUnit& unit = *find(*world, name);
        id = std::exchange(unit.job, 0U);
        if (unit.active == "activating") {
            start(unit, FakeScript{word});
        }
    }
    tell_changed(name);
    if (subscribed_ && bus_ != nullptr) {
        sd_bus_emit_signal(bus_, kFakePath, kFakeManager, "JobRemoved", "uoss", id,
                           fmt::format("{}/job/{}", kFakePath, id).c_str(), name.c_str(),
                           word.c_str());
    }
}

void FakeSystemd::Service::reset_failed(const std::string& name) {
    {
        auto world = world_.lock();
        FakeUnit& unit = *find(*world, name);
        unit.starts = 0;
        unit.result = "success";
        if (unit.active == "failed") {
            unit.active = "inactive";
            unit.sub = "dead";
        }
    }
    tell_changed(name);
}

void FakeSystemd::Service::generate() {
    std::error_code error;
    std::map<std::string, fs::path> found;
    std::set<fs::path> unreadable;  // directories with a file that cannot be parsed: all are lost
    for (const auto& entry : fs::recursive_directory_iterator(directory_, error)) {
        const std::string file = entry.path().filename().string();
        if (!quadlet::unit_type_of(file) || !entry.is_regular_file()) {
            continue;
        }
        std::ifstream stream(entry.path());
        const std::string text{std::istreambuf_iterator<char>(stream),
                               std::istreambuf_iterator<char>()};
        const std::string service = service_of(entry.path(), text);
        if (service.empty()) {
            unreadable.insert(entry.path().parent_path());
        } else if (accepts_(file, text)) {
            found.emplace(service, entry.path());
        }
    }
    std::erase_if(found,
                  [&](const auto& unit) { return unreadable.contains(unit.second.parent_path()); });
    auto world = world_.lock();
    for (auto& [name, unit] : world->units) {
        if (!unit.source.empty() && !found.contains(name)) {
            unit.has_file = false;
        }
    }
    for (const auto& [name, file] : found) {
        struct stat status {};

        ::stat(file.c_str(), &status);
        FakeUnit& unit = world->units[name];
        unit.has_file = true;
        unit.file_state = "generated";
        unit.source = file;
        unit.source_time = WallTime(std::chrono::seconds(status.st_mtim.tv_sec) +
                                    std::chrono::nanoseconds(status.st_mtim.tv_nsec));
    }
}

void FakeSystemd::Service::reload() {
    const auto report = [this](int begins) {
        if (subscribed_ && bus_ != nullptr) {
            sd_bus_emit_signal(bus_, kFakePath, kFakeManager, "Reloading", "b", begins);
        }
    };
    report(1);
    world_.lock()->loaded_at = now();
    if (!directory_.empty()) {
        generate();
    }
    report(0);
}

}  // namespace podreeve::fakes
