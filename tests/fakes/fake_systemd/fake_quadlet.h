#pragma once

#include <filesystem>

#include "runtime/systemd/scope.h"

namespace podreeve::fakes {

// Puts a generator below root, where find_quadlet(scope, root) finds it. It makes a service of
// every Quadlet file of its directories but those that have a key "Garbage": these it drops, and
// complains of them in the words of podman's.
void install_fake_quadlet(const std::filesystem::path& root,
                          systemd::Scope scope = systemd::Scope::User);

}  // namespace podreeve::fakes
