#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quadlet/services.h"
#include "quadlet/unit.h"

namespace podreeve::quadlet {

// A unit without errors, as if it were installed in /q.
Unit unit_of(std::string_view file_name, std::string_view text);

// The texts of all problems, a line each, without "/q/".
std::string text_of(const std::vector<Diagnostic>& problems);

// What is made of the files, in the order they are given.
Services services_of(const std::vector<std::pair<std::string_view, std::string_view>>& files,
                     const PodmanRelease& podman = kNewestRelease);

}  // namespace podreeve::quadlet
