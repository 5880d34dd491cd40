#pragma once

#include <string>

#include "quadlet/podman_release.h"
#include "quadlet/unit.h"
#include "runtime/base/result.h"

namespace podreeve::quadlet {

// The systemd service that Quadlet makes of the unit: foo.container and foo.kube give foo.service,
// foo.pod gives foo-pod.service and so on; foo@.pod gives foo-pod@.service from podman 5.7 and
// foo@-pod.service before; ServiceName= overrides all that, and stands as it is, specifiers and
// all.
std::string service_name(const Unit& unit, const PodmanRelease& podman);

// How the generator calls what the unit makes when another unit refers to it: a podman name, in
// which specifiers stay, to be resolved for the unit that it is put in. Empty where that cannot be.
std::string name_in_references(const Unit& unit, const PodmanRelease& podman);

// The name in podman of what the unit makes: ContainerName= and the like where set, else
// systemd-NAME. A kube unit, an image and a build have none: empty. A name with a specifier other
// than those whose value follows from the service's name (%n %N %p %i %j %%) is Unsupported, and so
// is a template's default, since each of its instances has its own.
Result<std::string> resource_name(const Unit& unit, const PodmanRelease& podman);

}  // namespace podreeve::quadlet
