#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace podreeve::quadlet {

// The kinds of files that Quadlet makes services of.
enum class UnitType { Container, Pod, Kube, Volume, Network, Image, Build };

// By the file's extension; none for a file that is not Quadlet's.
std::optional<UnitType> unit_type_of(std::string_view file_name);
std::string_view extension(UnitType type);     // ".container"
std::string_view section_name(UnitType type);  // "Container"
// What stands between a file's name and ".service": "-pod"; nothing for .container and .kube.
std::string_view service_suffix(UnitType type);
// The key that names what the service makes in podman: "PodName"; nothing where there is none.
std::string_view name_key(UnitType type);

// What podman takes as the name of an object: [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 253.
bool is_podman_name(std::string_view name);

// What a file name says: foo@bar.container is a Container of the prefix foo and the instance bar;
// foo@.container is a template, whose instance is empty.
struct UnitName {
    UnitType type = UnitType::Container;
    std::string prefix;
    bool templated = false;
    std::string instance;
    friend bool operator==(const UnitName&, const UnitName&) = default;
};

// Takes a bare file name, without a directory. A name that systemd would not take for a unit's (an
// empty or too long one, or one with other characters than letters, digits and :-_.\) is
// InvalidArgument.
Result<UnitName> parse_unit_name(std::string_view file_name);

// The instance of a template, of its file or of its service: web@.container and one give
// web@one.container, web@.service gives web@one.service. What is no template, or an instance that
// cannot stand in a unit's name (runtime/systemd escapes it), is InvalidArgument.
Result<std::string> instance_of(std::string_view template_name, std::string_view instance);

}  // namespace podreeve::quadlet
