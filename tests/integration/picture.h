#pragma once

#include <string>

#include "tests/fakes/fake_podman/fake_podman.h"

namespace podreeve::integration {

// All that podman holds but for ids: equal texts are equal hosts.
std::string picture_of(fakes::FakePodman& podman);

}  // namespace podreeve::integration
