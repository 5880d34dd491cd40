#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "quadlet/podman_release.h"
#include "quadlet/unit.h"
#include "runtime/base/diagnostic.h"

namespace podreeve::quadlet {

// For whom and for which podman services are made.
struct Target {
    PodmanRelease podman = kNewestRelease;
    bool user = true;  // a user's systemd, not the system's
    // Whether a path is there; asked for AddDevice=-/dev/… alone. None: all of them are.
    std::function<bool(const std::string&)> exists;
};

// One command of a service: podman's arguments, specifiers unresolved.
struct ServiceCommand {
    std::string key;  // "ExecStart"
    std::vector<std::string> arguments;
    friend bool operator==(const ServiceCommand&, const ServiceCommand&) = default;
};

// What Quadlet makes of a unit: the typed view of all types. The generator is not run; the contract
// test holds this against its dry run.
struct Service {
    std::string file_name;  // "web.container"
    UnitType type = UnitType::Container;
    std::string name;      // "web.service"
    std::string resource;  // the name in podman; empty when there is none or only systemd knows it
    // What a container runs from, an image unit pulls, a build makes (its first tag): as podman is
    // told, specifiers unresolved. Empty for a rootfs and for the other types.
    std::string image;
    // The files of other units that this one names, in any way.
    std::vector<std::string> uses;
    // The dependencies in [Unit], written and implied, by key: "After", "RequiresMountsFor", …;
    // each value once, in the order of their coming.
    std::map<std::string, std::vector<std::string>> dependencies;
    std::vector<ServiceCommand> commands;
    // [Install], which Quadlet carries out itself; of a template for its default instance alone.
    std::string default_instance;
    std::vector<std::string> wanted_by;
    std::vector<std::string> required_by;
    bool one_shot = false;  // Type=oneshot: active without a process
};

struct Services {
    std::vector<Service> services;  // in the order of the units; those with errors are left out
    std::vector<Diagnostic> problems;
};

// Checks all units (check.h), resolves what they refer to among themselves, and says what Quadlet
// makes of each. Units of one file name, or of one service name, are an error on the later one.
Services make_services(const std::vector<Unit>& units, const Target& target);

// Null when there is none of that file name or service name.
const Service* find_service(const std::vector<Service>& services, std::string_view name);

}  // namespace podreeve::quadlet
