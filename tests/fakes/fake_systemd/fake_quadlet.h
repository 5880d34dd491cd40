#pragma once

#include <filesystem>

#include "runtime/systemd/scope.h"

namespace podreeve::fakes {

// Puts a generator below root, where find_quadlet(scope, root) finds it. As podman's it makes a
// service of every unit of its directories, drops those with a key that it does not know (which is
// "Garbage"), and all of a directory in which one cannot be parsed, and complains in the same
// words.
void install_fake_quadlet(const std::filesystem::path& root,
                          systemd::Scope scope = systemd::Scope::User);

}  // namespace podreeve::fakes
