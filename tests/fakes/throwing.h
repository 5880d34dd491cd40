#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace podreeve::fakes {

// Adapters that throw where they are called, for the programs that link this: one call of one of
// them, as a library would that met what it had not foreseen. The seam is the linker's (--wrap), so
// that the code under test is the one that is shipped.
enum class Adapter {
    Podman,        // http::Client::call: each request
    Store,         // sqlite3_step: each row and each write
    Files,         // open, openat, fdopendir: each file or directory that is looked into
    Systemd,       // UnitControl and UnitWatch: each question and each job
    Signals,       // UnitSession: what the watch's own thread asks systemd and hears of it
    Prober,        // ProberProcess, the namespaces it is handed, and the answers that it gives
    Exec,          // run_command(): each command in a container
    Processes,     // what /proc says of containers' processes
    Surroundings,  // ports and routes that start conditions name
    Programs,      // Spawn::run: each program that is started
    Notify,        // of the process alone: sd_notify, each word to systemd
    Watches,       // of the process alone: inotify_init1 and inotify_add_watch
};

// Those of the agent in whatever process it is.
inline constexpr std::array kAdapters = {
    Adapter::Podman, Adapter::Store, Adapter::Files,     Adapter::Systemd,      Adapter::Signals,
    Adapter::Prober, Adapter::Exec,  Adapter::Processes, Adapter::Surroundings, Adapter::Programs};

std::string_view to_string(Adapter adapter);

enum class Moment { Before, After };  // of the call's own work

// Those that throw before it alone: no file is opened, and no program started, for nobody.
bool throws_before_alone(Adapter adapter);

// Process-wide. Calls are counted, from 1 on, while one of these lives; that of the given number
// throws, bad_alloc, json's type_error, filesystem_error or system_error by turns. Threads that are
// not the agent's say so by spare_this_thread(), and are not counted.
class Throwing {
  public:
    Throwing(Adapter adapter, std::size_t number, Moment moment);  // number 0: only counts
    ~Throwing();
    Throwing(const Throwing&) = delete;
    Throwing& operator=(const Throwing&) = delete;

    static std::size_t calls();                      // since the last one began
    static std::size_t calls_ever(Adapter adapter);  // whether one lives or not
    static bool thrown();
    static void spare_this_thread();
};

}  // namespace podreeve::fakes
