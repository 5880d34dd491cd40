#include "tests/unit/quadlet/units.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace podreeve::quadlet {

Unit unit_of(std::string_view file_name, std::string_view text) {
    Unit::Read read = Unit::read({fmt::format("/q/{}", file_name), std::string(text)});
    EXPECT_TRUE(read.unit) << text_of(read.problems);
    return read.unit ? *read.unit : unit_of("broken.container", "");
}

std::string text_of(const std::vector<Diagnostic>& problems) {
    std::string all;
    for (const Diagnostic& each : problems) {
        const std::string text = to_text(each);
        all += (text.starts_with("/q/") ? text.substr(3) : text) + "\n";
    }
    return all;
}

Services services_of(const std::vector<std::pair<std::string_view, std::string_view>>& files,
                     const PodmanRelease& podman) {
    std::vector<Unit> units;
    for (const auto& [name, text] : files) {
        units.push_back(unit_of(name, text));
    }
    Target target;
    target.podman = podman;
    return make_services(units, target);
}

}  // namespace podreeve::quadlet
