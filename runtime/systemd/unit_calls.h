#pragma once

#include <string>
#include <vector>

#include "runtime/systemd/bus.h"
#include "runtime/systemd/unit_state.h"

// What is asked of org.freedesktop.systemd1 over one connection; see org.freedesktop.systemd1(5).
// what completes "cannot …" in errors.
namespace podreeve::systemd {

inline constexpr const char* kSystemd = "org.freedesktop.systemd1";
inline constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
inline constexpr const char* kManagerInterface = "org.freedesktop.systemd1.Manager";
inline constexpr const char* kUnitInterface = "org.freedesktop.systemd1.Unit";
inline constexpr const char* kServiceInterface = "org.freedesktop.systemd1.Service";

// One row of systemd's lists of units.
struct UnitRow {
    std::string id, load_state, active_state, sub_state;
    std::string path;
    bool has_job = false;
};

// The match rule of a signal of the manager's.
std::string manager_signal(const std::string& member);
// The match rule of systemd's coming and going; has_owner() reads its signal.
std::string owner_signal();
// Whether systemd is on the bus by now, of NameOwnerChanged.
bool has_owner(sd_bus_message* signal);

Result<Message> call_manager(Bus& bus,
                             const char* method,
                             const std::vector<std::string>& arguments,
                             const std::string& what,
                             const Limit& limit);

// Units that systemd has in memory, of these ids and no others.
Result<std::vector<UnitRow>> list_loaded(Bus& bus,
                                         const std::vector<std::string>& ids,
                                         const std::string& what,
                                         const Limit& limit);
// A row for each name, in their order; has systemd load those that it has not in memory. Each must
// be a unit's name, or systemd refuses all.
Result<std::vector<UnitRow>> list_by_names(Bus& bus,
                                           const std::vector<std::string>& names,
                                           const std::string& what,
                                           const Limit& limit);

// Reads the properties of one interface of the unit at a path into what state has of them.
Status read_properties(Bus& bus,
                       const std::string& path,
                       const char* interface,
                       UnitState& state,
                       const std::string& what,
                       const Limit& limit);
// The a{sv} at the cursor, as far as state has a place for it; negative errno.
int apply_properties(sd_bus_message* message, UnitState& state);

// When systemd last read its unit files.
Result<WallTime> read_load_time(Bus& bus, const std::string& what, const Limit& limit);

// Returns when systemd has answered, and so has sent all that it had to say before.
Status ping(Bus& bus, const std::string& what, const Limit& limit);

// Loads the unit if it is not and reads all of it.
Result<UnitState> load_unit(Bus& bus,
                            const std::string& name,
                            const std::string& what,
                            const Limit& limit);

}  // namespace podreeve::systemd
