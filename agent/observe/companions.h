#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/systemd/unit_state.h"

// What there is of companions on the host, as plain values: the unit files that podreeve has
// installed, and how systemd has them.
namespace podreeve::observe {

// In podreeve's own drop-in, for whoever finds a template without its manifest: its instances.
inline constexpr const char* kInstanceSection = "X-Instances";

// A file in podreeve's folder of Quadlet's directory.
struct InstalledText {
    bool ours = false;       // it carries podreeve's stamp
    bool untouched = false;  // and is byte for byte what was stamped
    std::string hash;        // of what was stamped; empty when the stamp cannot be read
    std::uint64_t generation = 0;
    WallTime modified{};
    friend bool operator==(const InstalledText&, const InstalledText&) = default;
};

struct InstalledUnit {
    InstalledText file;
    std::map<std::string, InstalledText> drop_ins;  // by name
    std::string path;
    std::string service;   // what its text says: "web.service"; empty when it cannot be read
    std::string resource;  // its container's name in podman; empty: none, or only systemd knows
    bool templated = false;
    std::vector<std::string> instances;  // of a template: those that podreeve has run

    // Of the file and its drop-ins.
    WallTime modified() const;
    friend bool operator==(const InstalledUnit&, const InstalledUnit&) = default;
};

using InstalledUnits = std::map<std::string, InstalledUnit>;  // by file name

// What a companion that is wanted is called in systemd.
struct WantedUnits {
    std::vector<std::string> services;
    bool ends = false;  // runs to its end, and is not active any more
};

struct Companions {
    // Why no companion can run on this host, with what would help; empty: one can.
    std::string no_quadlet;
    // Why the folder cannot be read; then nothing is known of what is installed.
    std::string folder_error;
    std::string real_folder;  // the same without links
    std::string folder;       // podreeve's own, with one below it for each app
    std::map<std::string, InstalledUnits> installed;  // by app
    // Apps with a file that cannot be read, and why: nothing is known of what they have installed.
    std::map<std::string, std::string> unreadable;
    std::map<std::string, WantedUnits> wanted;  // by file name
    std::uint64_t reloads = 0;                  // how many daemon-reloads this agent has made
    // Nothing: unknown, and why.
    std::optional<systemd::UnitTable> units;
    std::string units_error;
    // The names of podman's volumes and networks, where a companion makes some; nothing: unknown.
    std::optional<std::set<std::string>> volumes, networks;

    // Whether it is known what there is of the app's: its files, and how systemd has its units.
    bool knows(const std::string& app) const;
    const InstalledUnit* find(const std::string& app, const std::string& file_name) const;
    // Whether what systemd has of a unit was made by Quadlet from that file of ours. Quadlet may
    // have followed the links on the way to the folder, or not. A copy of what it made, in
    // systemd's own directories, names our file as its source, too, and goes before it.
    bool is_made_from(const std::string& app,
                      const std::string& file_name,
                      const systemd::UnitState& unit) const;
    const WantedUnits* find_wanted(const std::string& file_name) const;  // null: is not wanted
    // Null: not known to systemd, or nothing is known.
    const systemd::UnitState* unit(const std::string& service) const;
};

}  // namespace podreeve::observe
