#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "quadlet/services.h"

namespace podreeve::quadlet {

// What a unit is to those that refer to it.
struct Reference {
    std::string service;  // "web-volume.service"
    std::string name;     // in podman, with specifiers; empty when unknown
};

using Arguments = std::vector<std::string>;  // of a command

using References = std::map<std::string, Reference, std::less<>>;

// One unit on its way to a service; used by make_services() and the code of each type.
class Conversion {
  public:
    Conversion(const Unit& unit,
               const Target& target,
               const References& references,
               Service& service,
               std::vector<Diagnostic>& problems)
        : unit_(unit),
          target_(target),
          references_(references),
          service_(service),
          problems_(problems) {}

    const Unit& unit() const { return unit_; }

    const Target& target() const { return target_; }

    Service& service() { return service_; }

    bool before(const PodmanRelease& release) const { return target_.podman < release; }

    // Of the unit's own section.
    std::string value(std::string_view key) const;
    bool flag(std::string_view key, bool otherwise) const;

    // The unit of that file name; null, and a problem at the setting, when there is none.
    const Reference* refer(const std::string& file_name, const Setting* setting);
    void problem(const Setting* setting, std::string message);

    void depend(std::string_view key, const std::string& value);
    // Requires and After the unit of that file name; null as refer().
    const Reference* require(const std::string& file_name, const Setting* setting);

    // A path beside the unit as an absolute one; what starts with a specifier stays.
    std::string absolute(const std::string& path) const;
    // The source of a volume or a mount: a path, another unit, or a name that stays.
    std::string storage_source(const std::string& source, const Setting* setting, bool images);

    // A podman command with the arguments that stand before every subcommand.
    std::vector<std::string> podman(std::vector<std::string> subcommand) const;
    void add_command(std::string_view key, std::vector<std::string> arguments);

    // Each adds its options to the command.
    void add_table_options(std::vector<std::string>& command) const;
    void add_networks(std::vector<std::string>& command);
    void add_volumes(std::vector<std::string>& command);
    void add_user_mappings(std::vector<std::string>& command) const;
    void add_podman_args(std::vector<std::string>& command) const;

  private:
    void add_remapping(std::vector<std::string>& command) const;

    const Unit& unit_;
    const Target& target_;
    const References& references_;
    Service& service_;
    std::vector<Diagnostic>& problems_;
};

// The commands and dependencies that are a type's own.
void convert_container(Conversion& conversion);
void convert_pod(Conversion& conversion);
void convert_kube(Conversion& conversion);
void convert_volume(Conversion& conversion);
void convert_network(Conversion& conversion);
void convert_image(Conversion& conversion);
void convert_build(Conversion& conversion);

// The image another unit makes, or the image itself; empty, and a problem, for a missing unit.
std::string image_source(Conversion& conversion, const std::string& image, const Setting* setting);

}  // namespace podreeve::quadlet
