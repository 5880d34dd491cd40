#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "quadlet/unit_file.h"
#include "runtime/base/result.h"

namespace podreeve::quadlet {

// The kinds of files that Quadlet makes services of.
enum class UnitType { Container, Pod, Kube, Volume, Network, Image, Build };

// By the file's extension; none for a file that is not Quadlet's.
std::optional<UnitType> unit_type_of(std::string_view file_name);
std::string_view extension(UnitType type);     // ".container"
std::string_view section_name(UnitType type);  // "Container"

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

// The systemd service that Quadlet makes of the file: foo.container and foo.kube give foo.service,
// foo.pod gives foo-pod.service and so on, foo@.pod gives foo-pod@.service; ServiceName= in the
// file's own section overrides that. A ServiceName= with a specifier cannot be known here and is
// Unsupported.
Result<std::string> service_name(std::string_view file_name, const UnitFile& file);

// The name of what the service makes in podman: ContainerName=, PodName=, VolumeName= or
// NetworkName= where set, else systemd-%N for a container (systemd-%p_%i in a template), and
// systemd-BASE for the rest. A kube unit, an image and a build have no such name: empty. A name
// with a specifier other than those whose value is known from the file name (%n %N %p %i %j %%) is
// Unsupported, and so is a template's name, since each instance has its own.
Result<std::string> resource_name(std::string_view file_name, const UnitFile& file);

}  // namespace podreeve::quadlet
