#include "tests/fakes/throwing.h"

#include <array>
#include <atomic>
#include <filesystem>
#include <new>
#include <system_error>

#include <nlohmann/json.hpp>

#include "tests/fakes/throwing_calls.h"

namespace podreeve::fakes {
namespace {

std::atomic<bool> armed{false};
std::atomic<Adapter> chosen{Adapter::Podman};
std::atomic<std::size_t> counted{0}, deadly{0};
std::atomic<Moment> moment{Moment::Before};
std::atomic<bool> has_thrown{false};
std::array<std::atomic<std::size_t>, static_cast<std::size_t>(Adapter::Watches) + 1> ever{};
thread_local bool spared = false;

}  // namespace

std::string_view to_string(Adapter adapter) {
    switch (adapter) {
        case Adapter::Podman:
            return "podman";
        case Adapter::Store:
            return "store";
        case Adapter::Files:
            return "files";
        case Adapter::Systemd:
            return "systemd";
        case Adapter::Signals:
            return "signals";
        case Adapter::Prober:
            return "prober";
        case Adapter::Exec:
            return "exec";
        case Adapter::Processes:
            return "processes";
        case Adapter::Surroundings:
            return "surroundings";
        case Adapter::Programs:
            return "programs";
        case Adapter::Notify:
            return "notify";
        case Adapter::Watches:
            return "watches";
    }
    return "";
}

bool throws_before_alone(Adapter adapter) {
    return adapter == Adapter::Files || adapter == Adapter::Programs;
}

std::size_t count_call(Adapter adapter) {
    ++ever[static_cast<std::size_t>(adapter)];
    return armed && chosen == adapter && !spared ? ++counted : 0;
}

bool is_to_throw(std::size_t number) {
    return number != 0 && number == deadly;
}

Moment moment_of_throw() {
    return moment;
}

void throw_by_turns(std::size_t number) {
    has_thrown = true;
    switch (number % 4) {
        case 0:
            throw std::bad_alloc();
        case 1:
            nlohmann::json(std::string("\xFF")).at("x");  // type_error
            [[fallthrough]];
        case 2:
            throw std::filesystem::filesystem_error("thrown by the test", "/a\xFF",
                                                    std::make_error_code(std::errc::io_error));
        default:
            throw std::system_error(std::make_error_code(std::errc::no_lock_available),
                                    "thrown by the test");
    }
}

Throwing::Throwing(Adapter adapter, std::size_t number, Moment when) {
    counted = 0;
    has_thrown = false;
    chosen = adapter;
    deadly = number;
    moment = when;
    armed = true;
}

Throwing::~Throwing() {
    armed = false;
}

std::size_t Throwing::calls() {
    return counted;
}

std::size_t Throwing::calls_ever(Adapter adapter) {
    return ever[static_cast<std::size_t>(adapter)];
}

bool Throwing::thrown() {
    return has_thrown;
}

void Throwing::spare_this_thread() {
    spared = true;
}

}  // namespace podreeve::fakes
